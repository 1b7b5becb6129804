//! The rules by which a tenant's documents become directory rows, apart from the documents: its
//! settings, and what day it is.
//!
//! Whoever applies documents reads the rules under a shared lock. So there is a point after which
//! nobody goes by older ones ([`settle`]), and what a run looks for after it stays found.

use super::StoreError;
use super::settings::stored;
use crate::directory::TenantId;
use crate::mapping::FIRST_VERSION;
use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

/// Distinguishes the tenants' rules from other advisory locks of the database.
const RULES_LOCK_CLASS: i64 = 0x5c1e << 40;

/// A transaction in which documents are applied: until it ends, [`settle`] waits.
///
/// # Errors
/// When Postgres is out of reach.
pub async fn begin(pool: &PgPool, tenant: TenantId) -> Result<Transaction<'static, Postgres>, StoreError> {
    let lock = RULES_LOCK_CLASS + tenant.0;
    // One round trip for both. The number is ours.
    let begin = AssertSqlSafe(format!("begin; select pg_advisory_xact_lock_shared({lock})"));
    Ok(pool.begin_with(begin).await?)
}

/// Wait for everybody who may have read older rules than there are now.
///
/// # Errors
/// When the statement fails.
pub async fn settle(pool: &PgPool, tenant: TenantId) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    lock(&mut tx, tenant).await?;
    tx.commit().await?;
    Ok(())
}

/// Change the rules: wait for everybody who applies documents, and let nobody begin to until the
/// transaction ends. To be taken before any other lock.
///
/// # Errors
/// When the statement fails.
pub async fn lock(conn: &mut PgConnection, tenant: TenantId) -> Result<(), StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", RULES_LOCK_CLASS + tenant.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The day that start and end dates are compared with: today where the tenant is, by the time of
/// the database at this statement. `None`: dates decide nothing.
///
/// # Errors
/// As [`super::settings::read`].
pub async fn deciding_day(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<NaiveDate>, StoreError> {
    Ok(read(conn, tenant).await?.deciding_day)
}

/// What applying a tenant's documents goes by, apart from the mapping itself.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// See [`deciding_day`].
    pub deciding_day: Option<NaiveDate>,
    /// See [`super::mappings::version_in_force`].
    pub mapping_version: i32,
}

/// The rules as they are at this statement.
///
/// # Errors
/// As [`super::settings::read`].
pub async fn read(conn: &mut PgConnection, tenant: TenantId) -> Result<Rules, StoreError> {
    let row = sqlx::query!(
        r#"select settings, settings_version, clock_timestamp() as "now!",
                  (select max(version) from mappings where tenant_id = $1) as mapping_version
           from tenants where id = $1"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    let settings = stored(&row.settings, row.settings_version)?.settings;
    Ok(Rules {
        deciding_day: settings.deciding_day(row.now),
        mapping_version: row.mapping_version.unwrap_or(FIRST_VERSION),
    })
}
