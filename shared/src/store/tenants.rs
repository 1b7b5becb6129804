//! The companies whose directories are kept, and the instance that keeps them.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Not a company: what admins' tokens, and the log of what admins do, belong to.
pub const INSTANCE: TenantId = TenantId(0);

/// A tenant, and how much there is of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: i64,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// Its tokens read and change nothing since; `None`: they may.
    pub suspended_at: Option<DateTime<Utc>>,
    /// In its directory; deprovisioned ones do not count.
    pub people: i64,
    /// Changes accepted and not yet applied, counted per key.
    pub pending: i64,
    /// Links whose target is not there yet.
    pub waiting: i64,
}

/// The name is another tenant's.
#[derive(Debug)]
pub struct NameTaken;

/// Create a tenant; `None` when the name is taken.
///
/// # Errors
/// When the statement fails.
pub async fn create(connection: &mut PgConnection, name: &str) -> Result<Option<TenantId>, StoreError> {
    let id = sqlx::query_scalar!(
        "insert into tenants (name) values ($1) on conflict (name) do nothing returning id",
        name
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(TenantId))
}

/// The tenant of this name.
///
/// # Errors
/// When the statement fails.
pub async fn named(connection: &mut PgConnection, name: &str) -> Result<Option<TenantId>, StoreError> {
    let id = sqlx::query_scalar!("select id from tenants where name = $1 and id > 0", name)
        .fetch_optional(connection)
        .await?;
    Ok(id.map(TenantId))
}

/// Up to `count` tenants after this one, in the order they were created in.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    connection: &mut PgConnection,
    after: TenantId,
    count: i64,
) -> Result<Vec<Tenant>, StoreError> {
    Ok(sqlx::query_as!(
        Tenant,
        r#"select id, name, created_at, suspended_at,
                  (select count(*) from people p where p.tenant_id = t.id and status <> 'deprovisioned') as "people!",
                  (select count(*) from pending p where p.tenant_id = t.id) as "pending!",
                  (select count(*) from waiters w where w.tenant_id = t.id) as "waiting!"
           from tenants t where id > $1 and id > 0 order by id limit $2"#,
        after.0,
        count
    )
    .fetch_all(connection)
    .await?)
}

/// The tenant with this id.
///
/// # Errors
/// When the statement fails.
pub async fn find(connection: &mut PgConnection, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let before = TenantId(id.0.saturating_sub(1));
    let next = list(connection, before, 1).await?;
    Ok(next.into_iter().find(|tenant| tenant.id == id.0))
}

/// Whether there is a tenant with this id.
///
/// # Errors
/// When the statement fails.
pub async fn exists(connection: &mut PgConnection, id: TenantId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from tenants where id = $1 and id > 0) as "exists!""#,
        id.0
    )
    .fetch_one(connection)
    .await?)
}

/// Call a tenant otherwise; nothing happens where there is none.
///
/// # Errors
/// When the statement fails.
pub async fn rename(
    connection: &mut PgConnection,
    id: TenantId,
    name: &str,
) -> Result<Result<(), NameTaken>, StoreError> {
    let renamed = sqlx::query!(
        "update tenants set name = $2 where id = $1 and id > 0",
        id.0,
        name
    )
    .execute(connection)
    .await
    .map_err(StoreError::from);
    match renamed {
        Ok(_) => Ok(Ok(())),
        Err(error) if error.sqlstate().as_deref() == Some("23505") => Ok(Err(NameTaken)),
        Err(error) => Err(error),
    }
}

/// Suspend a tenant, or let it go on. Doing it twice keeps the first time; nothing happens where there
/// is none.
///
/// # Errors
/// When the statement fails.
pub async fn set_suspended(
    connection: &mut PgConnection,
    id: TenantId,
    suspended: bool,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update tenants set suspended_at = case when $2 then coalesce(suspended_at, now()) end
         where id = $1 and id > 0 and (suspended_at is not null) <> $2",
        id.0,
        suspended
    )
    .execute(connection)
    .await?;
    Ok(())
}
