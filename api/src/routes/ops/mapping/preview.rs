//! Looking at a change of the mapping before it is made.

use super::offered::{Offered, OfferedForm, expect};
use super::{InForce, push};
use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody};
use crate::openapi::{IfMatch, described};
use crate::routes::ops::runs::{self, ProgressForm, SampleForm};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State as Extracted};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::effect::Effect;
use rollcall_shared::store::mapping_changes as changes;
use rollcall_shared::store::mapping_previews::{self as store, NewPreview, Preview};
use rollcall_shared::store::runs::{self as stored_runs, Phase, Run};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Differences of a kind that are shown.
const SAMPLES: i64 = 20;
/// Previews of one tenant at the same time.
const UNDER_WAY: i64 = 5;
/// How long an answer waits for a preview to come to its end.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// How far a preview is, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// It can be applied.
    Ready,
    Expired,
    /// Its candidate came into force.
    Applied,
    /// It was to come into force and did not.
    Refused,
    Cancelled,
    /// It was made by a worker that does not know of previews.
    Incomplete,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Ready => "ready",
            State::Expired => "expired",
            State::Applied => "applied",
            State::Refused => "refused",
            State::Cancelled => "cancelled",
            State::Incomplete => "incomplete",
        }
    }
}

described!(
    /// What a change of the mapping would do, in numbers.
    EffectForm, {
        "checked": "integer: people",
        "failed": "integer: people who could not be looked at",
        "fields": { "*": "integer: people whose field would change" },
        "people": { "changed": "integer", "deactivated": "integer", "reactivated": "integer", "valuesRemoved": "integer" },
        "memberships": { "begun": "integer", "ended": "integer" },
        "lines": { "begun": "integer", "ended": "integer", "changed": "integer" },
        "teams": { "created": "integer", "emptied": "integer" },
        "waiting": { "before": "integer", "after": "integer" },
        "rejected": { "before": "integer", "after": "integer" },
        "differingAnyway": "integer: people who differ from the mapping in force too",
    }
);
described!(
    /// What a change of the mapping would do.
    PreviewForm, {
        "id": "uuid",
        "state": "running|ready|expired|applied|refused|cancelled|incomplete",
        "baseVersion": "integer: the version in force when it was made",
        "createdAt": "time",
        "createdBy": { "token": "uuid" },
        "expiresAt": "time?",
        "run": "uuid",
        "progress": of::<ProgressForm>(),
        "effect": maybe::<EffectForm>(),
        "appliedVersion?": "integer?",
        "refused?": "string?",
        "exceeded?": [{ "loss": "string", "previewed": "integer", "now": "integer" }],
        "samples?": {
            "people": [of::<SampleForm>()],
            "deactivations": [of::<SampleForm>()],
            "memberships": [of::<SampleForm>()],
            "lines": [of::<SampleForm>()],
            "teams": [of::<SampleForm>()],
            "waiting": [of::<SampleForm>()],
        },
    }
);

/// `POST /ops/v1/mapping/preview`: look at a change of the mapping before it is made; 200 with what the mapping
/// would change, or 202 with the place where it will be. Nothing is changed by it.
#[utoipa::path(
    post,
    path = "/mapping/preview",
    params(IfMatch),
    request_body = OfferedForm,
    responses(
        (status = 200, body = PreviewForm, headers(("Location"))),
        (status = 202, body = PreviewForm, headers(("Location"))),
        (status = 412)
    )
)]
pub(in crate::routes::ops) async fn start(
    Extracted(app): Extracted<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(offered): JsonBody<Offered>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let tags = headers
        .get(header::IF_MATCH)
        .map(|tags| tags.to_str().unwrap_or_default());
    let id = begin(&app, &caller, tags, &offered).await?;
    let (preview, run) = ended(&app, tenant, id).await?;
    let status = match state(&preview, &run) {
        State::Running => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
    let body = shown(&mut conn, tenant, &preview, &run).await?;
    let location = [(header::LOCATION, path(preview.id))];
    Ok((status, location, Json(body)).into_response())
}

/// Begin to look at what a mapping would change; answers the preview's id.
///
/// # Errors
/// 400 with each rule that is wrong, 412 when another version is in force than `tags` name, 429 when
/// too many are under way.
pub(crate) async fn begin(
    app: &App,
    caller: &Caller,
    tags: Option<&str>,
    offered: &Offered,
) -> Result<Uuid, Problem> {
    let tenant = caller.0.tenant;
    let document = offered.checked(app, tenant).await?;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let in_force = InForce::of(changes::find(&mut tx, tenant, None).await?);
    if let Some(tags) = tags {
        expect(tags, in_force.version)?;
    }
    if store::under_way(&mut tx, tenant).await? >= UNDER_WAY {
        let detail = format!("{UNDER_WAY} previews are under way already");
        return Err(Failure::too_many_requests(&detail, PATIENCE).into());
    }
    let new = NewPreview {
        base_version: in_force.version,
        document: &document,
        token: caller.0.id,
        note: offered.note.as_deref(),
        at_most: None,
    };
    let preview = store::start(&mut tx, tenant, new).await?;
    tx.commit().await.map_err(StoreError::from)?;
    push(app, tenant, preview.run).await;
    Ok(preview.id)
}

/// `GET /ops/v1/mapping/previews/{id}`: what a change of the mapping would do.
#[utoipa::path(get, path = "/mapping/previews/{id}", responses((status = 200, body = PreviewForm)))]
pub(crate) async fn find(
    Extracted(app): Extracted<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let id = id.parse().map_err(|_| not_found())?;
    let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
    let (preview, run) = load(&mut conn, tenant, id).await?.ok_or_else(not_found)?;
    Ok(Json(shown(&mut conn, tenant, &preview, &run).await?))
}

/// The id of a preview, from the query string.
pub(super) fn id(text: &str) -> Result<Uuid, Failure> {
    let detail = "preview must be the id of a preview";
    text.parse()
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, detail))
}

pub(super) fn path(id: Uuid) -> String {
    format!("/ops/v1/mapping/previews/{id}")
}

/// A preview with its run.
pub(super) async fn load(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<(Preview, Run)>, StoreError> {
    let Some(preview) = store::find(conn, tenant, id).await? else {
        return Ok(None);
    };
    let run = stored_runs::find(conn, tenant, preview.run).await?;
    Ok(run.map(|run| (preview, run)))
}

/// A preview that came to its end, or did not within the time an answer waits.
pub(super) async fn ended(app: &App, tenant: TenantId, id: Uuid) -> Result<(Preview, Run), Problem> {
    let started = Instant::now();
    loop {
        let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
        let (preview, run) = load(&mut conn, tenant, id).await?.ok_or_else(not_found)?;
        drop(conn);
        if run.phase == Phase::Done || started.elapsed() >= PATIENCE || app.stopping.is_cancelled() {
            return Ok((preview, run));
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) fn state(preview: &Preview, run: &Run) -> State {
    if preview.applied_version.is_some() {
        return State::Applied;
    }
    if run.phase != Phase::Done {
        return State::Running;
    }
    if preview.at_most.is_some() {
        return State::Refused;
    }
    if run.cancelled {
        return State::Cancelled;
    }
    match effect(run) {
        Some(_) if preview.expired => State::Expired,
        Some(_) => State::Ready,
        None => State::Incomplete,
    }
}

/// What the run found, once it has.
pub(super) fn effect(run: &Run) -> Option<Effect> {
    let effect = run.report.as_ref()?.get("effect")?;
    serde_json::from_value(effect.clone()).ok()
}

/// In which respects a change that was to be applied takes away more than was agreed to.
pub(super) fn exceeded(preview: &Preview, run: &Run) -> Vec<Value> {
    let (Some(at_most), Some(effect)) = (preview.at_most, effect(run)) else {
        return vec![];
    };
    let exceeded = at_most.exceeded_by(&effect.losses());
    exceeded.into_iter().map(|exceeded| json!(exceeded)).collect()
}

/// A preview as clients see it.
pub(super) async fn shown(
    conn: &mut PgConnection,
    tenant: TenantId,
    preview: &Preview,
    run: &Run,
) -> Result<Value, Problem> {
    let state = state(preview, run);
    let mut shown = json!({
        "id": preview.id,
        "state": state.name(),
        "baseVersion": preview.base_version,
        "createdAt": preview.created_at,
        "createdBy": { "token": preview.token },
        "expiresAt": preview.expires_at,
        "run": preview.run,
        "progress": runs::progress(run),
        "effect": effect(run),
    });
    if preview.at_most.is_some() {
        shown["appliedVersion"] = json!(preview.applied_version);
        shown["refused"] = json!(preview.refused.map(store::Refusal::name));
        shown["exceeded"] = exceeded(preview, run).into();
    }
    if state != State::Running {
        let samples = stored_runs::samples(conn, tenant, preview.run, SAMPLES).await?;
        let mut by_kind: Map<String, Value> = KINDS
            .iter()
            .map(|(_, name)| ((*name).to_owned(), json!([])))
            .collect();
        for sample in &samples {
            let kind = KINDS.iter().find(|(kind, _)| *kind == sample.kind);
            let of_kind = kind.and_then(|(_, name)| by_kind[*name].as_array_mut());
            if let Some(of_kind) = of_kind {
                of_kind.push(runs::sample(sample));
            }
        }
        shown["samples"] = by_kind.into();
    }
    Ok(shown)
}

/// Kinds of samples, and what clients call them.
const KINDS: [(&str, &str); 6] = [
    ("person", "people"),
    ("deactivation", "deactivations"),
    ("membership", "memberships"),
    ("line", "lines"),
    ("team", "teams"),
    ("waiting", "waiting"),
];

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such preview")
}
