//! How tenants' Users become people: the versions of their mappings.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::mapping::FIRST_VERSION;
use serde_json::Value;

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

/// The version in force and its document; `None` for the default.
///
/// # Errors
/// When the statement fails.
pub async fn in_force(conn: &mut PgConnection, tenant: TenantId) -> Result<(i32, Option<Value>), StoreError> {
    let newest = sqlx::query!(
        "select version, document from mappings where tenant_id = $1 order by version desc limit 1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(newest.map_or((FIRST_VERSION, None), |row| (row.version, Some(row.document))))
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
