//! Schedules whose tick has come. Every worker looks; a locked row is another's.

use super::FeedError;
use crate::context::Context;
use rollcall_shared::schedule::{Due, Timetable, TimetableError};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::schedules::{self, DueSchedule, Fired};
use rollcall_shared::telemetry::{TickLabels, TickOutcome};

/// Ticks fired in one round.
const TICKS_A_ROUND: usize = 50;
/// How long a tick that cannot be fired yet is left.
const LATER_SECONDS: f64 = 2.0;
/// How long a schedule is left that another version of the program wrote and this cannot read.
const UNREADABLE_SECONDS: f64 = 30.0;

/// Fire what is due; answers whether anything was.
pub(super) async fn fire_due(context: &Context) -> Result<bool, FeedError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    if !schedules::any_due(&mut conn).await? {
        return Ok(false);
    }
    drop(conn);
    for _ in 0..TICKS_A_ROUND {
        if !fire_next(context).await? {
            break;
        }
    }
    Ok(true)
}

/// Fire one tick; false when none is left for this worker.
async fn fire_next(context: &Context) -> Result<bool, FeedError> {
    let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
    let Some(schedule) = schedules::claim(&mut tx).await? else {
        return Ok(false);
    };
    let Ok(due) = due(&schedule) else {
        tracing::warn!(tenant = %schedule.tenant, schedule = %schedule.id, "a schedule cannot be read by this version");
        schedules::postpone(&mut tx, &schedule, UNREADABLE_SECONDS).await?;
        tx.commit().await.map_err(StoreError::from)?;
        return Ok(true);
    };
    let fired = schedules::fire(&mut tx, &schedule, &due).await?;
    if fired == Fired::NotYet {
        tx.rollback().await.map_err(StoreError::from)?;
        let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
        schedules::postpone(&mut conn, &schedule, LATER_SECONDS).await?;
        return Ok(true);
    }
    fail::fail_point!(crate::failpoints::TICK_FAILPOINT, |_| {
        rollcall_shared::failpoint::hit(crate::failpoints::TICK_FAILPOINT);
        Err(StoreError::interrupted().into())
    });
    tx.commit().await.map_err(StoreError::from)?;
    // The run is due at once for the feeder, which comes to the runs next.
    tell(context, &schedule, &due, fired);
    Ok(true)
}

fn due(schedule: &DueSchedule) -> Result<Due, TimetableError> {
    let zone = schedule
        .time_zone
        .parse()
        .map_err(|_| TimetableError::Malformed)?;
    Ok(Timetable::stored(&schedule.cron, zone)?.due(schedule.tick, schedule.now))
}

fn tell(context: &Context, schedule: &DueSchedule, due: &Due, fired: Fired) {
    let (outcome, run) = match fired {
        Fired::Started(run) => (TickOutcome::Started, run),
        Fired::Joined(run) => (TickOutcome::Joined, run),
        Fired::Before | Fired::NotYet => return,
    };
    let count = |outcome, ticks: usize| {
        let labels = TickLabels { outcome };
        context
            .metrics
            .schedule_ticks
            .get_or_create(&labels)
            .inc_by(ticks as u64);
    };
    count(outcome, 1);
    count(TickOutcome::Skipped, due.skipped.len());
    tracing::info!(
        tenant = %schedule.tenant, schedule = %schedule.id, tick = %due.fires, outcome = outcome.name(),
        %run, skipped = due.skipped.len(), "schedule fired"
    );
}
