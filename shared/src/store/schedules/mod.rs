//! Schedules: what starts by itself, when, and what came of it.

mod fire;

pub use fire::{DueSchedule, Fired, any_due, claim, fire, postpone};

use super::StoreError;
use super::runs::Scope;
use crate::directory::TenantId;
use crate::settings::Settings;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// When the day begins on which dates are looked at.
const MIDNIGHT: &str = "0 0 * * *";

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub name: String,
    pub cron: String,
    pub time_zone: String,
    pub scope: Scope,
    pub dry_run: bool,
    pub paused: bool,
}

/// A schedule as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub id: Uuid,
    pub wanted: Wanted,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    /// `None`: paused.
    pub next_tick: Option<DateTime<Utc>>,
    /// The last tick that was not skipped.
    pub last: Option<Tick>,
}

/// A tick that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub tick: DateTime<Utc>,
    /// `started` a run, `joined` one that was under way, or `skipped`.
    pub outcome: String,
    pub run: Option<Uuid>,
    pub fired_at: DateTime<Utc>,
}

/// The time of the database, by which schedules go.
///
/// # Errors
/// When the statement fails.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, StoreError> {
    let now = sqlx::query_scalar!(r#"select now() as "now!""#);
    Ok(now.fetch_one(conn).await?)
}

/// A tenant's schedules, the oldest first; with an id, only that one.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<Uuid>,
) -> Result<Vec<Schedule>, StoreError> {
    let rows = sqlx::query!(
        r#"select s.id, s.name, s.cron, s.time_zone, s.scope, s.scope_id, s.dry_run, s.paused, s.version,
               s.created_at, s.modified_at, s.next_tick,
               t.tick as "tick?", t.outcome as "outcome?", t.run_id, t.fired_at as "fired_at?"
           from schedules s
           left join lateral (select * from schedule_ticks
               where tenant_id = $1 and schedule_id = s.id and outcome <> 'skipped'
               order by tick desc limit 1) t on true
           where s.tenant_id = $1 and ($2::uuid is null or s.id = $2) order by s.created_at, s.id"#,
        tenant.0,
        id
    )
    .fetch_all(conn)
    .await?;
    let schedules = rows.into_iter().map(|row| Schedule {
        id: row.id,
        wanted: Wanted {
            name: row.name,
            cron: row.cron,
            time_zone: row.time_zone,
            scope: Scope::from_columns(&row.scope, row.scope_id),
            dry_run: row.dry_run,
            paused: row.paused,
        },
        version: row.version,
        created_at: row.created_at,
        modified_at: row.modified_at,
        next_tick: row.next_tick,
        last: (row.tick.zip(row.outcome).zip(row.fired_at)).map(|((tick, outcome), fired_at)| Tick {
            tick,
            outcome,
            run: row.run_id,
            fired_at,
        }),
    });
    Ok(schedules.collect())
}

/// One schedule.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Schedule>, StoreError> {
    Ok(list(conn, tenant, Some(id)).await?.pop())
}

/// Let nobody change this schedule, nor fire it, until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn lock(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "select id from schedules where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// The latest ticks of a schedule, the newest first, skipped ones too.
///
/// # Errors
/// When the statement fails.
pub async fn ticks(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    limit: i64,
) -> Result<Vec<Tick>, StoreError> {
    Ok(sqlx::query_as!(
        Tick,
        "select tick, outcome, run_id as run, fired_at from schedule_ticks
         where tenant_id = $1 and schedule_id = $2 order by tick desc limit $3",
        tenant.0,
        id,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Store a new schedule, or another version of the one with this id; `next_tick` is its first tick
/// from now on.
///
/// # Errors
/// When the statement fails.
pub async fn put(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    wanted: &Wanted,
    next_tick: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into schedules (tenant_id, id, name, cron, time_zone, scope, scope_id, dry_run, paused,
             next_tick, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         on conflict (tenant_id, id) do update set name = excluded.name, cron = excluded.cron,
             time_zone = excluded.time_zone, scope = excluded.scope, scope_id = excluded.scope_id,
             dry_run = excluded.dry_run, paused = excluded.paused, next_tick = excluded.next_tick,
             due_at = excluded.due_at, version = schedules.version + 1, modified_at = now()",
        tenant.0,
        id,
        wanted.name,
        wanted.cron,
        wanted.time_zone,
        wanted.scope.name(),
        wanted.scope.id(),
        wanted.dry_run,
        wanted.paused,
        next_tick
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remove a schedule with all its ticks; the runs it started stay.
///
/// # Errors
/// When the statement fails.
pub async fn delete(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from schedules where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In the transaction that changed the settings: whose status the dates decide is looked at now,
/// and as long as they are to, at the beginning of every day.
///
/// # Errors
/// When the statement fails.
pub async fn follow_dates(
    conn: &mut PgConnection,
    tenant: TenantId,
    settings: &Settings,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into schedules (tenant_id, id, name, cron, time_zone, scope, dry_run, paused, next_tick, due_at)
         values ($1, $2, 'Start and end dates', $3, $4, 'dates', false, $5, now(), now())
         on conflict (tenant_id) where scope = 'dates' do update set time_zone = excluded.time_zone,
             paused = excluded.paused, next_tick = excluded.next_tick, due_at = excluded.due_at,
             version = schedules.version + 1, modified_at = now()",
        tenant.0,
        Uuid::now_v7(),
        MIDNIGHT,
        settings.time_zone.name(),
        !settings.dates_drive_status
    )
    .execute(conn)
    .await?;
    Ok(())
}
