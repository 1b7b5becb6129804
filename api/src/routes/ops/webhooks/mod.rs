//! Webhooks: who is told of changes of the directory. `docs/guides/webhooks.md`

mod deliveries;

use super::preconditions;
use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody, merged, read_object};
use crate::openapi::{IfMatch, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::TryRngCore as _;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::etag;
use rollcall_shared::store::follow::Event;
use rollcall_shared::store::webhooks::{self, Wanted, Webhook};
use rollcall_shared::store::{PgConnection, StoreError, settings};
use rollcall_shared::webhooks::{Reach, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Most webhooks of a tenant.
const MOST: usize = 20;
/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 500;
/// Bytes of a secret: as many as its signatures have.
const SECRET_BYTES: usize = 32;
/// How long the old secret signs beside the new one: a day when not said, at most 30.
const USUAL_OVERLAP_SECONDS: i32 = 86_400;
const LONGEST_OVERLAP_SECONDS: i32 = 30 * 86_400;
/// Why a webhook is not enabled again just so.
const LOST: &str = "some of what happened since this webhook stopped can no longer be told; \
    send \"resumeAt\": \"latest\" too to go on from now on, and let the receiver read the directory anew";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, patch, delete))
        .routes(routes!(rotate))
        .merge(deliveries::routes())
}

described!(
    /// Who is told of changes of the directory.
    WebhookForm, {
        "id": "uuid",
        "url": "string",
        "description": "string",
        "types": ["string", "Of the changes that are wanted; empty: all."],
        "enabled": "boolean",
        "disabledReason": "string?: why nothing is sent any more: `operator`, `gone`, `failing` or `lost`",
        "kept": "boolean: whether everything since it stopped can be told; if not, it is enabled with `resumeAt` only",
        "resumedAt": "time?: when it last went on at the latest change; what lay before was not told",
        "createdAt": "time",
        "modifiedAt": "time",
        "oldSecretEndsAt": "time?: until then the secret before signs too",
        "lastDeliveredAt": "time?",
        "failingSince": "time?",
        "pending": "integer: deliveries that are yet to be made",
        "deadLetters": "integer: deliveries given up",
        "version": "string",
        "secret?": "string: shown once, when it is made",
    }
);
described!(
    /// The webhooks of a tenant.
    WebhooksForm, { "webhooks": [of::<WebhookForm>()] }
);

/// What an operator sends. What is not said is as by default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookWanted)]
#[serde(default, deny_unknown_fields)]
struct Sent {
    url: String,
    description: String,
    /// Of the changes that are wanted; empty: all.
    types: Vec<String>,
    enabled: bool,
    /// Go on from there, and leave out what it has not been told yet.
    #[serde(rename = "resumeAt", skip_serializing_if = "Option::is_none")]
    resume_at: Option<ResumeAt>,
}

/// Where a webhook goes on; a new one begins there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ResumeAt {
    Latest,
}

impl Default for Sent {
    fn default() -> Sent {
        Sent {
            url: String::new(),
            description: String::new(),
            types: vec![],
            enabled: true,
            resume_at: None,
        }
    }
}

/// What `POST …/rotate` takes.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = WebhookRotate)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Rotate {
    /// How long the secret before signs too.
    overlap_seconds: Option<i32>,
}

/// `GET /ops/v1/webhooks`: those of the tenant, without secrets.
#[utoipa::path(get, path = "/webhooks", responses((status = 200, body = WebhooksForm)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let found = webhooks::list(&mut connection, caller.0.tenant, None).await?;
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(Json(json!({ "webhooks": shown })))
}

/// `GET /ops/v1/webhooks/{id}`: a webhook, without its secret.
#[utoipa::path(get, path = "/webhooks/{id}", responses((status = 200, body = WebhookForm, headers(("ETag")))))]
async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let webhook = find(&mut connection, caller.0.tenant, &id).await?;
    Ok(answer(&webhook))
}

/// `POST /ops/v1/webhooks`: create a webhook; 201 with it and its secret, which is never shown again.
#[utoipa::path(post, path = "/webhooks", request_body = Sent, responses((status = 201, body = WebhookForm, headers(("ETag"), ("Location"), ("Cache-Control"))), (status = 409, description = "There are as many as a tenant may have.")))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let wanted = wanted(read_object(body)?, app.reach)?;
    let secret = generate()?;
    let id = Uuid::now_v7();
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    // One operator at a time, so that they are counted right.
    settings::lock(&mut tx, tenant).await?;
    if webhooks::list(&mut tx, tenant, None).await?.len() >= MOST {
        let detail = format!("there are {MOST} webhooks already, as many as a tenant may have");
        return Err(Failure::new(StatusCode::CONFLICT, detail).into());
    }
    webhooks::insert(&mut tx, tenant, id, &wanted, &secret).await?;
    let webhook = find(&mut tx, tenant, &id.to_string()).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, webhook = %id, "a webhook was created");
    let location = [(header::LOCATION, format!("/ops/v1/webhooks/{id}"))];
    Ok((StatusCode::CREATED, location, reveal(&webhook, &secret)).into_response())
}

/// `PATCH /ops/v1/webhooks/{id}`: a JSON merge patch, such as `{"enabled": false}`. One that is enabled again goes on
/// where it stopped; with `"resumeAt": "latest"`, from now on.
#[utoipa::path(patch, path = "/webhooks/{id}", params(IfMatch), request_body = Sent, responses((status = 200, body = WebhookForm, headers(("ETag"))), (status = 409, description = "What happened since it stopped can no longer be told: it takes `resumeAt`."), (status = 412)))]
async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let webhook = changeable(&mut tx, tenant, &id, &headers).await?;
    let sent: Sent = read_object(merged(attributes(&webhook.wanted), body))?;
    let resumes = sent.resume_at.is_some();
    let wanted = wanted(sent, app.reach)?;
    if wanted.enabled && !webhook.wanted.enabled && !webhook.kept && !resumes {
        return Err(Failure::new(StatusCode::CONFLICT, LOST).into());
    }
    webhooks::update(&mut tx, tenant, webhook.id, &wanted).await?;
    if resumes {
        webhooks::place::resume(&mut tx, tenant, webhook.id).await?;
    }
    let webhook = find(&mut tx, tenant, &id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, webhook = %webhook.id, enabled = wanted.enabled, resumes, "a webhook was changed");
    Ok(answer(&webhook))
}

/// `DELETE /ops/v1/webhooks/{id}`: delete a webhook; 204. What was not delivered is gone with it.
#[utoipa::path(delete, path = "/webhooks/{id}", params(IfMatch), responses((status = 204), (status = 412)))]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let webhook = changeable(&mut tx, tenant, &id, &headers).await?;
    webhooks::delete(&mut tx, tenant, webhook.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, webhook = %webhook.id, "a webhook was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /ops/v1/webhooks/{id}/rotate`: the webhook with a new secret, which is never shown again. The
/// old one signs beside it until the overlap is over.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", params(IfMatch), request_body = Rotate, responses((status = 200, body = WebhookForm, headers(("ETag"), ("Cache-Control"))), (status = 412)))]
async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(asked): JsonBody<Rotate>,
) -> Result<Response, Problem> {
    let overlap = asked.overlap_seconds.unwrap_or(USUAL_OVERLAP_SECONDS);
    if !(0..=LONGEST_OVERLAP_SECONDS).contains(&overlap) {
        let detail = format!("overlapSeconds must be 0 to {LONGEST_OVERLAP_SECONDS}");
        return Err(bad_request(detail).into());
    }
    let tenant = caller.0.tenant;
    let secret = generate()?;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let webhook = changeable(&mut tx, tenant, &id, &headers).await?;
    webhooks::rotate(&mut tx, tenant, webhook.id, &secret, overlap).await?;
    let webhook = find(&mut tx, tenant, &id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, webhook = %webhook.id, "a webhook's secret was replaced");
    Ok(reveal(&webhook, &secret))
}

/// The webhook, locked, if it is there in the version that the request wants.
async fn changeable(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: &str,
    headers: &HeaderMap,
) -> Result<Webhook, Problem> {
    webhooks::lock(conn, tenant, id.parse().map_err(|_| not_found())?).await?;
    let webhook = find(conn, tenant, id).await?;
    preconditions::check(headers, Some(webhook.version))?;
    Ok(webhook)
}

async fn find(conn: &mut PgConnection, tenant: TenantId, id: &str) -> Result<Webhook, Problem> {
    let id = id.parse().map_err(|_| not_found())?;
    let found = webhooks::find(conn, tenant, id).await?;
    Ok(found.ok_or_else(not_found)?)
}

/// What was sent, if it makes sense.
fn wanted(sent: Sent, reach: Reach) -> Result<Wanted, Failure> {
    let url = Target::parse(&sent.url, reach).map_err(|error| bad_request(format!("url {error}")))?;
    let description = sent.description.trim();
    if description.chars().count() > LONGEST_DESCRIPTION || description.contains(char::is_control) {
        let detail = format!("description must be a text of at most {LONGEST_DESCRIPTION} characters");
        return Err(bad_request(detail));
    }
    let types: BTreeSet<String> = sent.types.into_iter().collect();
    if !types.iter().all(|name| Event::TYPES.contains(&name.as_str())) {
        return Err(bad_request(format!(
            "types must be of {}",
            Event::TYPES.join(", ")
        )));
    }
    Ok(Wanted {
        url: url.as_str().to_owned(),
        description: description.to_owned(),
        types: types.into_iter().collect(),
        enabled: sent.enabled,
    })
}

/// A webhook as it would be sent.
fn attributes(wanted: &Wanted) -> Map<String, Value> {
    let sent = Sent {
        url: wanted.url.clone(),
        description: wanted.description.clone(),
        types: wanted.types.clone(),
        enabled: wanted.enabled,
        resume_at: None,
    };
    match json!(sent) {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    }
}

fn generate() -> Result<[u8; SECRET_BYTES], Failure> {
    let mut secret = [0; SECRET_BYTES];
    rand::rngs::OsRng.try_fill_bytes(&mut secret).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the system has no randomness to give");
        Failure::internal()
    })?;
    Ok(secret)
}

fn answer(webhook: &Webhook) -> Response {
    let tag = [(header::ETAG, etag(webhook.version))];
    (tag, Json(shown(webhook))).into_response()
}

/// The webhook with its secret, in the form of Standard Webhooks.
fn reveal(webhook: &Webhook, secret: &[u8]) -> Response {
    let mut body = shown(webhook);
    body["secret"] = format!("whsec_{}", BASE64_STANDARD.encode(secret)).into();
    // It must not stay in anybody's cache.
    let headers = [
        (header::ETAG, etag(webhook.version)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Json(body)).into_response()
}

/// A webhook as clients see it.
fn shown(webhook: &Webhook) -> Value {
    let wanted = &webhook.wanted;
    json!({
        "id": webhook.id,
        "url": wanted.url,
        "description": wanted.description,
        "types": wanted.types,
        "enabled": wanted.enabled,
        "disabledReason": webhook.disabled_reason,
        "kept": webhook.kept,
        "resumedAt": webhook.resumed_at,
        "createdAt": webhook.created_at,
        "modifiedAt": webhook.modified_at,
        "oldSecretEndsAt": webhook.old_secret_ends,
        "lastDeliveredAt": webhook.delivered_at,
        "failingSince": webhook.failing_since,
        "pending": webhook.pending,
        "deadLetters": webhook.dead,
        "version": etag(webhook.version),
    })
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such webhook")
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}
