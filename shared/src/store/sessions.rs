//! Who is logged in to the dashboard. A session and a login link hang on an operator token and end with it.

use super::tokens::Grant;
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use uuid::Uuid;

/// A session that holds, and what its token grants.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: Uuid,
    pub tenant_name: String,
    pub token_name: String,
    pub grant: Grant,
    /// Its last use was written down more than a minute ago: call [`seen`].
    pub unseen: bool,
}

/// Begin a session of 12 hours, which also ends after an hour without use.
///
/// # Errors
/// When the statement fails.
pub async fn begin(
    connection: &mut PgConnection,
    tenant: TenantId,
    token: Uuid,
    secret_hash: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into sessions (tenant_id, id, token_id, secret_hash, expires_at)
         values ($1, $2, $3, $4, now() + interval '12 hours')",
        tenant.0,
        Uuid::now_v7(),
        token,
        secret_hash
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The session with this hash, while it holds: neither over nor unused for an hour, and its operator
/// token neither revoked nor expired.
///
/// # Errors
/// When the statement fails.
pub async fn find(connection: &mut PgConnection, secret_hash: &[u8]) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query!(
        r#"select s.id, s.tenant_id, s.seen_at < now() - interval '1 minute' as "unseen!",
                  n.name as tenant_name, n.suspended_at is not null as "suspended!", t.id as token_id, t.name as token_name, t.scope, t.source, t.strict,
                  extract(epoch from t.expires_at - now())::float8 as seconds_left
           from sessions s
           join tokens t on t.tenant_id = s.tenant_id and t.id = s.token_id
           join tenants n on n.id = s.tenant_id
           where s.secret_hash = $1 and s.expires_at > now() and s.seen_at > now() - interval '1 hour'
             and t.scope = 'operator' and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())"#,
        secret_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Session {
        id: row.id,
        tenant_name: row.tenant_name,
        token_name: row.token_name,
        unseen: row.unseen,
        grant: Grant {
            tenant: TenantId(row.tenant_id),
            id: row.token_id,
            scope: row.scope,
            source: row.source,
            strict: row.strict,
            suspended: row.suspended,
            seconds_left: row.seconds_left,
        },
    }))
}

/// Note that a session is in use.
///
/// # Errors
/// When the statement fails.
pub async fn seen(connection: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update sessions set seen_at = now()
         where tenant_id = $1 and id = $2 and seen_at < now() - interval '1 minute'",
        tenant.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// End a session.
///
/// # Errors
/// When the statement fails.
pub async fn end(connection: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from sessions where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Offer a link that logs in once, within 5 minutes, as this operator token; false when the tenant has
/// no valid operator token of this id.
///
/// # Errors
/// When the statement fails.
pub async fn offer_link(
    connection: &mut PgConnection,
    tenant: TenantId,
    token: Uuid,
    secret_hash: &[u8],
) -> Result<bool, StoreError> {
    let offered = sqlx::query!(
        "insert into login_links (tenant_id, id, token_id, secret_hash, expires_at)
         select tenant_id, $2, id, $4, now() + interval '5 minutes' from tokens
         where tenant_id = $1 and id = $3 and scope = 'operator' and revoked_at is null
           and (expires_at is null or expires_at > now())",
        tenant.0,
        Uuid::now_v7(),
        token,
        secret_hash
    )
    .execute(connection)
    .await?;
    Ok(offered.rows_affected() == 1)
}

/// Use a link up; answers as whom it logs in, `None` when there is no such link any more. Whether the
/// token still holds is told by the session's [`find`].
///
/// # Errors
/// When the statement fails.
pub async fn redeem_link(
    connection: &mut PgConnection,
    secret_hash: &[u8],
) -> Result<Option<(TenantId, Uuid)>, StoreError> {
    let row = sqlx::query!(
        "delete from login_links where secret_hash = $1 and expires_at > now() returning tenant_id, token_id",
        secret_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (TenantId(row.tenant_id), row.token_id)))
}

/// Drop sessions and links whose time is over.
///
/// # Errors
/// When a statement fails.
pub async fn drop_ended(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("delete from sessions where expires_at < now() or seen_at < now() - interval '1 hour'")
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from login_links where expires_at < now()")
        .execute(connection)
        .await?;
    Ok(())
}
