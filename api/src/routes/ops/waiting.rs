use super::people::PersonBriefForm;
use super::suggest::{self, HolderForm, NearestForm, Suggestions};
use super::teams::TeamBriefForm;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller, JsonBody, Page};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::queue::LinksJob;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::explain::{self, Place, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most keys of one retry; more are all of them.
const MOST_KEYS: usize = 1_000;
/// Links made due in one transaction.
const AT_ONCE: i64 = 5_000;
/// Links pushed to Redis by one request; the feeder brings the others.
const PUSHED: usize = 20_000;

/// Why a link waits.
pub(crate) const REASONS: [&str; 4] = ["missing", "ambiguous", "not_applied", "deprovisioned"];

/// What `POST …/retry` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = WaitingRetry)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    /// Keys or references as listed; without them, everything that waits.
    keys: Option<Vec<String>>,
}

/// What came of it.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = WaitingRetried)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retried {
    /// Links that are tried again now.
    pub(crate) retried: usize,
    /// Whether Redis has taken them; if not, a worker finds them within seconds.
    pub(crate) queued: bool,
}

/// A page of what links wait for.
pub(crate) struct Waiting {
    /// How many things are waited for.
    pub(crate) total: i64,
    pub(crate) targets: Vec<Target>,
    pub(crate) suggestions: Suggestions,
}

/// What a tenant's links wait for, what most wait for first.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn look(
    app: &App,
    tenant: TenantId,
    reason: Option<&str>,
    offset: i64,
    count: i64,
) -> Result<Waiting, StoreError> {
    let mut connection = app.searches.acquire().await?;
    let total = explain::count_targets(&mut connection, tenant, reason).await?;
    let targets = explain::targets(&mut connection, tenant, reason, offset, count).await?;
    let mut waits_for: Vec<(&str, Option<&str>)> = vec![];
    for target in &targets {
        waits_for.extend(target.reasons.iter().map(|reason| {
            (
                target.wait_key.as_str(),
                suggest::reason(reason, target.names_group),
            )
        }));
    }
    let suggestions = Suggestions::load(&mut connection, tenant, &waits_for).await?;
    Ok(Waiting {
        total,
        targets,
        suggestions,
    })
}

described!(
    /// What links wait for.
    WaitingForm, {
        "totalResults": "integer",
        "startIndex": "integer",
        "itemsPerPage": "integer",
        "waiting": [{
            "key": "string",
            "reference": "string?: as asserted",
            "reasons": ["string"],
            "links": "integer: that wait for it",
            "people": "integer: whose links these are",
            "groups": "integer: whose members these are",
            "namesGroup": "boolean",
            "stale": "integer: links that are no longer tried again by themselves",
            "since": "time",
            "attempts": "integer",
            "nextAttemptAt": "time?",
            "nearest?": maybe::<NearestForm>(),
            "heldBy?": [of::<HolderForm>()],
            "waitsForPerson?": maybe::<PersonBriefForm>(),
            "waitsForTeam?": maybe::<TeamBriefForm>(),
        }],
    }
);

/// `GET /ops/v1/waiting`: what the tenant's links wait for, what most wait for first.
#[utoipa::path(
    get,
    path = "/waiting",
    params(
        Page,
        (
            "reason" = Option<String>,
            Query,
            description = "`missing`, `ambiguous`, `not_applied` or `deprovisioned`."
        )
    ),
    responses((status = 200, body = WaitingForm))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let reason = reason(&asked)?;
    let found = look(&app, tenant, reason, page.start_index - 1, page.count).await?;
    let shown = |target| shown(target, &found.suggestions);
    let waiting: Vec<Value> = found.targets.iter().map(shown).collect();
    Ok(Json(json!({
        "totalResults": found.total,
        "startIndex": page.start_index,
        "itemsPerPage": waiting.len(),
        "waiting": waiting,
    })))
}

fn reason(asked: &Asked) -> Result<Option<&str>, Failure> {
    match asked.text("reason") {
        Some(reason) if !REASONS.contains(&reason) => {
            let detail = format!("reason must be one of {}", REASONS.join(", "));
            Err(Failure::new(StatusCode::BAD_REQUEST, detail))
        }
        reason => Ok(reason),
    }
}

fn shown(target: &Target, suggestions: &Suggestions) -> Value {
    let mut shown = json!({
        "key": target.wait_key,
        "reference": target.reference,
        "reasons": target.reasons,
        "links": target.links,
        "people": target.people,
        "groups": target.groups,
        "namesGroup": target.names_group,
        "stale": target.stale,
        "since": target.since,
        "attempts": target.attempts,
        "nextAttemptAt": target.next_attempt_at,
    });
    suggestions.add_to(
        &mut shown,
        &target.wait_key,
        target
            .reasons
            .iter()
            .filter_map(|reason| suggest::reason(reason, target.names_group)),
    );
    shown
}

/// `POST /ops/v1/waiting/retry`: try the links again now that wait for these, or all.
#[utoipa::path(
    post,
    path = "/waiting/retry",
    request_body = Retry,
    responses((status = 200, body = Retried))
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Retry { keys }): JsonBody<Retry>,
) -> Result<Json<Retried>, Problem> {
    Ok(Json(retry_keys(&app, caller.0.tenant, keys).await?))
}

/// Try the links again now that wait for these, or all.
///
/// # Errors
/// 400 when more keys are named than one request may.
pub(crate) async fn retry_keys(
    app: &App,
    tenant: TenantId,
    keys: Option<Vec<String>>,
) -> Result<Retried, Failure> {
    let due = match keys {
        Some(keys) => waiting_for(app, tenant, keys).await?,
        None => everything(app, tenant).await?,
    };
    Ok(retry_places(app, tenant, due).await)
}

async fn waiting_for(app: &App, tenant: TenantId, keys: Vec<String>) -> Result<Vec<Place>, Failure> {
    if keys.len() > MOST_KEYS {
        let detail = format!("keys are more than {MOST_KEYS}; without keys, everything is tried again");
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail));
    }
    let keys: BTreeSet<String> = keys
        .iter()
        .map(|key| fold(key))
        .filter(|key| !key.contains('\0'))
        .collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let places = explain::places_waiting_for(&mut connection, tenant, &keys).await?;
    let mut due = vec![];
    for places in places.chunks(AT_ONCE as usize) {
        due.extend(explain::make_due(&mut connection, tenant, places).await?);
    }
    Ok(due)
}

/// In parts, so that no worker waits long for a row.
async fn everything(app: &App, tenant: TenantId) -> Result<Vec<Place>, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let mut due = vec![];
    let mut last: Option<Place> = None;
    loop {
        let places = explain::places_after(&mut connection, tenant, last.as_ref(), AT_ONCE).await?;
        let Some(end) = places.last() else { return Ok(due) };
        last = Some(end.clone());
        due.extend(explain::make_due(&mut connection, tenant, &places).await?);
    }
}

/// Push links that are due. Whatever Redis does not take, the feeder finds in Postgres.
pub(super) async fn retry_places(app: &App, tenant: TenantId, due: Vec<Place>) -> Retried {
    let retried = due.len();
    let (mut people, mut members): (BTreeSet<Uuid>, Vec<(Uuid, String)>) = Default::default();
    for (subject, slot, place) in due.into_iter().take(PUSHED) {
        match slot {
            3 => members.push((subject, place)),
            _ => {
                people.insert(subject);
            }
        }
    }
    let people: Vec<Uuid> = people.into_iter().collect();
    let jobs = LinksJob::retries(tenant, &people, &members);
    let queued = match app.queues.links.push(tenant, &jobs).await {
        Ok(taken) => taken == jobs.len() && retried <= PUSHED,
        Err(error) => {
            tracing::debug!(%tenant, error = &error as &dyn std::error::Error, "links are left to the feeder");
            false
        }
    };
    Retried { retried, queued }
}
