//! Webhooks: what operators set up, and how far each has been told of the directory's changes.
//!
//! Secrets are kept as they are, for deliveries are signed with them: whoever reads the database
//! could sign in our name, as with `event_keys`. Each is of one webhook, random, shown once and
//! replaceable.

pub mod deliveries;
pub mod place;
pub mod turns;

use super::{StoreError, follow};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub url: String,
    pub description: String,
    /// Types of the changes it is told of; empty: all.
    pub types: Vec<String>,
    pub enabled: bool,
}

/// A webhook as it is now, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    pub id: Uuid,
    pub wanted: Wanted,
    /// `operator`, `gone` (it answered 410), `failing`, or `lost` (its place in the feed is gone); `None`
    /// while it is enabled.
    pub disabled_reason: Option<String>,
    /// Whether its place in the feed is there: it can be told of everything since.
    pub kept: bool,
    /// When it last went on from the latest place: what lay before was not told.
    pub resumed_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    /// Until when the secret before the present one signs too.
    pub old_secret_ends: Option<DateTime<Utc>>,
    /// The first failure since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// The last success.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Deliveries that are tried, or tried again.
    pub pending: i64,
    /// Deliveries that were given up.
    pub dead: i64,
}

/// A tenant's webhooks, the oldest first; with an id, only that one.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<Uuid>,
) -> Result<Vec<Webhook>, StoreError> {
    let rows = sqlx::query!(
        r#"select w.id, w.url, w.description, w.types, w.enabled, w.disabled_reason, w.version, w.created_at,
               w.modified_at, case when w.old_secret_ends > now() then w.old_secret_ends end as old_secret_ends,
               w.failing_since, w.delivered_at, w.resumed_at, w.after_xid, w.after_id,
               (select count(*) from webhook_deliveries d
                where d.tenant_id = $1 and d.webhook_id = w.id and d.state = 'pending') as "pending!",
               (select count(*) from webhook_deliveries d
                where d.tenant_id = $1 and d.webhook_id = w.id and d.state = 'dead') as "dead!"
           from webhooks w where w.tenant_id = $1 and ($2::uuid is null or w.id = $2)
           order by w.created_at, w.id"#,
        tenant.0,
        id
    )
    .fetch_all(&mut *conn)
    .await?;
    let position = |xid, id| (tenant, follow::Position { xid, id });
    let positions: Vec<_> = rows
        .iter()
        .map(|row| position(row.after_xid, row.after_id))
        .collect();
    let kept = follow::kept(conn, &positions).await?;
    let webhooks = rows.into_iter().zip(kept).map(|(row, kept)| Webhook {
        id: row.id,
        wanted: Wanted {
            url: row.url,
            description: row.description,
            types: row.types,
            enabled: row.enabled,
        },
        disabled_reason: row.disabled_reason,
        kept,
        resumed_at: row.resumed_at,
        version: row.version,
        created_at: row.created_at,
        modified_at: row.modified_at,
        old_secret_ends: row.old_secret_ends,
        failing_since: row.failing_since,
        delivered_at: row.delivered_at,
        pending: row.pending,
        dead: row.dead,
    });
    Ok(webhooks.collect())
}

/// One webhook.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Webhook>, StoreError> {
    Ok(list(conn, tenant, Some(id)).await?.pop())
}

/// Let nobody change this webhook, nor deliver to it, until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn lock(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "select id from webhooks where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// A new webhook, told of what becomes visible from now on.
///
/// # Errors
/// When a statement fails.
pub async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    wanted: &Wanted,
    secret: &[u8],
) -> Result<(), StoreError> {
    let now = follow::latest(conn, tenant).await?;
    sqlx::query!(
        "insert into webhooks (tenant_id, id, url, description, types, enabled, disabled_reason, secret,
             after_xid, after_id)
         values ($1, $2, $3, $4, $5, $6, case when not $6 then 'operator' end, $7, $8, $9)",
        tenant.0,
        id,
        wanted.url,
        wanted.description,
        &wanted.types,
        wanted.enabled,
        secret,
        now.xid,
        now.id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Another version of a webhook, locked. One that is enabled again goes on where it was: what waits is tried at
/// once, as if for the first time.
///
/// # Errors
/// When a statement fails.
pub async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    wanted: &Wanted,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhook_deliveries set attempts = 0, next_attempt_at = now()
         where tenant_id = $1 and webhook_id = $2 and state = 'pending' and $3
           and exists (select from webhooks where tenant_id = $1 and id = $2 and not enabled)",
        tenant.0,
        id,
        wanted.enabled
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update webhooks set url = $3, description = $4, types = $5, enabled = $6,
             disabled_reason = case when not $6 then coalesce(disabled_reason, 'operator') end,
             failing_since = case when enabled = $6 then failing_since end,
             version = version + 1, modified_at = now()
         where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        wanted.url,
        wanted.description,
        &wanted.types,
        wanted.enabled
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remove a webhook with its deliveries.
///
/// # Errors
/// When the statement fails.
pub async fn delete(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from webhooks where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sign with this secret from now on, and for so many seconds with the one before as well.
///
/// # Errors
/// When the statement fails.
pub async fn rotate(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    secret: &[u8],
    overlap_seconds: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhooks set secret = $3, old_secret = case when $4::float8 > 0 then secret end,
             old_secret_ends = case when $4::float8 > 0 then now() + make_interval(secs => $4) end,
             version = version + 1, modified_at = now()
         where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        secret,
        f64::from(overlap_seconds)
    )
    .execute(conn)
    .await?;
    Ok(())
}
