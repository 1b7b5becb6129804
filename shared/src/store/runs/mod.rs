//! Runs and their parts: everything a run needs to know to go on after any of its workers died.
//!
//! A run goes through its phases in order, and only ever forward:
//!
//! | phase | what is done | who moves it on |
//! |---|---|---|
//! | `plan` | the keys are cut into parts | [`plan::begin`], with the parts |
//! | `reconcile` | each part is compared, and repaired unless it is a dry run | [`steps::advance`], once no part is open; [`cancel`] |
//! | `links` | whoever waited for what was repaired is woken | [`steps::advance`], once no wake of the run is left |
//! | `report` | the results of the parts are added up | [`report::finish`] |
//! | `done` | | nobody |
//!
//! The row in `runs` is locked last, after everything of the directory.

mod chunks;
pub mod keys;
pub mod plan;
mod report;
mod samples;
mod scope;
pub mod steps;

pub use chunks::{
    Chunk, ChunkKind, Claimed, Finish, claim_chunks, count_teams, finish_chunk, forget_bounds, open_chunk,
    split_chunk,
};
pub use report::{Report, finish, gather, scope_waiting};
pub use samples::{NamedSample, Sample, add as add_samples, samples};
pub use scope::Scope;

use super::StoreError;
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Plan,
    Reconcile,
    Links,
    Report,
    Done,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Phase::Plan => "plan",
            Phase::Reconcile => "reconcile",
            Phase::Links => "links",
            Phase::Report => "report",
            Phase::Done => "done",
        }
    }

    pub(crate) fn from_column(name: &str) -> Phase {
        [Phase::Plan, Phase::Reconcile, Phase::Links, Phase::Report]
            .into_iter()
            .find(|phase| phase.name() == name)
            .unwrap_or(Phase::Done)
    }
}

/// A run as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: Uuid,
    pub scope: Scope,
    pub dry_run: bool,
    pub phase: Phase,
    pub cancelled: bool,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// The database's time when it was read.
    pub now: DateTime<Utc>,
    pub links_resolved: i32,
    /// Parts, and those of them that are done; 0 before the plan and after the report.
    pub chunks: i64,
    pub chunks_done: i64,
    /// Keys compared so far.
    pub checked: i64,
    pub report: Option<Value>,
}

/// Start a run, or find the one of the same scope that is under way; answers its id and whether
/// it is new.
///
/// # Errors
/// When a statement fails.
pub async fn start(
    conn: &mut PgConnection,
    tenant: TenantId,
    scope: Scope,
    dry_run: bool,
) -> Result<(Uuid, bool), StoreError> {
    loop {
        let id = Uuid::now_v7();
        let inserted = sqlx::query!(
            "insert into runs (tenant_id, id, scope, scope_id, dry_run, due_at)
             values ($1, $2, $3, $4, $5, now() + interval '2 seconds')
             on conflict (tenant_id, scope, scope_id, dry_run) where phase <> 'done' do nothing",
            tenant.0,
            id,
            scope.name(),
            scope.column(),
            dry_run
        )
        .execute(&mut *conn)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok((id, true));
        }
        let under_way = sqlx::query_scalar!(
            "select id from runs where tenant_id = $1 and scope = $2 and scope_id is not distinct from $3
                 and dry_run = $4 and phase <> 'done'",
            tenant.0,
            scope.name(),
            scope.column(),
            dry_run
        )
        .fetch_optional(&mut *conn)
        .await?;
        // None: it came to its end between the two statements.
        if let Some(id) = under_way {
            return Ok((id, false));
        }
    }
}

/// The newest run of a scope.
///
/// # Errors
/// When the statement fails.
pub async fn newest(
    conn: &mut PgConnection,
    tenant: TenantId,
    scope: Scope,
    dry_run: bool,
) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from runs where tenant_id = $1 and scope = $2 and scope_id is not distinct from $3
             and dry_run = $4 order by id desc limit 1",
        tenant.0,
        scope.name(),
        scope.column(),
        dry_run
    )
    .fetch_optional(conn)
    .await?)
}

/// One run.
///
/// # Errors
/// When the statement fails.
pub async fn find(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Run>, StoreError> {
    Ok(list(conn, tenant, Some(id), 0, 1).await?.pop())
}

/// Runs, the newest first: all, or the one with this id.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<Uuid>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Run>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.id, r.scope, r.scope_id, r.dry_run, r.phase, r.cancelled, r.created_at, r.started_at,
                  r.finished_at, clock_timestamp() as "now!", r.links_resolved, r.report,
                  c.chunks as "chunks!", c.done as "done!", c.checked as "checked!"
           from (select * from runs where tenant_id = $1 and ($2::uuid is null or id = $2)
                 order by id desc offset $3 limit $4) r
           cross join lateral (
               select count(*) as chunks, count(*) filter (where done) as done,
                      coalesce(sum((result ->> 'checked')::int8), 0)::int8 as checked
               from run_chunks where tenant_id = $1 and run_id = r.id) c
           order by r.id desc"#,
        tenant.0,
        id,
        offset,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Run {
            id: row.id,
            scope: Scope::from_columns(&row.scope, row.scope_id),
            dry_run: row.dry_run,
            phase: Phase::from_column(&row.phase),
            cancelled: row.cancelled,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            now: row.now,
            links_resolved: row.links_resolved,
            chunks: row.chunks,
            chunks_done: row.done,
            checked: row.checked,
            report: row.report,
        })
        .collect())
}

/// How many runs a tenant has.
///
/// # Errors
/// When the statement fails.
pub async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from runs where tenant_id = $1"#,
        tenant.0
    );
    Ok(count.fetch_one(conn).await?)
}

/// End a run early: no further part is begun, and those under way are either committed before
/// this is, or not at all. It still reports what was done. Answers false when it is past that.
///
/// # Errors
/// When the statement fails.
pub async fn cancel(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    let cancelled = sqlx::query!(
        "update runs set cancelled = true, phase = 'links', due_at = now(), started_at = coalesce(started_at, now())
         where tenant_id = $1 and id = $2 and phase in ('plan', 'reconcile')",
        tenant.0,
        id
    )
    .execute(conn)
    .await?;
    Ok(cancelled.rows_affected() == 1)
}

/// The person that this id names: a person's, or that of a SCIM User.
///
/// # Errors
/// When the statement fails.
pub async fn person(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select directory_id as "id!" from scim_resources where tenant_id = $1 and id = $2 and kind = 1
           union all select directory_id from scim_resources where tenant_id = $1 and directory_id = $2 and kind = 1
           union all select id from people where tenant_id = $1 and id = $2 limit 1"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// The team that this id names: a team's, or that of a SCIM Group.
///
/// # Errors
/// When the statement fails.
pub async fn team(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select directory_id as "id!" from scim_resources where tenant_id = $1 and id = $2 and kind = 2
           union all select directory_id from scim_resources where tenant_id = $1 and directory_id = $2 and kind = 2
           union all select id from teams where tenant_id = $1 and id = $2 limit 1"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}
