//! What was sent to a webhook and what is yet to be; sending it again.

use super::{bad_request, find, not_found};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller, JsonBody};
use crate::openapi::{Limit, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use rollcall_shared::store::webhooks::deliveries::{self, Again, Delivery};
use rollcall_shared::store::{StoreError, schedules};
use rollcall_shared::webhooks::ping;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Deliveries in a page when the client does not say, and at most.
const USUAL: i64 = 50;
const MOST: i64 = 500;

/// What `state` may ask for.
const STATES: [&str; 3] = ["pending", "delivered", "dead"];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(replay))
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(replay_one))
}

described!(
    /// What was sent to a webhook, or is yet to be.
    DeliveryForm, {
        "id": "uuid",
        "webhookId": "string: the `webhook-id` header of each try",
        "kind": "changes|ping",
        "changes": "integer: how many it tells of",
        "changedAt": "time: of the first of them",
        "state": "pending|delivered|dead",
        "attempts": "integer",
        "nextAttemptAt": "time?",
        "status": "integer?: of the last answer",
        "error": "string?: class of the last failure",
        "createdAt": "time",
        "finishedAt": "time?",
        "body?": "any: what is sent, where one delivery is asked for",
    }
);
described!(
    /// A page of deliveries.
    DeliveriesForm, { "deliveries": [of::<DeliveryForm>()], "nextCursor": "uuid?" }
);
described!(
    /// How many deliveries are made again.
    ReplayedForm, { "replayed": "integer" }
);

/// What `POST …/replay` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebhookReplay)]
#[serde(deny_unknown_fields)]
struct Replay {
    /// Deliveries made then or later.
    #[schema(value_type = String, format = DateTime)]
    since: DateTime<Utc>,
    /// Those that were delivered, too.
    #[serde(default)]
    delivered: bool,
}

/// `POST /ops/v1/webhooks/{id}/test`: send a ping; 202. It is tried once and nobody waits for it.
#[utoipa::path(post, path = "/webhooks/{id}/test", responses((status = 202, body = DeliveryForm)))]
async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let webhook = find(&mut connection, tenant, &id).await?;
    let now = schedules::now(&mut connection).await?;
    let delivery = deliveries::ping(&mut connection, tenant, webhook.id, &ping(now)).await?;
    let (delivery, _) = deliveries::find(&mut connection, tenant, webhook.id, delivery)
        .await?
        .ok_or_else(no_delivery)?;
    Ok((StatusCode::ACCEPTED, Json(shown(&delivery))))
}

/// `GET /ops/v1/webhooks/{id}/deliveries`: the newest first, by `state`; `cursor` is the `nextCursor` of the
/// page before.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", params(("state" = Option<String>, Query, description = "`pending`, `delivered` or `dead`."), Limit), responses((status = 200, body = DeliveriesForm)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let limit = asked.limit(USUAL, MOST)?;
    let before = asked.id("cursor")?;
    let state = asked.text("state");
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(bad_request(format!("state must be one of {}", STATES.join(", "))).into());
    }
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let webhook = find(&mut connection, tenant, &id).await?;
    let found = deliveries::page(&mut connection, tenant, webhook.id, state, before, limit).await?;
    let full = i64::try_from(found.len()) == Ok(limit);
    let next = found.last().filter(|_| full).map(|delivery| delivery.id);
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(Json(json!({ "deliveries": shown, "nextCursor": next })))
}

/// `GET /ops/v1/webhooks/{id}/deliveries/{delivery}`: a delivery with its body.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries/{delivery}", responses((status = 200, body = DeliveryForm)))]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let webhook = id.parse().map_err(|_| not_found())?;
    let delivery = delivery.parse().map_err(|_| no_delivery())?;
    let (delivery, body) = deliveries::find(&mut connection, tenant, webhook, delivery)
        .await?
        .ok_or_else(no_delivery)?;
    let mut shown = shown(&delivery);
    shown["body"] = serde_json::from_str(&body).unwrap_or_default();
    Ok(Json(shown))
}

/// `POST /ops/v1/webhooks/{id}/deliveries/{delivery}/replay`: send a delivery again; 202. It keeps its id.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/replay", responses((status = 202, body = DeliveryForm), (status = 409, description = "It is not over.")))]
async fn replay_one(
    State(app): State<App>,
    caller: Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let tenant = caller.0.tenant;
    let webhook = id.parse().map_err(|_| not_found())?;
    let id: Uuid = delivery.parse().map_err(|_| no_delivery())?;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let replayed = deliveries::replay(&mut tx, tenant, webhook, Again::One(id)).await?;
    let (delivery, _) = deliveries::find(&mut tx, tenant, webhook, id)
        .await?
        .ok_or_else(no_delivery)?;
    tx.commit().await.map_err(StoreError::from)?;
    if replayed == 0 {
        let detail = "this delivery is not over: it is tried, or tried again, anyway";
        return Err(Failure::new(StatusCode::CONFLICT, detail).into());
    }
    Ok((StatusCode::ACCEPTED, Json(shown(&delivery))))
}

/// `POST /ops/v1/webhooks/{id}/replay`: send again what was given up since a time; 202. It keeps its ids.
/// If asked for, what was delivered is sent again, too.
#[utoipa::path(post, path = "/webhooks/{id}/replay", request_body = Replay, responses((status = 202, body = ReplayedForm)))]
async fn replay(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(Replay { since, delivered }): JsonBody<Replay>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let tenant = caller.0.tenant;
    let again = match delivered {
        true => Again::AllSince(since),
        false => Again::DeadSince(since),
    };
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let webhook = find(&mut tx, tenant, &id).await?;
    let replayed = deliveries::replay(&mut tx, tenant, webhook.id, again).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "replayed": replayed }))))
}

/// A delivery as clients see it.
fn shown(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "webhookId": format!("msg_{}", delivery.id.simple()),
        "kind": delivery.kind,
        "changes": delivery.changes,
        "changedAt": delivery.changed_at,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "nextAttemptAt": delivery.next_attempt_at,
        "status": delivery.status,
        "error": delivery.error,
        "createdAt": delivery.created_at,
        "finishedAt": delivery.finished_at,
    })
}

fn no_delivery() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such delivery")
}
