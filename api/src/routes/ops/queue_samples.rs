//! How full the queues were, and how fast everything went, over the last hours.

use super::queue::{DepthForm, states};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::queue_samples::{self as store, PaceSample, Sample};
use serde_json::{Value, json};
use std::time::Duration;

/// Minutes of samples when the client does not say, and at most.
const USUAL_MINUTES: i64 = 60;
const MOST_MINUTES: i64 = 24 * 60;

described!(
    /// How full the deployment's queues were, and how much it accepted and applied.
    SamplesForm, {
        "everySeconds": "integer",
        "samples": [{
            "at": "time",
            "lane": "live|bulk|links|runs",
            "depth": of::<DepthForm>(),
            "oldestReadySeconds": "number?",
            "finishedPerSecond": "number?",
        }],
        "pace": [{
            "at": "time",
            "acceptedPerSecond": "number: writes, over 15 seconds that had ended 5 seconds before",
            "appliedPerSecond": "number: people, teams and members, over the same time",
        }],
    }
);

/// `GET /ops/v1/queue/samples?minutes=`: how full the deployment's queues were, and how much it accepted and
/// applied, every 15 seconds.
#[utoipa::path(
    get,
    path = "/queue/samples",
    params(("minutes" = Option<i64>, Query, description = "How far back: 60 unless told, at most 1440.")),
    responses((status = 200, body = SamplesForm))
)]
pub(super) async fn samples(
    State(app): State<App>,
    _caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let minutes = asked.number("minutes")?.unwrap_or(USUAL_MINUTES);
    if !(1..=MOST_MINUTES).contains(&minutes) {
        let detail = format!("minutes must be from 1 to {MOST_MINUTES}");
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail).into());
    }
    let span = Duration::from_secs(minutes.unsigned_abs() * 60);
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let samples = store::since(&mut connection, span).await?;
    let samples: Vec<Value> = samples.iter().map(sample).collect();
    let pace = store::pace_since(&mut connection, span).await?;
    let pace: Vec<Value> = pace.iter().map(pace_sample).collect();
    Ok(Json(json!({
        "everySeconds": store::EVERY.as_secs(),
        "samples": samples,
        "pace": pace,
    })))
}

fn sample(sample: &Sample) -> Value {
    json!({
        "at": sample.taken_at,
        "lane": sample.lane.name(),
        "depth": states(&sample.depth),
        "oldestReadySeconds": sample.depth.oldest_ready_seconds,
        "finishedPerSecond": sample.depth.finished_per_second,
    })
}

fn pace_sample(sample: &PaceSample) -> Value {
    json!({
        "at": sample.taken_at,
        "acceptedPerSecond": sample.accepted_per_second(),
        "appliedPerSecond": sample.applied_per_second(),
    })
}
