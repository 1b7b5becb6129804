//! How tenants' Users become people: the versions of their mappings.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::mapping::{Compiled, FIRST_VERSION, Mapping};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most tenants whose mapping is remembered.
const CAPACITY: usize = 10_000;

/// Why a tenant's mapping cannot be had. Never taken for the default: what it says must hold.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("version {0} of the mapping cannot be read by this version of the program")]
    Unreadable(i32),
}

impl From<MappingError> for StoreError {
    fn from(error: MappingError) -> StoreError {
        match error {
            MappingError::Store(error) => error,
            unreadable => StoreError::Statement(sqlx::Error::Decode(unreadable.into())),
        }
    }
}

/// A mapping and its version.
#[derive(Debug, Clone)]
pub struct InForce {
    pub version: i32,
    pub mapping: Arc<Compiled>,
}

impl Default for InForce {
    fn default() -> InForce {
        InForce {
            version: FIRST_VERSION,
            mapping: Compiled::default_mapping(),
        }
    }
}

/// The mappings of tenants, compiled once for each version.
#[derive(Debug, Default)]
pub struct Mappings {
    known: Mutex<HashMap<TenantId, InForce>>,
}

impl Mappings {
    /// The mapping in force as this transaction sees it. The version is asked for each time, so that
    /// what is read under a lock is never older than what the lock's former holder went by.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn in_force(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<InForce, MappingError> {
        let version = version_in_force(conn, tenant).await?;
        self.of_version(conn, tenant, version).await
    }

    /// The mapping in force, of which somebody just asked the version.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of_version(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        version: i32,
    ) -> Result<InForce, MappingError> {
        if version == FIRST_VERSION {
            return Ok(InForce::default());
        }
        let known = self.known().get(&tenant).cloned();
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        let unreadable = |_| MappingError::Unreadable(version);
        let document = document(conn, tenant, version).await?.unwrap_or_default();
        let compiled = Mapping::read(&document).and_then(|mapping| mapping.compile());
        let in_force = InForce {
            version,
            mapping: Arc::new(compiled.map_err(unreadable)?),
        };
        let mut known = self.known();
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(tenant, in_force.clone());
        Ok(in_force)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, InForce>> {
        // Every change to the map is a single call, so a panic elsewhere leaves it whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version in force. Versions only grow: whoever reads it under the lock of a row reads no
/// older one than whoever held the lock before.
///
/// # Errors
/// When the statement fails.
pub async fn version_in_force(conn: &mut PgConnection, tenant: TenantId) -> Result<i32, StoreError> {
    let newest = sqlx::query_scalar!("select max(version) from mappings where tenant_id = $1", tenant.0)
        .fetch_one(conn)
        .await?;
    Ok(newest.unwrap_or(FIRST_VERSION))
}

/// The document of a version; `None` for the default and for one there never was.
///
/// # Errors
/// When the statement fails.
pub async fn document(
    conn: &mut PgConnection,
    tenant: TenantId,
    version: i32,
) -> Result<Option<Value>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select document from mappings where tenant_id = $1 and version = $2",
        tenant.0,
        version
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether the teams that this version names in documents accepted before it have their ids.
///
/// # Errors
/// When the statement fails.
pub async fn is_named(conn: &mut PgConnection, tenant: TenantId, version: i32) -> Result<bool, StoreError> {
    if version == FIRST_VERSION {
        return Ok(true);
    }
    let named = sqlx::query_scalar!(
        "select named from mappings where tenant_id = $1 and version = $2",
        tenant.0,
        version
    );
    Ok(named.fetch_optional(conn).await?.unwrap_or(true))
}

/// They have now.
///
/// # Errors
/// When the statement fails.
pub async fn set_named(conn: &mut PgConnection, tenant: TenantId, version: i32) -> Result<(), StoreError> {
    sqlx::query!(
        "update mappings set named = true where tenant_id = $1 and version = $2",
        tenant.0,
        version
    )
    .execute(conn)
    .await?;
    Ok(())
}
