//! Runs that start by themselves: `docs/guides/schedules.md`.

use super::{preconditions, runs};
use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody, merged, read_object};
use crate::openapi::{Preconditions, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::schedule::Timetable;
use rollcall_shared::scim::etag;
use rollcall_shared::store::runs::Scope;
use rollcall_shared::store::schedules::{self, Schedule, Tick, Wanted};
use rollcall_shared::store::{PgConnection, StoreError, settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Most schedules of a tenant.
const MOST: usize = 100;
/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Ticks that are shown of one schedule.
const TICKS: i64 = 50;

/// What an operator sends. What is not said is as by default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ScheduleWanted)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Sent {
    name: String,
    cron: String,
    /// Without one, that of the settings.
    time_zone: Option<String>,
    /// `full`, `team` or `person`.
    scope: String,
    /// The team or person, or its SCIM resource.
    scope_id: Option<Uuid>,
    dry_run: bool,
    paused: bool,
}

impl Default for Sent {
    fn default() -> Sent {
        Sent {
            name: String::new(),
            cron: String::new(),
            time_zone: None,
            scope: Scope::Full.name().to_owned(),
            scope_id: None,
            dry_run: false,
            paused: false,
        }
    }
}

described!(
    /// A time at which a schedule was due, and what came of it.
    TickForm, {
        "tick": "time",
        "outcome": "string",
        "runId": "uuid?",
        "firedAt": "time?",
    }
);
described!(
    /// A schedule.
    ScheduleForm, {
        "id": "uuid",
        "name": "string",
        "cron": "string",
        "timeZone": "string",
        "scope": "full|team|person|dates",
        "scopeId": "uuid?",
        "dryRun": "boolean",
        "paused": "boolean",
        "createdAt": "time",
        "modifiedAt": "time",
        "nextFiring": "time?",
        "lastFiring": maybe::<TickForm>(),
        "version": "string: as the ETag has it",
        "ticks?": [of::<TickForm>()],
    }
);
described!(
    /// The tenant's schedules.
    SchedulesForm, { "schedules": [of::<ScheduleForm>()] }
);

/// `GET /ops/v1/schedules`: the tenant's schedules.
#[utoipa::path(get, path = "/schedules", responses((status = 200, body = SchedulesForm)))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let found = schedules::list(&mut connection, caller.0.tenant, None).await?;
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(Json(json!({ "schedules": shown })))
}

/// `GET /ops/v1/schedules/{id}`: a schedule and its latest ticks.
#[utoipa::path(
    get,
    path = "/schedules/{id}",
    responses((status = 200, body = ScheduleForm, headers(("ETag"))))
)]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let schedule = find(&mut connection, tenant, &id).await?;
    let ticks = schedules::ticks(&mut connection, tenant, schedule.id, TICKS).await?;
    let mut body = shown(&schedule);
    body["ticks"] = ticks.iter().map(tick).collect();
    let tag = [(header::ETAG, etag(schedule.version))];
    Ok((tag, Json(body)).into_response())
}

/// `POST /ops/v1/schedules`: create a schedule.
#[utoipa::path(
    post,
    path = "/schedules",
    request_body = Sent,
    responses(
        (status = 201, body = ScheduleForm, headers(("ETag"), ("Location"))),
        (status = 409, description = "There are as many as a tenant may have.")
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let sent = read_object(body)?;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    // One operator at a time, so that they are counted right.
    settings::lock(&mut tx, tenant).await?;
    if schedules::list(&mut tx, tenant, None).await?.len() >= MOST {
        return Err(conflict(format!(
            "there are {MOST} schedules already, as many as a tenant may have"
        )));
    }
    let id = Uuid::now_v7();
    let stored = store(&mut tx, tenant, id, sent).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, schedule = %id, "a schedule was created");
    let location = [(header::LOCATION, format!("/ops/v1/schedules/{id}"))];
    Ok((StatusCode::CREATED, location, answer(&stored)).into_response())
}

/// `PUT /ops/v1/schedules/{id}`: replace a schedule; these are its attributes, what is not said is as by default.
#[utoipa::path(
    put,
    path = "/schedules/{id}",
    params(Preconditions),
    request_body = Sent,
    responses(
        (status = 200, body = ScheduleForm, headers(("ETag"))),
        (status = 409, description = "It follows the settings."),
        (status = 412)
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    change(&app, &caller, &id, &headers, |_| body).await
}

/// `PATCH /ops/v1/schedules/{id}`: change a schedule by a JSON merge patch, such as `{"paused": true}`.
#[utoipa::path(
    patch,
    path = "/schedules/{id}",
    params(Preconditions),
    request_body = Sent,
    responses(
        (status = 200, body = ScheduleForm, headers(("ETag"))),
        (status = 409, description = "It follows the settings."),
        (status = 412)
    )
)]
pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    change(&app, &caller, &id, &headers, |attributes| {
        merged(attributes, body)
    })
    .await
}

/// `DELETE /ops/v1/schedules/{id}`: delete a schedule; 204. What it started goes on.
#[utoipa::path(
    delete,
    path = "/schedules/{id}",
    params(Preconditions),
    responses((status = 204), (status = 409, description = "It follows the settings."), (status = 412))
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let schedule = changeable(&mut tx, tenant, &id, &headers).await?;
    schedules::delete(&mut tx, tenant, schedule.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, schedule = %schedule.id, "a schedule was deleted");
    Ok(StatusCode::NO_CONTENT)
}

async fn change(
    app: &App,
    caller: &Caller,
    id: &str,
    headers: &HeaderMap,
    changed: impl FnOnce(Map<String, Value>) -> Map<String, Value>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let schedule = changeable(&mut tx, tenant, id, headers).await?;
    let sent = read_object(changed(attributes(&schedule.wanted)))?;
    let stored = store(&mut tx, tenant, schedule.id, sent).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, schedule = %schedule.id, version = stored.version, "a schedule was changed");
    Ok(answer(&stored))
}

/// Pause a schedule, or let it fire again.
///
/// # Errors
/// 404 when there is none, 409 when it follows the settings.
pub(crate) async fn set_paused(
    app: &App,
    tenant: TenantId,
    token: Uuid,
    id: Uuid,
    paused: bool,
) -> Result<(), Failure> {
    let changed = async {
        let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
        let schedule = changeable(&mut tx, tenant, &id.to_string(), &HeaderMap::new()).await?;
        let mut attributes = attributes(&schedule.wanted);
        attributes.insert("paused".to_owned(), paused.into());
        store(&mut tx, tenant, id, read_object(attributes)?).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok::<_, Problem>(())
    };
    changed.await.map_err(|problem| problem.0)?;
    tracing::info!(%token, schedule = %id, paused, "a schedule was changed");
    Ok(())
}

/// The schedule, locked, if it is there to be changed in the version that the request wants.
async fn changeable(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: &str,
    headers: &HeaderMap,
) -> Result<Schedule, Problem> {
    schedules::lock(conn, tenant, id.parse().map_err(|_| not_found())?).await?;
    let schedule = find(conn, tenant, id).await?;
    preconditions::check(headers, Some(schedule.version))?;
    match schedule.wanted.scope {
        Scope::Dates => Err(conflict(
            "this schedule follows the settings timeZone and datesDriveStatus",
        )),
        _ => Ok(schedule),
    }
}

async fn find(conn: &mut PgConnection, tenant: TenantId, id: &str) -> Result<Schedule, Problem> {
    let id = id.parse().map_err(|_| not_found())?;
    let found = schedules::find(conn, tenant, id).await?;
    Ok(found.ok_or_else(not_found)?)
}

/// Store what was sent, if it makes sense. It fires from now on: ticks before are nobody's.
async fn store(conn: &mut PgConnection, tenant: TenantId, id: Uuid, sent: Sent) -> Result<Schedule, Problem> {
    let name = sent.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(bad_request(format!("name must be a text of 1 to {MAX_NAME} characters")).into());
    }
    let zone = match &sent.time_zone {
        Some(zone) => zone
            .parse()
            .map_err(|_| bad_request("timeZone must be a name of the IANA time zone database"))?,
        None => settings::read(conn, tenant).await?.settings.time_zone,
    };
    let now = schedules::now(conn).await?;
    let timetable =
        Timetable::parse(&sent.cron, zone, now).map_err(|error| bad_request(format!("cron {error}")))?;
    let scope = runs::scope(conn, tenant, &sent.scope, sent.scope_id).await?;
    if scope == Scope::Dates {
        return Err(bad_request("scope must be full, team or person; dates are looked at every day").into());
    }
    let next = timetable.next_tick(now).filter(|_| !sent.paused);
    let wanted = Wanted {
        name: name.to_owned(),
        cron: sent.cron,
        time_zone: zone.name().to_owned(),
        scope,
        dry_run: sent.dry_run,
        paused: sent.paused,
    };
    schedules::put(conn, tenant, id, &wanted, next).await?;
    find(conn, tenant, &id.to_string()).await
}

/// A schedule's attributes as an operator would send them.
fn attributes(wanted: &Wanted) -> Map<String, Value> {
    let sent = Sent {
        name: wanted.name.clone(),
        cron: wanted.cron.clone(),
        time_zone: Some(wanted.time_zone.clone()),
        scope: wanted.scope.name().to_owned(),
        scope_id: wanted.scope.id(),
        dry_run: wanted.dry_run,
        paused: wanted.paused,
    };
    match json!(sent) {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    }
}

fn answer(schedule: &Schedule) -> Response {
    let tag = [(header::ETAG, etag(schedule.version))];
    (tag, Json(shown(schedule))).into_response()
}

/// A schedule as clients see it.
fn shown(schedule: &Schedule) -> Value {
    let wanted = &schedule.wanted;
    json!({
        "id": schedule.id,
        "name": wanted.name,
        "cron": wanted.cron,
        "timeZone": wanted.time_zone,
        "scope": wanted.scope.name(),
        "scopeId": wanted.scope.id(),
        "dryRun": wanted.dry_run,
        "paused": wanted.paused,
        "createdAt": schedule.created_at,
        "modifiedAt": schedule.modified_at,
        "nextFiring": schedule.next_tick,
        "lastFiring": schedule.last.as_ref().map(tick),
        "version": etag(schedule.version),
    })
}

fn tick(tick: &Tick) -> Value {
    json!({
        "tick": tick.tick,
        "outcome": tick.outcome,
        "runId": tick.run,
        "firedAt": tick.fired_at,
    })
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such schedule")
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}

fn conflict(detail: impl Into<String>) -> Problem {
    Failure::new(StatusCode::CONFLICT, detail).into()
}
