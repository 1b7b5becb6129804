use super::{Scope, secret};
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::Dialect;
use rollcall_shared::store::tokens::{self, Grant};
use rollcall_shared::store::{PgPool, StoreError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a revoked token may still be honoured.
const LIFETIME: Duration = Duration::from_secs(4);
/// From this age on an answer is renewed beside the request that uses it.
const RENEW_AFTER: Duration = Duration::from_secs(2);
/// How long an unknown secret is remembered as unknown, so that guessing costs no query each.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(1);
/// Most secrets remembered.
const CAPACITY: usize = 10_000;

/// A valid token.
#[derive(Debug)]
pub(crate) struct Token {
    pub tenant: TenantId,
    pub id: Uuid,
    pub scope: Scope,
    /// Namespace of the externalIds it writes.
    pub source: Arc<str>,
    pub dialect: Dialect,
    /// Its tenant reads and changes nothing.
    pub suspended: bool,
    expires: Option<Instant>,
    used: AtomicBool,
}

impl Token {
    /// What is granted, as of `now`; `None` for a scope this version does not know.
    pub(crate) fn of(grant: Grant, now: Instant) -> Option<Token> {
        let Some(scope) = Scope::from_name(&grant.scope) else {
            tracing::warn!(token = %grant.id, scope = grant.scope, "a token has a scope this version does not know");
            return None;
        };
        let left = grant
            .seconds_left
            .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Some(Token {
            tenant: grant.tenant,
            id: grant.id,
            scope,
            source: grant.source.into(),
            dialect: match grant.strict {
                true => Dialect::Strict,
                false => Dialect::Tolerant,
            },
            suspended: grant.suspended,
            // An expiry beyond what the clock can hold is none.
            expires: left.and_then(|left| now.checked_add(left)),
            used: AtomicBool::new(false),
        })
    }
}

struct Entry {
    /// `None`: no valid token has this secret.
    token: Option<Arc<Token>>,
    read_at: Instant,
    renewing: bool,
}

/// What each recently seen secret grants, at most a few seconds old. Clones share it.
#[derive(Clone)]
pub(crate) struct Tokens {
    pool: PgPool,
    entries: Arc<Mutex<HashMap<[u8; 32], Entry>>>,
}

enum Cached {
    Fresh(Option<Arc<Token>>),
    /// Good for this request, and the caller should have it renewed.
    Ageing(Arc<Token>),
    Absent,
}

impl Tokens {
    pub(crate) fn new(pool: PgPool) -> Tokens {
        let entries = Arc::default();
        Tokens { pool, entries }
    }

    /// The valid token with this secret; `None` when there is none.
    ///
    /// # Errors
    /// When Postgres could not be asked: never a reason to call the secret wrong.
    pub(crate) async fn find(&self, secret: &str) -> Result<Option<Arc<Token>>, StoreError> {
        let hash = secret::hash(secret);
        let found = match self.cached(&hash, Instant::now()) {
            Cached::Fresh(token) => token,
            Cached::Ageing(token) => {
                let tokens = self.clone();
                tokio::spawn(async move {
                    if let Err(error) = tokens.read(hash).await {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "could not renew a token"
                        );
                        if let Some(entry) = tokens.entries().get_mut(&hash) {
                            entry.renewing = false;
                        }
                    }
                });
                Some(token)
            }
            Cached::Absent => self.read(hash).await?,
        };
        if let Some(token) = &found {
            token.used.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    fn cached(&self, hash: &[u8; 32], now: Instant) -> Cached {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(hash) else {
            return Cached::Absent;
        };
        let age = now.duration_since(entry.read_at);
        match &entry.token {
            None if age < UNKNOWN_LIFETIME => Cached::Fresh(None),
            Some(token) if token.expires.is_some_and(|expires| expires <= now) => Cached::Absent,
            Some(token) if age < RENEW_AFTER => Cached::Fresh(Some(Arc::clone(token))),
            Some(token) if age < LIFETIME => {
                let token = Arc::clone(token);
                match std::mem::replace(&mut entry.renewing, true) {
                    true => Cached::Fresh(Some(token)),
                    false => Cached::Ageing(token),
                }
            }
            _ => Cached::Absent,
        }
    }

    async fn read(&self, hash: [u8; 32]) -> Result<Option<Arc<Token>>, StoreError> {
        // Before the query: the answer is at least as old as this.
        let read_at = Instant::now();
        let mut connection = self.pool.acquire().await?;
        let token = tokens::granted(&mut connection, &hash)
            .await?
            .and_then(|grant| Token::of(grant, read_at))
            .map(Arc::new);
        let mut entries = self.entries();
        if let (Some(old), Some(new)) = (entries.get(&hash).and_then(|entry| entry.token.as_ref()), &token) {
            new.used
                .store(old.used.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        make_room(&mut entries, read_at);
        let entry = Entry {
            token: token.clone(),
            read_at,
            renewing: false,
        };
        entries.insert(hash, entry);
        Ok(token)
    }

    /// Write the last use of every token used since the last call.
    ///
    /// # Errors
    /// When Postgres refuses; the uses are noted again next time.
    pub(crate) async fn write_last_uses(&self) -> Result<(), StoreError> {
        let used: Vec<Arc<Token>> = self
            .entries()
            .values()
            .filter_map(|entry| entry.token.clone())
            .filter(|token| token.used.swap(false, Ordering::Relaxed))
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = used.iter().map(|token| (token.tenant, token.id)).collect();
        let written = async { tokens::touch(&mut *self.pool.acquire().await?, &ids).await }.await;
        if written.is_err() {
            used.iter()
                .for_each(|token| token.used.store(true, Ordering::Relaxed));
        }
        written
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry>> {
        // Every change to the map is a single call, so a panic elsewhere leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keep the map bounded: drop what is out of date, and everything when that is not enough.
fn make_room(entries: &mut HashMap<[u8; 32], Entry>, now: Instant) {
    if entries.len() < CAPACITY {
        return;
    }
    entries.retain(|_, entry| now.duration_since(entry.read_at) < LIFETIME && entry.token.is_some());
    if entries.len() >= CAPACITY {
        entries.clear();
    }
}
