//! What is in the queues, who works on it, and pausing a tenant's lanes.

use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rollcall_shared::directory::{TenantId, WorkLane};
use rollcall_shared::queue::{Depth, Holders, Process, QueueError};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::lanes::{self, Pause, Work};
use rollcall_shared::telemetry::{JobState, QueueName};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest time to wait for Redis.
const LONGEST: Duration = Duration::from_secs(2);
/// Longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

described!(
    /// Why a lane is paused.
    PauseForm, {
        "since": "time",
        "by": { "id": "uuid", "name": "string?" },
        "reason": "string?",
    }
);
described!(
    /// Jobs by state.
    DepthForm, { "ready": "integer", "running": "integer", "scheduled": "integer", "dead": "integer" }
);
described!(
    /// The deployment's queues and workers, the tenant's work and pauses.
    QueueForm, {
        "lanes": [{
            "lane": "live|bulk|links|runs",
            "queue": "string",
            "paused": maybe::<PauseForm>(),
            "work?": { "count": "integer: of the tenant, in Postgres", "oldestSeconds": "number?" },
            "depth?": of::<DepthForm>(),
            "oldestReadySeconds?": "number?",
            "finishedPerSecond?": "number?",
            "outstanding?": "integer: the tenant's jobs",
            "holders?": [{
                "process": "string?",
                "jobs": "integer",
                "alive": "boolean",
                "lastHeartbeatSeconds": "number?",
            }],
        }],
        "workers": [{ "process": "string", "alive": "boolean", "lastHeartbeatSeconds": "number?" }],
    }
);
described!(
    /// A lane, and whether it is paused.
    LanePausedForm, { "lane": "live|bulk|links|runs", "paused": maybe::<PauseForm>() }
);

/// What `POST …/pause` may take.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = PauseReason)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Why, for whoever looks later.
    reason: Option<String>,
}

/// The queues as they are now.
pub(crate) struct Overview {
    /// Of the tenant.
    pub work: Vec<Work>,
    /// Of the tenant.
    pub paused: Vec<Pause>,
    /// Of the deployment; `None`: Redis does not answer.
    pub redis: Option<InRedis>,
}

/// What Redis knows of the queues.
pub(crate) struct InRedis {
    pub depths: [(WorkLane, Depth); 4],
    pub holders: [(WorkLane, Holders); 4],
    pub processes: Vec<Process>,
}

/// Look at the deployment's queues and a tenant's lanes.
///
/// # Errors
/// When Postgres does not answer.
pub(crate) async fn look(app: &App, tenant: TenantId) -> Result<Overview, StoreError> {
    let redis = async { tokio::time::timeout(LONGEST, in_redis(app, tenant)).await };
    let postgres = async {
        let mut connection = app.pool.acquire().await?;
        let work = lanes::work(&mut connection, tenant).await?;
        Ok::<_, StoreError>((work, lanes::paused(&mut connection, tenant).await?))
    };
    let (redis, postgres) = tokio::join!(redis, postgres);
    let (work, paused) = postgres?;
    let redis = redis.ok().and_then(Result::ok);
    Ok(Overview { work, paused, redis })
}

async fn in_redis(app: &App, tenant: TenantId) -> Result<InRedis, QueueError> {
    Ok(InRedis {
        depths: app.queues.depths().await?,
        holders: app.queues.holders(tenant).await?,
        processes: app.queues.registry().await?,
    })
}

/// `GET /ops/v1/queue`: the queues now; the deployment's queues and workers, the tenant's work and pauses. Without
/// Redis a 503 that tells what Postgres knows.
#[utoipa::path(
    get,
    path = "/queue",
    responses(
        (status = 200, body = QueueForm),
        (status = 503, description = "Redis does not answer; `lanes` tells what Postgres knows.")
    )
)]
pub(super) async fn queue(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let Overview { work, paused, redis } = look(&app, caller.0.tenant).await?;
    let lane = |lane: WorkLane| {
        let mut shown = json!({
            "lane": lane.name(),
            "queue": QueueName::from(lane).name(),
            "paused": paused.iter().find(|pause| pause.lane == lane).map(shown),
        });
        if let Some(work) = work.iter().find(|work| work.lane == lane) {
            shown["work"] = json!({ "count": work.count, "oldestSeconds": work.oldest_seconds });
        }
        if let Some(redis) = &redis {
            add_redis(&mut shown, lane, redis);
        }
        shown
    };
    let lanes: Vec<Value> = WorkLane::ALL.into_iter().map(lane).collect();
    let Some(redis) = &redis else {
        let failure = Failure::unavailable("Redis is not available at the moment");
        return Err(failure.with_member("lanes", lanes.into()).into());
    };
    let processes: Vec<Value> = redis.processes.iter().map(process).collect();
    Ok(Json(json!({ "lanes": lanes, "workers": processes })))
}

fn add_redis(shown: &mut Value, lane: WorkLane, redis: &InRedis) {
    if let Some((_, depth)) = redis.depths.iter().find(|(known, _)| *known == lane) {
        shown["depth"] = states(depth).into();
        shown["oldestReadySeconds"] = depth.oldest_ready_seconds.into();
        shown["finishedPerSecond"] = json!(depth.finished_per_second);
    }
    if let Some((_, holders)) = redis.holders.iter().find(|(known, _)| *known == lane) {
        shown["outstanding"] = holders.outstanding.into();
        shown["holders"] = holders
            .jobs
            .iter()
            .map(|(name, jobs)| {
                let known = redis.processes.iter().find(|process| process.name == *name);
                json!({
                    "process": Some(name).filter(|name| !name.is_empty()),
                    "jobs": jobs,
                    "alive": known.is_some_and(|process| process.alive),
                    "lastHeartbeatSeconds": known.map(|process| process.silent_seconds),
                })
            })
            .collect();
    }
}

/// Jobs by state.
pub(super) fn states(depth: &Depth) -> Map<String, Value> {
    [
        (JobState::Ready, depth.ready),
        (JobState::Running, depth.running),
        (JobState::Scheduled, depth.scheduled),
        (JobState::Dead, depth.dead),
    ]
    .into_iter()
    .map(|(state, count)| (state.name().to_owned(), count.into()))
    .collect()
}

fn process(process: &Process) -> Value {
    json!({
        "process": process.name,
        "alive": process.alive,
        "lastHeartbeatSeconds": process.silent_seconds,
    })
}

/// A pause as clients see it.
pub(super) fn shown(pause: &Pause) -> Value {
    json!({
        "since": pause.since,
        "by": { "id": pause.token_id, "name": pause.token_name },
        "reason": pause.reason,
    })
}

/// `POST /ops/v1/queue/{lane}/pause`: pause a lane; workers stop applying what of the tenant is in this lane.
/// Pausing what is paused changes nothing.
#[utoipa::path(
    post,
    path = "/queue/{lane}/pause",
    request_body = Option<Reason>,
    responses((status = 200, body = LanePausedForm))
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Path(lane): Path<String>,
    body: Option<JsonBody<Reason>>,
) -> Result<Json<Value>, Problem> {
    let lane = lane_of(&lane)?;
    let Reason { reason } = body.map(|JsonBody(body)| body).unwrap_or_default();
    let pause = pause_lane(&app, caller.0.tenant, caller.0.id, lane, reason.as_deref()).await?;
    Ok(Json(
        json!({ "lane": lane.name(), "paused": pause.as_ref().map(shown) }),
    ))
}

/// `POST /ops/v1/queue/{lane}/resume`: resume a lane; workers go on. Resuming what is not paused changes nothing.
#[utoipa::path(post, path = "/queue/{lane}/resume", responses((status = 200, body = LanePausedForm)))]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(lane): Path<String>,
) -> Result<Json<Value>, Problem> {
    let lane = lane_of(&lane)?;
    resume_lane(&app, caller.0.tenant, lane).await?;
    Ok(Json(json!({ "lane": lane.name(), "paused": null })))
}

/// The lane a path names.
///
/// # Errors
/// 404 when there is none of this name.
pub(crate) fn lane_of(name: &str) -> Result<WorkLane, Failure> {
    WorkLane::parse(name)
        .ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "the lanes are live, bulk, links and runs"))
}

/// Pause a tenant's lane; answers the pause in force.
///
/// # Errors
/// 400 when the reason is too long.
pub(crate) async fn pause_lane(
    app: &App,
    tenant: TenantId,
    token: Uuid,
    lane: WorkLane,
    reason: Option<&str>,
) -> Result<Option<Pause>, Failure> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.contains('\0') || reason.chars().count() > LONGEST_REASON) {
        let detail = format!("reason must be a text of at most {LONGEST_REASON} characters");
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail));
    }
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    if lanes::pause(&mut connection, tenant, lane, token, reason).await? {
        tracing::info!(%tenant, lane = lane.name(), %token, "a lane was paused");
    }
    let paused = lanes::paused(&mut connection, tenant).await?;
    Ok(paused.into_iter().find(|pause| pause.lane == lane))
}

/// Let a tenant's lane go on.
///
/// # Errors
/// When Postgres does not answer.
pub(crate) async fn resume_lane(app: &App, tenant: TenantId, lane: WorkLane) -> Result<(), Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    if lanes::resume(&mut connection, tenant, lane).await? {
        tracing::info!(%tenant, lane = lane.name(), "a lane was resumed");
    }
    Ok(())
}
