//! The schemas of tenants, as this process knows them: a short-lived cache, as for tokens.

use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::ScimError;
use rollcall_shared::scim::schema::{Definition, NoRoom, SchemaSet};
use rollcall_shared::store::schemas::{self, DefinedSchema};
use rollcall_shared::store::{PgPool, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a changed schema may still be read as it was.
const LIFETIME: Duration = Duration::from_secs(4);
/// From this age on an answer is renewed beside the request that uses it.
const RENEW_AFTER: Duration = Duration::from_secs(2);
/// Most tenants remembered.
const CAPACITY: usize = 10_000;

/// Why a tenant's schemas cannot be had. Never taken for having none: what they hide would show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemasError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a stored schema cannot be read by this version")]
    Unreadable(#[source] ScimError),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

struct Entry {
    schemas: SchemaSet,
    read_at: Instant,
    renewing: bool,
}

/// Each tenant's schemas, at most a few seconds old. Clones share it.
#[derive(Clone)]
pub(crate) struct Schemas {
    pool: PgPool,
    entries: Arc<Mutex<HashMap<TenantId, Entry>>>,
}

impl Schemas {
    pub(crate) fn new(pool: PgPool) -> Schemas {
        let entries = Arc::default();
        Schemas { pool, entries }
    }

    /// The schemas of this tenant.
    ///
    /// # Errors
    /// When they could not be read.
    pub(crate) async fn of(&self, tenant: TenantId) -> Result<SchemaSet, SchemasError> {
        let (known, renew) = self.cached(tenant, Instant::now());
        let Some(known) = known else {
            return self.read(tenant).await;
        };
        if renew {
            let schemas = self.clone();
            tokio::spawn(async move {
                if let Err(error) = schemas.read(tenant).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "could not renew schemas"
                    );
                    if let Some(entry) = schemas.entries().get_mut(&tenant) {
                        entry.renewing = false;
                    }
                }
            });
        }
        Ok(known)
    }

    /// Have this process see a change at once; others see it when their answers have aged.
    pub(crate) fn forget(&self, tenant: TenantId) {
        self.entries().remove(&tenant);
    }

    /// What is remembered, and whether the caller should have it renewed.
    fn cached(&self, tenant: TenantId, now: Instant) -> (Option<SchemaSet>, bool) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&tenant) else {
            return (None, false);
        };
        let age = now.duration_since(entry.read_at);
        if age >= LIFETIME {
            return (None, false);
        }
        let renew = age >= RENEW_AFTER && !std::mem::replace(&mut entry.renewing, age >= RENEW_AFTER);
        (Some(entry.schemas), renew)
    }

    async fn read(&self, tenant: TenantId) -> Result<SchemaSet, SchemasError> {
        // Before the query: the answer is at least as old as this.
        let read_at = Instant::now();
        let mut connection = self.pool.acquire().await.map_err(StoreError::from)?;
        let schemas = set_of(&schemas::list(&mut connection, tenant).await?)?;
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        let entry = Entry {
            schemas,
            read_at,
            renewing: false,
        };
        entries.insert(tenant, entry);
        Ok(schemas)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TenantId, Entry>> {
        // Every change to the map is a single call, so a panic elsewhere leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The built-in schemas and these.
pub(crate) fn set_of(stored: &[DefinedSchema]) -> Result<SchemaSet, SchemasError> {
    let definitions: Result<Vec<Definition>, ScimError> = stored
        .iter()
        .map(|stored| {
            let urn = stored.definition["id"].as_str().unwrap_or_default();
            Definition::parse(urn, &stored.definition)
        })
        .collect();
    Ok(SchemaSet::with(&definitions.map_err(SchemasError::Unreadable)?)?)
}
