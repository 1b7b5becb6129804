use crate::error::{Failure, Problem};
use crate::extract::{Caller, Page};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::queue::RunJob;
use rollcall_shared::store::runs::{self, NamedSample, Phase, Run, Scope};
use rollcall_shared::store::{PgConnection, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Differences of a kind that are shown.
pub(crate) const SAMPLES: i64 = 100;

/// What `POST /ops/v1/runs` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewRun)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Start {
    /// `full`, `team`, `person` or `dates`.
    scope: String,
    /// Of the team or person, or of its SCIM resource.
    id: Option<Uuid>,
    #[serde(default)]
    dry_run: bool,
}

described!(
    /// A difference that a dry run or preview found.
    SampleForm, {
        "kind": "string",
        "id": "uuid?",
        "name": "string?",
        "field": "string?",
        "old": "any",
        "new": "any",
    }
);
described!(
    /// How far a run is.
    ProgressForm, {
        "parts": "integer",
        "partsDone": "integer",
        "checked": "integer: people, teams and memberships",
        "secondsLeft": "number?: at the pace so far",
    }
);
described!(
    /// A run: a comparison of the directory with what it should be, that puts right what differs.
    RunForm, {
        "id": "uuid",
        "scope": "full|team|person|dates|preview|mapping",
        "scopeId": "any: the team, person or preview, or the version of the mapping",
        "dryRun": "boolean",
        "state": "running|cancelled|finished",
        "phase": "plan|reconcile|links|report|done",
        "cancelRequested": "boolean",
        "createdAt": "time",
        "startedAt": "time?",
        "finishedAt": "time?",
        "progress": of::<ProgressForm>(),
        "report": "object?: what it found, once it is done",
        "samples?": [of::<SampleForm>()],
    }
);
described!(
    /// Runs, the newest first.
    RunsForm, {
        "totalResults": "integer",
        "startIndex": "integer",
        "itemsPerPage": "integer",
        "runs": [of::<RunForm>()],
    }
);

/// `POST /ops/v1/runs`: start a run; 202 with the new run, or 200 with the one of the same scope that is under way.
#[utoipa::path(
    post,
    path = "/runs",
    request_body = Start,
    responses(
        (status = 202, body = RunForm, headers(("Location"))),
        (status = 200, body = RunForm, headers(("Location")))
    )
)]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Start>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(asked) = body.map_err(|rejection| bad_request(rejection.body_text()))?;
    let (run, new) = begin(&app, caller.0.tenant, &asked.scope, asked.id, asked.dry_run).await?;
    let status = if new { StatusCode::ACCEPTED } else { StatusCode::OK };
    let location = [(header::LOCATION, format!("/ops/v1/runs/{}", run.id))];
    Ok((status, location, Json(shown(&run))).into_response())
}

/// Start a run, or find the one of the same scope that is under way; answers whether it is new.
///
/// # Errors
/// 400 when scope and id do not go together.
pub(crate) async fn begin(
    app: &App,
    tenant: TenantId,
    named: &str,
    id: Option<Uuid>,
    dry_run: bool,
) -> Result<(Run, bool), Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let scope = scope(&mut connection, tenant, named, id)
        .await
        .map_err(|problem| problem.0)?;
    let (id, new) = runs::start(&mut connection, tenant, scope, dry_run).await?;
    let run = runs::find(&mut connection, tenant, id)
        .await?
        .ok_or_else(not_found)?;
    drop(connection);
    if new {
        let job = RunJob {
            v: 1,
            tenant,
            run: id,
            chunk: None,
        };
        if let Err(error) = app.queues.runs.push(tenant, &[job]).await {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(%tenant, error, "a run is left to the feeder");
        }
    }
    Ok((run, new))
}

/// What `scope` and `id` name together.
pub(super) async fn scope(
    conn: &mut PgConnection,
    tenant: TenantId,
    scope: &str,
    id: Option<Uuid>,
) -> Result<Scope, Problem> {
    let unknown = || bad_request("id names nobody and no team of this tenant");
    let scope = match (scope, id) {
        ("full", None) => Scope::Full,
        ("dates", None) => Scope::Dates,
        ("full" | "dates", Some(_)) => {
            return Err(bad_request(format!("id has no meaning for the scope {scope}")).into());
        }
        ("team", Some(id)) => Scope::Team(runs::team(conn, tenant, id).await?.ok_or_else(unknown)?),
        ("person", Some(id)) => Scope::Person(runs::person(conn, tenant, id).await?.ok_or_else(unknown)?),
        ("team" | "person", None) => return Err(bad_request("id says which team or person").into()),
        _ => return Err(bad_request("scope must be full, team, person or dates").into()),
    };
    Ok(scope)
}

/// `GET /ops/v1/runs`: runs, the newest first.
#[utoipa::path(get, path = "/runs", params(Page), responses((status = 200, body = RunsForm)))]
pub(super) async fn list(State(app): State<App>, caller: Caller, page: Page) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let total = runs::count(&mut connection, tenant).await?;
    let found = runs::list(&mut connection, tenant, None, page.start_index - 1, page.count).await?;
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(Json(json!({
        "totalResults": total,
        "startIndex": page.start_index,
        "itemsPerPage": shown.len(),
        "runs": shown,
    })))
}

/// `GET /ops/v1/runs/{id}`: a run, and what a dry run found by name.
#[utoipa::path(get, path = "/runs/{id}", responses((status = 200, body = RunForm)))]
pub(super) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let id = id.parse().map_err(|_| not_found())?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let run = runs::find(&mut connection, tenant, id)
        .await?
        .ok_or_else(not_found)?;
    let mut body = shown(&run);
    if run.dry_run {
        let samples = runs::samples(&mut connection, tenant, id, SAMPLES).await?;
        body["samples"] = samples.iter().map(sample).collect();
    }
    Ok(Json(body))
}

/// `POST /ops/v1/runs/{id}/cancel`: cancel a run; no further part is begun; what was done stays, and is reported.
#[utoipa::path(
    post,
    path = "/runs/{id}/cancel",
    responses(
        (status = 200, body = RunForm),
        (status = 409, description = "It has compared everything already.")
    )
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = id.parse().map_err(|_| not_found())?;
    let run = cancel_run(&app, caller.0.tenant, id).await?;
    Ok(Json(shown(&run)))
}

/// Begin no further part of a run.
///
/// # Errors
/// 404 when there is none, 409 when it has nothing left to begin.
pub(crate) async fn cancel_run(app: &App, tenant: TenantId, id: Uuid) -> Result<Run, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let cancelled = runs::cancel(&mut connection, tenant, id).await?;
    let run = runs::find(&mut connection, tenant, id)
        .await?
        .ok_or_else(not_found)?;
    if !cancelled && !run.cancelled {
        let detail = "the run has compared everything already";
        return Err(Failure::new(StatusCode::CONFLICT, detail));
    }
    Ok(run)
}

pub(crate) fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such run")
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}

/// A run as clients see it.
pub(super) fn shown(run: &Run) -> Value {
    let state = match (run.phase, run.cancelled) {
        (Phase::Done, true) => "cancelled",
        (Phase::Done, false) => "finished",
        _ => "running",
    };
    json!({
        "id": run.id,
        "scope": run.scope.name(),
        "scopeId": scope_id(run.scope),
        "dryRun": run.dry_run,
        "state": state,
        "phase": run.phase.name(),
        "cancelRequested": run.cancelled,
        "createdAt": run.created_at,
        "startedAt": run.started_at,
        "finishedAt": run.finished_at,
        "progress": progress(run),
        "report": run.report,
    })
}

/// How far a run is.
pub(super) fn progress(run: &Run) -> Value {
    json!({
        "parts": run.chunks,
        "partsDone": run.chunks_done,
        "checked": run.checked,
        "secondsLeft": seconds_left(run),
    })
}

/// The team, person or preview, or the version of the mapping.
fn scope_id(scope: Scope) -> Value {
    match scope {
        Scope::Full | Scope::Dates => Value::Null,
        Scope::Team(id) | Scope::Person(id) | Scope::Preview(id) => json!(id),
        Scope::Mapping(version) => json!(version),
    }
}

/// At the pace so far; null when there is none to go by.
pub(crate) fn seconds_left(run: &Run) -> Option<f64> {
    let started = run
        .started_at
        .filter(|_| run.phase == Phase::Reconcile && run.chunks_done > 0)?;
    let seconds = (run.now - started).num_milliseconds() as f64 / 1000.0;
    let left = (run.chunks - run.chunks_done) as f64;
    Some((seconds / run.chunks_done as f64 * left).max(0.0))
}

/// A difference by name.
pub(super) fn sample(sample: &NamedSample) -> Value {
    json!({
        "kind": sample.kind,
        "id": sample.subject_id,
        "name": sample.name,
        "field": sample.field,
        "old": sample.old,
        "new": sample.new,
    })
}
