//! Results of asynchronous requests, kept until their clients fetch them; see `docs/adr/0007`.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::scim::ResourceType;
use crate::scim::event::Completion;
use crate::scim::outcome::{OperationOutcome, Target};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// Days a result is kept.
pub const KEPT_DAYS: i32 = 7;

/// The result of one operation.
#[derive(Debug, Clone)]
pub struct NewResult {
    pub txn: Uuid,
    pub index: i32,
    /// Whether it came in a bulk request.
    pub bulk: bool,
    pub outcome: OperationOutcome,
    pub external_id: Option<String>,
}

/// Keep results. A refused operation is complete at once, an accepted one when its change is
/// applied.
///
/// # Errors
/// When the statement fails.
pub async fn insert(
    connection: &mut PgConnection,
    tenant: TenantId,
    results: &[NewResult],
) -> Result<(), StoreError> {
    if results.is_empty() {
        return Ok(());
    }
    let txn: Vec<Uuid> = results.iter().map(|result| result.txn).collect();
    let index: Vec<i32> = results.iter().map(|result| result.index).collect();
    let bulk: Vec<bool> = results.iter().map(|result| result.bulk).collect();
    let outcomes = || results.iter().map(|result| &result.outcome);
    // What a client sent as its method may be anything; Postgres takes no NUL.
    let clean = |text: &String| text.replace('\0', "");
    let method: Vec<Option<String>> = outcomes().map(|it| it.method.as_ref().map(clean)).collect();
    let bulk_id: Vec<Option<String>> = outcomes().map(|it| it.bulk_id.as_ref().map(clean)).collect();
    let (kind, resource): (Vec<Option<i16>>, Vec<Option<Uuid>>) = outcomes()
        .map(|outcome| match outcome.target {
            Target::Resource(kind, id) => (Some(kind as i16), Some(id)),
            Target::Endpoint(kind) => (Some(kind as i16), None),
            Target::Unknown => (None, None),
        })
        .unzip();
    let external_id: Vec<Option<String>> = results.iter().map(|result| result.external_id.clone()).collect();
    let version: Vec<Option<i64>> = outcomes().map(|outcome| outcome.version).collect();
    let status: Vec<i16> = outcomes()
        .map(|outcome| i16::try_from(outcome.status).unwrap_or(500))
        .collect();
    let error: Vec<Option<Value>> = outcomes().map(|outcome| outcome.error.clone()).collect();
    sqlx::query!(
        "insert into async_results (tenant_id, txn, txn_index, bulk, method, bulk_id, kind, resource_id,
             external_id, version, status, error, issued_at)
         select $1, n.*, case when n.error is not null then now() end
         from unnest($2::uuid[], $3::int4[], $4::bool[], $5::text[], $6::text[], $7::int2[], $8::uuid[],
             $9::text[], $10::int8[], $11::int2[], $12::jsonb[])
             as n (txn, txn_index, bulk, method, bulk_id, kind, resource_id, external_id, version, status, error)",
        tenant.0,
        &txn,
        &index,
        &bulk,
        &method as _,
        &bulk_id as _,
        &kind as _,
        &resource as _,
        &external_id as _,
        &version as _,
        &status,
        &error as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of a request's operations.
#[derive(Debug, Clone)]
pub struct Results {
    pub bulk: bool,
    /// In the order of the request; `None`: not yet applied.
    pub operations: Vec<Option<Completion>>,
}

/// The results of a request: of all its operations, or of the one at `index` of a bulk
/// request. `None` when nothing is kept under this receipt.
///
/// An operation first seen complete gets its time of issue here, once and for all: whoever asks
/// again, of any process, gets the same event.
///
/// # Errors
/// When a statement fails.
pub async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    txn: Uuid,
    index: Option<i32>,
) -> Result<Option<Results>, StoreError> {
    sqlx::query!(
        "update async_results r set issued_at = now()
         where r.tenant_id = $1 and r.txn = $2 and ($3::int is null or r.txn_index = $3) and r.issued_at is null
           and not exists (
               select from changes c
               cross join lateral (
                   select from pending p where p.tenant_id = c.tenant_id and p.seq = c.seq offset 0
               ) p
               where c.tenant_id = r.tenant_id and c.txn = r.txn and c.txn_index = r.txn_index offset 0)",
        tenant.0,
        txn,
        index
    )
    .execute(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        Row,
        "select txn_index, bulk, method, bulk_id, kind, resource_id, external_id, version, status, error, issued_at
         from async_results
         where tenant_id = $1 and txn = $2 and ($3::int is null or (bulk and txn_index = $3))
         order by txn_index",
        tenant.0,
        txn,
        index
    )
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Results {
        bulk: first.bulk,
        operations: rows.into_iter().map(|row| row.completion(txn)).collect(),
    }))
}

struct Row {
    txn_index: i32,
    bulk: bool,
    method: Option<String>,
    bulk_id: Option<String>,
    kind: Option<i16>,
    resource_id: Option<Uuid>,
    external_id: Option<String>,
    version: Option<i64>,
    status: i16,
    error: Option<Value>,
    issued_at: Option<DateTime<Utc>>,
}

impl Row {
    fn completion(self, txn: Uuid) -> Option<Completion> {
        let kind = self.kind.and_then(ResourceType::from_column);
        let target = match (kind, self.resource_id) {
            (Some(kind), Some(id)) => Target::Resource(kind, id),
            (Some(kind), None) => Target::Endpoint(kind),
            (None, _) => Target::Unknown,
        };
        Some(Completion {
            issued_at: self.issued_at?,
            txn: match self.bulk {
                true => format!("{txn}:{}", self.txn_index),
                false => txn.to_string(),
            },
            outcome: OperationOutcome {
                method: self.method,
                bulk_id: self.bulk_id,
                target,
                version: self.version,
                status: u16::try_from(self.status).unwrap_or(500),
                error: self.error,
            },
            external_id: self.external_id,
        })
    }
}

/// Whether the directory has caught up with everything a request changed.
///
/// # Errors
/// When the statement fails.
pub async fn is_applied(
    connection: &mut PgConnection,
    tenant: TenantId,
    txn: Uuid,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select not exists (
               select from changes c
               cross join lateral (
                   select from pending p where p.tenant_id = c.tenant_id and p.seq = c.seq offset 0
               ) p
               where c.tenant_id = $1 and c.txn = $2 offset 0) as "applied!""#,
        tenant.0,
        txn
    )
    .fetch_one(connection)
    .await?)
}

/// Drop results that are older than [`KEPT_DAYS`], at most `limit` of them; answers how many.
///
/// # Errors
/// When the statement fails.
pub async fn drop_old(connection: &mut PgConnection, limit: i64) -> Result<u64, StoreError> {
    let dropped = sqlx::query!(
        "delete from async_results where ctid = any (array(
             select ctid from async_results where accepted_at < now() - make_interval(days => $1)
             order by accepted_at limit $2 for update skip locked))",
        KEPT_DAYS,
        limit
    )
    .execute(connection)
    .await?;
    Ok(dropped.rows_affected())
}
