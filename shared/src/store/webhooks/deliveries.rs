//! Deliveries as operators see them: looked at, sent again, asked for.

use crate::directory::TenantId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A delivery, without what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub id: Uuid,
    /// `changes` or `ping`.
    pub kind: String,
    /// How many changes it tells of.
    pub changes: i32,
    /// When the first of them was applied.
    pub changed_at: DateTime<Utc>,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// Those that failed, or the one that did not included.
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Of the last answer; `None` when there was none.
    pub status: Option<i16>,
    /// Class of the last failure.
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// A webhook's deliveries, the newest first: those before `before`, in this state. That the webhook is told by
/// comparisons leaves no cheaper way than the order of an index, whatever is known of it.
///
/// # Errors
/// When the statement fails.
pub async fn page(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    Ok(sqlx::query_as!(
        Delivery,
        "select id, kind, changes, changed_at, state, attempts, next_attempt_at, status, error, created_at,
             finished_at
         from webhook_deliveries
         where (tenant_id, webhook_id, id) < ($1, $2, $4) and (tenant_id, webhook_id) >= ($1, $2)
           and ($3::text is null or state = $3)
         order by tenant_id desc, webhook_id desc, id desc limit $5",
        tenant.0,
        webhook,
        state,
        before.unwrap_or(Uuid::max()),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// One delivery, and what it says.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    id: Uuid,
) -> Result<Option<(Delivery, String)>, StoreError> {
    let row = sqlx::query!(
        "select * from webhook_deliveries where tenant_id = $1 and webhook_id = $2 and id = $3",
        tenant.0,
        webhook,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let delivery = Delivery {
            id: row.id,
            kind: row.kind,
            changes: row.changes,
            changed_at: row.changed_at,
            state: row.state,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            status: row.status,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        };
        (delivery, row.body)
    }))
}

/// Ask for a delivery that says only that it is one; answers its id.
///
/// # Errors
/// When the statement fails.
pub async fn ping(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    body: &str,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into webhook_deliveries (tenant_id, webhook_id, id, kind, in_order, changes, changed_at, body)
         values ($1, $2, $3, 'ping', false, 0, now(), $4)",
        tenant.0,
        webhook,
        id,
        body
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Which deliveries are to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// This one.
    One(Uuid),
    /// Those that were given up and were made at this time or later.
    DeadSince(DateTime<Utc>),
    /// Those that were delivered, too.
    AllSince(DateTime<Utc>),
}

/// In a transaction: send deliveries again that are over, under the ids they had; answers how many.
/// Whatever came after them does not wait for them.
///
/// # Errors
/// When a statement fails.
pub async fn replay(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    again: Again,
) -> Result<u64, StoreError> {
    let (id, since, delivered) = match again {
        Again::One(id) => (Some(id), None, true),
        Again::DeadSince(since) => (None, Some(since), false),
        Again::AllSince(since) => (None, Some(since), true),
    };
    super::lock(conn, tenant, webhook).await?;
    let done = sqlx::query!(
        "update webhook_deliveries set state = 'pending', in_order = false, attempts = 0,
             next_attempt_at = now(), finished_at = null, status = null, error = null
         where tenant_id = $1 and webhook_id = $2 and state <> 'pending'
           and (id = $3 or (kind = 'changes' and created_at >= $4)) and (state = 'dead' or $5)",
        tenant.0,
        webhook,
        id,
        since,
        delivered
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
