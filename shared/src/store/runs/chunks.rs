use super::keys;
use super::plan::{self, NewChunk};
use super::{Sample, Scope, samples};
use crate::directory::{Key, TenantId};
use crate::store::StoreError;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// Parts of one run under way at once, over all workers: a run leaves room for everything else.
const IN_FLIGHT: i64 = 4;
/// How long a part is left to the job it was pushed with.
const CLAIM_SECONDS: f64 = 30.0;

/// What the keys of a part are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    People = 1,
    GroupTeams = 2,
    Members = 3,
    AttributeTeams = 4,
}

impl ChunkKind {
    fn from_column(kind: i16) -> ChunkKind {
        [ChunkKind::People, ChunkKind::GroupTeams, ChunkKind::Members]
            .into_iter()
            .find(|known| *known as i16 == kind)
            .unwrap_or(ChunkKind::AttributeTeams)
    }
}

/// A part that is still to be done.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub run: Uuid,
    pub number: i32,
    /// Of the whole run.
    pub scope: Scope,
    pub kind: ChunkKind,
    pub dry_run: bool,
    pub(super) after: (Option<Uuid>, String),
    pub(super) upto: (Uuid, String),
    pub(super) keys: Option<Vec<Key>>,
}

/// The part, unless it is done or its run is past it.
///
/// # Errors
/// When the statement fails.
pub async fn open_chunk(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    number: i32,
) -> Result<Option<Chunk>, StoreError> {
    let row = sqlx::query!(
        r#"select c.kind, c.after_id, c.after_member, c.upto_id, c.upto_member, c.keys, r.dry_run, r.scope, r.scope_id
           from runs r join run_chunks c on c.tenant_id = r.tenant_id and c.run_id = r.id
           where r.tenant_id = $1 and r.id = $2 and r.phase = 'reconcile' and c.chunk = $3 and not c.done"#,
        tenant.0,
        run,
        number
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Chunk {
        run,
        number,
        scope: Scope::from_columns(&row.scope, row.scope_id),
        kind: ChunkKind::from_column(row.kind),
        dry_run: row.dry_run,
        after: (row.after_id, row.after_member),
        upto: (row.upto_id.unwrap_or_default(), row.upto_member),
        keys: row.keys.and_then(|keys| serde_json::from_value(keys).ok()),
    }))
}

/// Which of a run's parts to push, and whether any is left at all.
#[derive(Debug, Default)]
pub struct Claimed {
    pub chunks: Vec<i32>,
    /// Every part is done.
    pub all_done: bool,
}

/// Claim parts of a run that nobody works on, so many that a few are under way.
///
/// # Errors
/// When the statement fails.
pub async fn claim_chunks(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
) -> Result<Claimed, StoreError> {
    let chunks = sqlx::query_scalar!(
        "with under_way as (
             select count(*) as n from run_chunks
             where tenant_id = $1 and run_id = $2 and not done and due_at > now()),
         due as (
             select chunk from run_chunks where tenant_id = $1 and run_id = $2 and not done and due_at <= now()
             order by chunk limit greatest($3 - (select n from under_way), 0) for update skip locked)
         update run_chunks c set due_at = now() + make_interval(secs => $4)
         from due where c.tenant_id = $1 and c.run_id = $2 and c.chunk = due.chunk
         returning c.chunk",
        tenant.0,
        run,
        IN_FLIGHT,
        CLAIM_SECONDS
    )
    .fetch_all(&mut *conn)
    .await?;
    let all_done = sqlx::query_scalar!(
        r#"select not exists (select from run_chunks where tenant_id = $1 and run_id = $2 and not done) as "done!""#,
        tenant.0,
        run
    )
    .fetch_one(conn)
    .await?;
    Ok(Claimed { chunks, all_done })
}

/// What came of a part.
#[derive(Debug, Default)]
pub struct Finish {
    /// Counts only.
    pub result: Value,
    pub samples: Vec<Sample>,
}

/// Keep the result of a part, in the transaction that wrote what it counts. False when it must be
/// rolled back: the part was done by somebody else, or its run was cancelled.
///
/// # Errors
/// When a statement fails.
pub async fn finish_chunk(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    number: i32,
    finish: &Finish,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update run_chunks set done = true, result = $4
         where tenant_id = $1 and run_id = $2 and chunk = $3 and not done",
        tenant.0,
        run,
        number,
        finish.result
    )
    .execute(&mut *conn)
    .await?;
    // Shared: parts end side by side, a cancellation waits for them or stops them.
    let going = sqlx::query_scalar!(
        r#"select phase = 'reconcile' as "going!" from runs where tenant_id = $1 and id = $2 for share"#,
        tenant.0,
        run
    )
    .fetch_optional(&mut *conn)
    .await?;
    if done.rows_affected() == 0 || going != Some(true) {
        return Ok(false);
    }
    samples::add(conn, tenant, run, &finish.samples).await?;
    Ok(true)
}

/// Let no part begin or end at one of these members: what is still to be done is listed as it is
/// now instead of told by its ends. There are at most two such parts of each run.
///
/// # Errors
/// When a statement fails.
pub async fn forget_bounds(
    conn: &mut PgConnection,
    tenant: TenantId,
    members: &[String],
) -> Result<(), StoreError> {
    let bounded = sqlx::query!(
        "select run_id, chunk from run_chunks
         where tenant_id = $1 and kind = 3 and (after_member = any($2) or upto_member = any($2))",
        tenant.0,
        members
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in bounded {
        let keys = match open_chunk(conn, tenant, row.run_id, row.chunk).await? {
            Some(chunk) => Some(json!(keys::keys(conn, tenant, &chunk).await?)),
            None => None,
        };
        sqlx::query!(
            "update run_chunks set keys = $4, after_id = null, after_member = '', upto_member = ''
             where tenant_id = $1 and run_id = $2 and chunk = $3",
            tenant.0,
            row.run_id,
            row.chunk,
            keys
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Count teams that were created for a part, in the transaction that created them.
///
/// # Errors
/// When the statement fails.
pub async fn count_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    number: i32,
    created: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update run_chunks set teams_created = teams_created + $4
         where tenant_id = $1 and run_id = $2 and chunk = $3",
        tenant.0,
        run,
        number,
        created
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replace a part that cannot be done as a whole with one for each half of its keys.
///
/// # Errors
/// When a statement fails.
pub async fn split_chunk(
    conn: &mut PgConnection,
    tenant: TenantId,
    chunk: &Chunk,
    keys: &[Key],
) -> Result<(), StoreError> {
    // One at a time, so that the new parts' numbers are free.
    let going = sqlx::query_scalar!(
        r#"select phase = 'reconcile' as "going!" from runs where tenant_id = $1 and id = $2 for no key update"#,
        tenant.0,
        chunk.run
    )
    .fetch_optional(&mut *conn)
    .await?;
    let replaced = sqlx::query!(
        "update run_chunks set done = true where tenant_id = $1 and run_id = $2 and chunk = $3 and not done",
        tenant.0,
        chunk.run,
        chunk.number
    )
    .execute(&mut *conn)
    .await?;
    if going != Some(true) || replaced.rows_affected() == 0 {
        return Ok(());
    }
    let next = sqlx::query_scalar!(
        r#"select max(chunk) + 1 as "next!" from run_chunks where tenant_id = $1 and run_id = $2"#,
        tenant.0,
        chunk.run
    )
    .fetch_one(&mut *conn)
    .await?;
    let (first, second) = keys.split_at(keys.len() / 2);
    let halves = [first, second].map(|half| NewChunk::listed(chunk.kind, half.to_vec()));
    plan::add(conn, tenant, chunk.run, next, &halves).await
}
