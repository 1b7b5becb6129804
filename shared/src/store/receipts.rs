//! What became of accepted writes: read from the ledger, the outbox, the history, the waiting
//! links and the rejections, in one snapshot.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// One accepted write and how far it has come.
#[derive(Debug, Clone)]
pub struct ReceiptRow {
    pub seq: i64,
    pub txn: Uuid,
    pub txn_index: i32,
    /// Of the client; `None` where the service itself wrote.
    pub token_id: Option<Uuid>,
    pub resource_id: Uuid,
    pub directory_id: Uuid,
    /// Of the resource: 1 User, 2 Group.
    pub kind: i16,
    pub operation: String,
    /// Accepted, but it asserted nothing new.
    pub unchanged: bool,
    /// Names of the attributes it changed.
    pub attributes: Vec<String>,
    pub version: i64,
    pub accepted_at: DateTime<Utc>,
    /// Keys the directory has yet to catch up with.
    pub pending: i64,
    /// Of these, set aside because reconciling them kept failing.
    pub parked: i64,
    /// The highest change covered by the apply that took this one in; greater than `seq` when a
    /// later change was applied with it.
    pub applied_seq: Option<i64>,
    pub applied_at: Option<DateTime<Utc>>,
    /// Names of the directory's fields that apply changed.
    pub fields: Vec<String>,
    /// The receipt of `applied_seq`.
    pub applied_txn: Option<Uuid>,
    pub applied_txn_index: Option<i32>,
}

/// A link that a change asserted and that still waits.
#[derive(Debug, Clone)]
pub struct WaitingRow {
    pub slot: i16,
    pub reference: String,
    pub reason: String,
    pub since: DateTime<Utc>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// A value that a change asserted and that could not be projected.
#[derive(Debug, Clone)]
pub struct RejectedRow {
    /// The directory's field.
    pub rule: String,
    pub reason: String,
    pub since: DateTime<Utc>,
}

/// How many writes the receipt covers.
///
/// # Errors
/// When the statement fails.
pub async fn count(connection: &mut PgConnection, tenant: TenantId, txn: Uuid) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from changes where tenant_id = $1 and txn = $2"#,
        tenant.0,
        txn
    )
    .fetch_one(connection)
    .await?)
}

/// The writes of a receipt, by their seqs in the order of the request: all, or the one at `index`.
///
/// # Errors
/// When the statement fails.
pub async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    txn: Uuid,
    index: Option<i32>,
    offset: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select seq from changes where tenant_id = $1 and txn = $2 and ($3::int is null or txn_index = $3)
         order by txn_index, seq offset $4 limit $5",
        tenant.0,
        txn,
        index,
        offset,
        limit
    )
    .fetch_all(connection)
    .await?)
}

/// The writes of these seqs and how far they have come, in this order.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    seqs: &[i64],
) -> Result<Vec<ReceiptRow>, StoreError> {
    Ok(sqlx::query_as!(
        ReceiptRow,
        r#"select c.seq, c.txn, c.txn_index, c.token_id, c.resource_id, c.directory_id, c.kind, c.operation, c.unchanged,
                  c.attributes, c.version, c.accepted_at,
                  p.pending as "pending!", p.parked as "parked!",
                  h.seq as "applied_seq?", h.applied_at as "applied_at?",
                  coalesce(h.fields, '{}') as "fields!: Vec<String>",
                  l.txn as "applied_txn?", l.txn_index as "applied_txn_index?"
           from unnest($2::bigint[]) with ordinality as asked (seq, place)
           cross join lateral (
               select * from changes where tenant_id = $1 and seq = asked.seq offset 0
           ) c
           cross join lateral (
               select count(*) as pending, count(*) filter (where due_at = 'infinity') as parked
               from pending where tenant_id = c.tenant_id and seq = c.seq
           ) p
           -- The applies of these keys that cover the change: those at the lowest such seq.
           left join lateral (
               select a.seq, max(a.applied_at) as applied_at,
                      (select array_agg(distinct field order by field)
                       from history f cross join lateral jsonb_object_keys(f.fields) as field
                       where f.tenant_id = c.tenant_id and f.key_id = c.directory_id and f.seq = a.seq
                         and f.cause = 'apply') as fields
               from history a
               where a.tenant_id = c.tenant_id and a.key_id = c.directory_id and a.cause = 'apply'
                 and a.seq = (select min(seq) from history
                              where tenant_id = c.tenant_id and key_id = c.directory_id and seq >= c.seq
                                and cause = 'apply')
               group by a.seq
           ) h on true
           left join changes l on l.tenant_id = c.tenant_id and l.seq = h.seq
           order by asked.place"#,
        tenant.0,
        seqs
    )
    .fetch_all(connection)
    .await?)
}

/// The links these changes (by seq and directory id) asserted that still wait; at most
/// `limit` per change.
///
/// # Errors
/// When the statement fails.
pub async fn waiting(
    connection: &mut PgConnection,
    tenant: TenantId,
    changes: &[(i64, Uuid)],
    limit: i64,
) -> Result<HashMap<i64, Vec<WaitingRow>>, StoreError> {
    let (seqs, subjects): (Vec<i64>, Vec<Uuid>) = changes.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select c.seq as "seq!", w.slot, w.reference, w.reason, w.since, w.attempts, w.next_attempt_at
           from unnest($2::bigint[], $3::uuid[]) as c (seq, subject_id)
           cross join lateral (
               select * from waiters
               where tenant_id = $1 and subject_id = c.subject_id and asserted_seq = c.seq
               order by slot, place limit $4
           ) w
           order by c.seq, w.slot, w.place"#,
        tenant.0,
        &seqs,
        &subjects,
        limit
    )
    .fetch_all(connection)
    .await?;
    let mut waiting: HashMap<i64, Vec<WaitingRow>> = HashMap::new();
    for row in rows {
        waiting.entry(row.seq).or_default().push(WaitingRow {
            slot: row.slot,
            reference: row.reference,
            reason: row.reason,
            since: row.since,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
        });
    }
    Ok(waiting)
}

/// The open rejections of these resources, found when a change from the first seq up to the
/// second was applied.
///
/// # Errors
/// When the statement fails.
pub async fn rejected(
    connection: &mut PgConnection,
    tenant: TenantId,
    changes: &[(Uuid, i64, i64)],
) -> Result<HashMap<i64, Vec<RejectedRow>>, StoreError> {
    let resources: Vec<Uuid> = changes.iter().map(|change| change.0).collect();
    let from: Vec<i64> = changes.iter().map(|change| change.1).collect();
    let to: Vec<i64> = changes.iter().map(|change| change.2).collect();
    let rows = sqlx::query!(
        r#"select c.seq as "seq!", r.rule, r.reason, r.since
           from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as c (resource_id, seq, applied_seq)
           join rejections r on r.tenant_id = $1 and r.resource_id = c.resource_id
            and r.seq between c.seq and c.applied_seq
           order by c.seq, r.rule"#,
        tenant.0,
        &resources,
        &from,
        &to
    )
    .fetch_all(connection)
    .await?;
    let mut rejected: HashMap<i64, Vec<RejectedRow>> = HashMap::new();
    for row in rows {
        rejected.entry(row.seq).or_default().push(RejectedRow {
            rule: row.rule,
            reason: row.reason,
            since: row.since,
        });
    }
    Ok(rejected)
}
