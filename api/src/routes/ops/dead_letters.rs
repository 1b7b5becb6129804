use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::queue::{DeadJob, JobQueue, QueueError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use utoipa::ToSchema;

/// Dead letters looked through per queue: as many as are kept.
const KEPT: usize = 10_000;
/// Dead letters shown per queue.
const SHOWN: usize = 100;

/// What `POST …/requeue` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Requeue {
    /// Ids as listed; without them, all of the tenant's.
    ids: Option<HashSet<String>>,
}

described!(
    /// Jobs that were given up on.
    DeadLettersForm, {
        "deadLetters": [{
            "queue": "string",
            "id": "string",
            "attempts": "integer",
            "error": "string?",
            "job": "any: its keys",
        }],
    }
);
described!(
    /// How many were found and put back.
    RequeuedForm, { "requeued": "integer" }
);

/// `GET /ops/v1/dead-letters`: the tenant's jobs that were given up on, the newest 100 of each
/// queue. Jobs carry keys only; what they were about is still pending in Postgres.
#[utoipa::path(get, path = "/dead-letters", responses((status = 200, body = DeadLettersForm)))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let queues = &app.queues;
    let mut letters = letters(&queues.live, tenant).await.map_err(unavailable)?;
    letters.extend(self::letters(&queues.bulk, tenant).await.map_err(unavailable)?);
    letters.extend(self::letters(&queues.links, tenant).await.map_err(unavailable)?);
    letters.extend(self::letters(&queues.runs, tenant).await.map_err(unavailable)?);
    Ok(Json(json!({ "deadLetters": letters })))
}

/// `POST /ops/v1/dead-letters/requeue`: put the tenant's dead letters back into their queues
/// with all their attempts; answers how many were found.
#[utoipa::path(
    post,
    path = "/dead-letters/requeue",
    request_body = Requeue,
    responses((status = 200, body = RequeuedForm))
)]
pub(super) async fn requeue(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Requeue>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(Requeue { ids }) =
        body.map_err(|rejection| Problem(Failure::new(StatusCode::BAD_REQUEST, rejection.body_text())))?;
    let tenant = caller.0.tenant;
    let queues = &app.queues;
    let mut requeued = back(&queues.live, tenant, ids.as_ref())
        .await
        .map_err(unavailable)?;
    requeued += back(&queues.bulk, tenant, ids.as_ref())
        .await
        .map_err(unavailable)?;
    requeued += back(&queues.links, tenant, ids.as_ref())
        .await
        .map_err(unavailable)?;
    requeued += back(&queues.runs, tenant, ids.as_ref())
        .await
        .map_err(unavailable)?;
    Ok(Json(json!({ "requeued": requeued })))
}

/// Try those of the tenant's dead letters again whose keys name one of these members.
pub(super) async fn requeue_naming(app: &App, tenant: TenantId, members: &[String]) {
    if members.is_empty() {
        return;
    }
    let queues = &app.queues;
    let requeued = async {
        back_naming(&queues.live, tenant, members).await?;
        back_naming(&queues.bulk, tenant, members).await?;
        back_naming(&queues.links, tenant, members).await
    };
    if let Err(error) = requeued.await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(%tenant, error, "dead letters may still name somebody who was erased");
    }
}

async fn back_naming<J>(queue: &JobQueue<J>, tenant: TenantId, members: &[String]) -> Result<(), QueueError>
where
    J: rollcall_shared::queue::Job,
{
    let mut dead = of_tenant(queue, tenant).await?;
    dead.retain(|letter| names(&letter.job, members));
    let ids: Vec<String> = dead.into_iter().map(|letter| letter.id).collect();
    if !ids.is_empty() {
        queue.requeue_dead(&ids).await?;
    }
    Ok(())
}

/// Whether one of these texts stands anywhere in a job.
fn names(job: &Value, members: &[String]) -> bool {
    match job {
        Value::String(text) => members.contains(text),
        Value::Array(items) => items.iter().any(|item| names(item, members)),
        Value::Object(fields) => fields.values().any(|field| names(field, members)),
        _ => false,
    }
}

async fn of_tenant<J>(queue: &JobQueue<J>, tenant: TenantId) -> Result<Vec<DeadJob>, QueueError>
where
    J: rollcall_shared::queue::Job,
{
    let mut dead = queue.dead(KEPT).await?;
    dead.retain(|letter| letter.tenant == tenant);
    Ok(dead)
}

async fn letters<J>(queue: &JobQueue<J>, tenant: TenantId) -> Result<Vec<Value>, QueueError>
where
    J: rollcall_shared::queue::Job,
{
    let shown = |letter: DeadJob| {
        json!({ "queue": queue.name(), "id": letter.id, "attempts": letter.attempts, "error": letter.error,
                "job": letter.job })
    };
    Ok(of_tenant(queue, tenant)
        .await?
        .into_iter()
        .take(SHOWN)
        .map(shown)
        .collect())
}

async fn back<J>(
    queue: &JobQueue<J>,
    tenant: TenantId,
    ids: Option<&HashSet<String>>,
) -> Result<usize, QueueError>
where
    J: rollcall_shared::queue::Job,
{
    let dead = of_tenant(queue, tenant)
        .await?
        .into_iter()
        .map(|letter| letter.id);
    let asked: Vec<String> = dead.filter(|id| ids.is_none_or(|ids| ids.contains(id))).collect();
    if asked.is_empty() {
        return Ok(0);
    }
    queue.requeue_dead(&asked).await
}

fn unavailable(_: QueueError) -> Problem {
    Problem(Failure::unavailable("Redis is not available at the moment"))
}
