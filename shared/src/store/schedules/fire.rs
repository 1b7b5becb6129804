//! Firing. A schedule is claimed, its tick written down and its run started in one transaction:
//! whoever dies in between has done nothing, and of any number of feeders one gets the row.

use super::super::runs::{self, Scope};
use crate::directory::TenantId;
use crate::schedule::Due;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Ticks are kept for so long, as runs are.
const KEPT_DAYS: i32 = 90;

/// A schedule whose tick is due, locked.
#[derive(Debug, Clone)]
pub struct DueSchedule {
    pub tenant: TenantId,
    pub id: Uuid,
    pub cron: String,
    pub time_zone: String,
    pub scope: Scope,
    pub dry_run: bool,
    /// Fires once more, and then no longer.
    pub paused: bool,
    pub tick: DateTime<Utc>,
    /// The time of the database.
    pub now: DateTime<Utc>,
}

/// What came of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    Started(Uuid),
    /// A run of the same scope was under way.
    Joined(Uuid),
    /// The tick was fired before.
    Before,
    /// A run is under way that may have looked already, and another is needed: roll back and
    /// postpone.
    NotYet,
}

/// Whether the tick of any schedule is due; costs one look at an index.
///
/// # Errors
/// When the statement fails.
pub async fn any_due(conn: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(
        sqlx::query_scalar!(r#"select exists (select from schedules where due_at <= now()) as "due!""#)
            .fetch_one(conn)
            .await?,
    )
}

/// Lock the schedule that is due longest and that nobody else holds.
///
/// # Errors
/// When the statement fails.
pub async fn claim(conn: &mut PgConnection) -> Result<Option<DueSchedule>, StoreError> {
    let row = sqlx::query!(
        r#"select tenant_id, id, cron, time_zone, scope, scope_id, dry_run, paused,
               next_tick as "next_tick!", now() as "now!"
           from schedules where due_at <= now() order by due_at limit 1 for update skip locked"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| DueSchedule {
        tenant: TenantId(row.tenant_id),
        id: row.id,
        cron: row.cron,
        time_zone: row.time_zone,
        scope: Scope::from_columns(&row.scope, row.scope_id),
        dry_run: row.dry_run,
        paused: row.paused,
        tick: row.next_tick,
        now: row.now,
    }))
}

/// Write down the ticks that are over, start the run of the latest, and go on to the next.
///
/// # Errors
/// When a statement fails.
pub async fn fire(conn: &mut PgConnection, schedule: &DueSchedule, due: &Due) -> Result<Fired, StoreError> {
    let (tenant, id) = (schedule.tenant, schedule.id);
    sqlx::query!(
        "update schedules set next_tick = $3, due_at = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        due.next.filter(|_| !schedule.paused)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into schedule_ticks (tenant_id, schedule_id, tick, outcome)
         select $1, $2, tick, 'skipped' from unnest($3::timestamptz[]) as tick on conflict do nothing",
        tenant.0,
        id,
        &due.skipped
    )
    .execute(&mut *conn)
    .await?;
    let first = sqlx::query!(
        "insert into schedule_ticks (tenant_id, schedule_id, tick, outcome) values ($1, $2, $3, 'started')
         on conflict do nothing",
        tenant.0,
        id,
        due.fires
    )
    .execute(&mut *conn)
    .await?;
    if first.rows_affected() == 0 {
        return Ok(Fired::Before);
    }
    sqlx::query!(
        "delete from schedule_ticks where tenant_id = $1 and schedule_id = $2
             and fired_at < now() - make_interval(days => $3)",
        tenant.0,
        id,
        KEPT_DAYS
    )
    .execute(&mut *conn)
    .await?;
    let (run, new) = runs::start(conn, tenant, schedule.scope, schedule.dry_run).await?;
    if !new && schedule.scope == Scope::Dates {
        return Ok(Fired::NotYet);
    }
    sqlx::query!(
        "update schedule_ticks set run_id = $4, outcome = $5
         where tenant_id = $1 and schedule_id = $2 and tick = $3",
        tenant.0,
        id,
        due.fires,
        run,
        if new { "started" } else { "joined" }
    )
    .execute(conn)
    .await?;
    Ok(if new {
        Fired::Started(run)
    } else {
        Fired::Joined(run)
    })
}

/// Look at this schedule again in a few seconds; its tick stays.
///
/// # Errors
/// When the statement fails.
pub async fn postpone(
    conn: &mut PgConnection,
    schedule: &DueSchedule,
    seconds: f64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update schedules set due_at = now() + make_interval(secs => $4)
         where tenant_id = $1 and id = $2 and next_tick = $3",
        schedule.tenant.0,
        schedule.id,
        schedule.tick,
        seconds
    )
    .execute(conn)
    .await?;
    Ok(())
}
