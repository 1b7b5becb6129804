//! Security event tokens (RFC 8417): with which keys they are signed, and how a receiver checks
//! them.

mod keys;

pub(crate) use keys::{KeySet, new_key};

use crate::error::Failure;
use rollcall_shared::store::{PgPool, StoreError, event_keys};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};

/// How long a process goes on with the keys it has read: a new one is published, and a removed
/// one distrusted, within this time.
const FRESH: Duration = Duration::from_secs(60);

/// Longest time somebody waits for the keys to be read.
const LONGEST: Duration = Duration::from_secs(6);

/// Large answers signed at the same time: signing is work for a processor.
const SIGNING: usize = 2;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the keys could not be read in time")]
    Slow,
    #[error("a key in event_keys is none: run rollcall-api event-key rotate --compromised")]
    Stored,
    #[error("the system has no randomness to give")]
    Randomness,
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        match error {
            KeyError::Store(error) => error.into(),
            KeyError::Slow => Failure::unavailable("the keys of events are not available at the moment"),
            KeyError::Stored | KeyError::Randomness => {
                tracing::error!(%error, "events cannot be signed");
                Failure::internal()
            }
        }
    }
}

/// A file of keys that cannot be used. Says nothing of its content.
#[derive(Debug, thiserror::Error)]
pub enum KeysFileError {
    #[error("the file cannot be read")]
    Read(#[source] std::io::Error),
    #[error("block {0} is no P-256 key in PEM")]
    Block(usize),
    #[error("the file does not begin with a private key")]
    NoPrivateKey,
}

/// The keys of this deployment.
pub(crate) struct Events {
    pool: PgPool,
    /// From the configured file, for good.
    configured: Option<Arc<KeySet>>,
    read: Mutex<Option<(Instant, Arc<KeySet>)>>,
    signing: Semaphore,
}

impl Events {
    /// With the keys in this file, else with those in the database.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(crate) fn new(pool: PgPool, keys_file: Option<&Path>) -> Result<Events, KeysFileError> {
        let configured = match keys_file {
            None => None,
            Some(path) => {
                let pem = std::fs::read_to_string(path).map_err(KeysFileError::Read)?;
                Some(Arc::new(KeySet::from_pem(&pem)?))
            }
        };
        Ok(Events {
            pool,
            configured,
            read: Mutex::default(),
            signing: Semaphore::new(SIGNING),
        })
    }

    /// The keys in force. Where the database has none, the first one is made.
    ///
    /// # Errors
    /// When they have never been read and cannot be now.
    pub(crate) async fn keys(&self) -> Result<Arc<KeySet>, KeyError> {
        if let Some(keys) = &self.configured {
            return Ok(Arc::clone(keys));
        }
        tokio::time::timeout(LONGEST, self.fresh())
            .await
            .unwrap_or(Err(KeyError::Slow))
    }

    async fn fresh(&self) -> Result<Arc<KeySet>, KeyError> {
        // Held while reading: of many who ask, one reads.
        let mut read = self.read.lock().await;
        match &*read {
            Some((at, keys)) if at.elapsed() < FRESH => return Ok(Arc::clone(keys)),
            _ => {}
        }
        let keys = match (self.stored().await, &*read) {
            (Ok(keys), _) => keys,
            // What was true a minute ago is better than nothing, and good for another.
            (Err(KeyError::Store(StoreError::Unavailable(_))), Some((_, stale))) => Arc::clone(stale),
            (Err(error), _) => return Err(error),
        };
        *read = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    async fn stored(&self) -> Result<Arc<KeySet>, KeyError> {
        let mut rows = event_keys::published(&self.pool).await?;
        if rows.is_empty() {
            event_keys::insert_first(&self.pool, &new_key().ok_or(KeyError::Randomness)?).await?;
            rows = event_keys::published(&self.pool).await?;
        }
        Ok(Arc::new(KeySet::from_rows(&rows).ok_or(KeyError::Stored)?))
    }

    /// Sign many tokens without keeping other requests from being answered.
    pub(crate) async fn sign_all(
        &self,
        keys: Arc<KeySet>,
        claims: Vec<serde_json::Value>,
    ) -> Result<Vec<String>, Failure> {
        let _turn = self.signing.acquire().await;
        tokio::task::spawn_blocking(move || claims.iter().map(|claims| keys.sign(claims)).collect())
            .await
            .map_err(|_| Failure::internal())
    }
}
