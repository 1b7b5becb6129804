use super::queue;
use super::runs::{RunForm, shown};
use crate::error::Problem;
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use rollcall_shared::directory::WorkLane;
use rollcall_shared::queue::{Depth, QueueError};
use rollcall_shared::store::lanes::{self, Pause};
use rollcall_shared::store::overview::{self, Backlog, Counts, Pace};
use rollcall_shared::store::{StoreError, runs};
use rollcall_shared::telemetry::{LinkSlot, QueueName};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Longest time the overview waits for Redis.
const LONGEST: Duration = Duration::from_secs(2);

described!(
    /// The tenant's directory and backlog, and the deployment's queues.
    OverviewForm, {
        "inStep": { "people": "integer", "behind": "integer: people with changes to apply", "percent": "number?" },
        "directory": {
            "people": { "active": "integer", "deactivated": "integer", "deprovisioned": "integer" },
            "teams": "integer",
            "memberships": "integer",
            "reportingLines": "integer",
        },
        "backlog": {
            "pendingChanges": "integer: changes that the directory has yet to catch up with",
            "parkedKeys": "integer: keys that were given up on after five failures",
            "heldChanges": "integer: changes in lanes that are paused",
            "oldestPendingSeconds": "number?",
            "waiters": { "*": "integer: links that wait, by slot" },
            "oldestWaiterSince": "time?",
            "rejections": "integer",
        },
        "pace": {
            "acceptedLastMinute": "integer",
            "appliedLastMinute": "integer",
            "acceptedPerSecond": "number",
            "appliedPerSecond": "number",
            "acknowledgedToAppliedSeconds": { "p50": "number?", "p99": "number?" },
        },
        "lastRun": maybe::<RunForm>(),
        "pausedLanes": { "*": of::<queue::PauseForm>() },
        "queues": any_of([
            json!({ "*": {
                "ready": "integer",
                "running": "integer",
                "scheduled": "integer",
                "dead": "integer",
                "oldestReadySeconds": "number?",
            } }),
            json!("null"),
        ]),
        "workers": "integer?",
    }
);

/// `GET /ops/v1/overview`: the tenant's directory and backlog, and the deployment's queues.
/// `queues` and `workers` are null when Redis does not answer.
#[utoipa::path(get, path = "/overview", responses((status = 200, body = OverviewForm)))]
pub(super) async fn overview(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let (backlog, counts, pace, in_step, last_run, paused) = {
        let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
        let asserted = overview::people_asserted(&mut connection, tenant).await?;
        let behind = overview::people_behind(&mut connection, tenant).await?;
        (
            overview::backlog(&mut connection, Some(tenant)).await?,
            overview::counts(&mut connection, tenant).await?,
            overview::pace(&mut connection, tenant).await?,
            json!({
                "people": asserted,
                "behind": behind,
                "percent": overview::in_step_percent(asserted, behind),
            }),
            runs::list(&mut connection, tenant, None, 0, 1).await?.pop(),
            lanes::paused(&mut connection, tenant).await?,
        )
    };
    let redis = tokio::time::timeout(LONGEST, redis(&app)).await;
    let (queues, workers) = match redis {
        Ok(Ok((queues, workers))) => (queues, workers.into()),
        Ok(Err(_)) | Err(_) => (Value::Null, Value::Null),
    };
    Ok(Json(json!({
        "inStep": in_step,
        "directory": directory(&counts),
        "backlog": backlog_figures(&backlog),
        "pace": pace_figures(&pace),
        "lastRun": last_run.as_ref().map(shown),
        "pausedLanes": paused_lanes(&paused),
        "queues": queues,
        "workers": workers,
    })))
}

async fn redis(app: &App) -> Result<(Value, usize), QueueError> {
    let depths = app.queues.depths().await?;
    Ok((queue_figures(&depths), app.queues.processes().await?))
}

fn directory(counts: &Counts) -> Value {
    json!({
        "people": {
            "active": counts.people_active,
            "deactivated": counts.people_deactivated,
            "deprovisioned": counts.people_deprovisioned,
        },
        "teams": counts.teams,
        "memberships": counts.memberships,
        "reportingLines": counts.reporting_lines,
    })
}

fn backlog_figures(backlog: &Backlog) -> Value {
    let of = |slot: LinkSlot| {
        let found = backlog
            .waiters
            .iter()
            .find(|(column, _)| LinkSlot::from_column(*column) == Some(slot));
        (
            slot.name().to_owned(),
            found.map_or(0, |(_, count)| *count).into(),
        )
    };
    let waiters: Map<String, Value> = LinkSlot::ALL.iter().copied().map(of).collect();
    json!({
        "pendingChanges": backlog.pending,
        "parkedKeys": backlog.parked,
        "heldChanges": backlog.held,
        "oldestPendingSeconds": backlog.oldest_pending_seconds,
        "waiters": waiters,
        "oldestWaiterSince": backlog.oldest_waiter_since,
        "rejections": backlog.rejections,
    })
}

fn pace_figures(pace: &Pace) -> Value {
    json!({
        "acceptedLastMinute": pace.accepted,
        "appliedLastMinute": pace.applied,
        "acceptedPerSecond": per_second(pace.accepted),
        "appliedPerSecond": per_second(pace.applied),
        "acknowledgedToAppliedSeconds": { "p50": pace.p50_seconds, "p99": pace.p99_seconds },
    })
}

/// To two decimals.
fn per_second(in_a_minute: i64) -> f64 {
    (in_a_minute as f64 / 60.0 * 100.0).round() / 100.0
}

fn paused_lanes(paused: &[Pause]) -> Map<String, Value> {
    paused
        .iter()
        .map(|pause| (pause.lane.name().to_owned(), queue::shown(pause)))
        .collect()
}

fn queue_figures(depths: &[(WorkLane, Depth)]) -> Value {
    let figures = |(lane, depth): &(WorkLane, Depth)| {
        let mut body = queue::states(depth);
        body.insert("oldestReadySeconds".to_owned(), depth.oldest_ready_seconds.into());
        (QueueName::from(*lane).name().to_owned(), Value::from(body))
    };
    depths.iter().map(figures).collect::<Map<String, Value>>().into()
}
