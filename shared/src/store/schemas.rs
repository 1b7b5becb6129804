//! The extension schemas that tenants' operators define.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A schema as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DefinedSchema {
    /// As RFC 7643 §7 represents it, with the resource type it `extends`.
    pub definition: Value,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
}

/// Let no other operator of this tenant change its schemas until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn lock(connection: &mut PgConnection, tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query!("select id from tenants where id = $1 for no key update", tenant.0)
        .fetch_optional(connection)
        .await?;
    Ok(())
}

/// A tenant's schemas, by URN.
///
/// # Errors
/// When the statement fails.
pub async fn list(connection: &mut PgConnection, tenant: TenantId) -> Result<Vec<DefinedSchema>, StoreError> {
    Ok(sqlx::query_as!(
        DefinedSchema,
        "select definition, version, created_at, modified_at
         from tenant_schemas where tenant_id = $1 order by folded_urn",
        tenant.0,
    )
    .fetch_all(connection)
    .await?)
}

/// Store a schema, in place of the one of the same URN if there is one.
///
/// # Errors
/// When the statement fails.
pub async fn put(
    connection: &mut PgConnection,
    tenant: TenantId,
    folded_urn: &str,
    definition: &Value,
) -> Result<DefinedSchema, StoreError> {
    Ok(sqlx::query_as!(
        DefinedSchema,
        "insert into tenant_schemas (tenant_id, folded_urn, definition, version)
         values ($1, $2, $3, 1)
         on conflict (tenant_id, folded_urn) do update
         set definition = excluded.definition, version = tenant_schemas.version + 1, modified_at = now()
         returning definition, version, created_at, modified_at",
        tenant.0,
        folded_urn,
        definition,
    )
    .fetch_one(connection)
    .await?)
}

/// Forget a schema.
///
/// # Errors
/// When the statement fails.
pub async fn delete(
    connection: &mut PgConnection,
    tenant: TenantId,
    folded_urn: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from tenant_schemas where tenant_id = $1 and folded_urn = $2",
        tenant.0,
        folded_urn,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a live resource has attributes of this extension. Looks at every resource of the
/// tenant: for operators only.
///
/// # Errors
/// When the statement fails.
pub async fn in_use(connection: &mut PgConnection, tenant: TenantId, urn: &str) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from scim_resources
               where tenant_id = $1 and deleted_seq is null and jsonb_exists(document, $2)
           ) as "found!""#,
        tenant.0,
        urn,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}
