use crate::auth::{Scope, Secret};
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::tokens::{self, NewToken, TokenRow};
use rollcall_shared::store::{PgConnection, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest name of a token or a tenant, and source, in characters.
const LONGEST: usize = 100;
/// Longest time a token may be valid, in days.
const LONGEST_DAYS: i32 = 3_650;
/// Longest time a token and its successor may both be valid: 90 days.
const LONGEST_OVERLAP_SECONDS: i32 = 90 * 86_400;

/// What `POST /ops/v1/tokens` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Create {
    /// To tell it from others.
    pub(crate) name: String,
    /// `scim`, `content` or `operator`.
    pub(crate) scope: String,
    /// Namespace of the externalIds written with it.
    #[serde(default = "usual_source")]
    pub(crate) source: String,
    /// Read its requests as the RFCs say, without tolerance.
    #[serde(default)]
    pub(crate) strict: bool,
    pub(crate) expires_in_days: Option<i32>,
}

fn usual_source() -> String {
    "default".to_owned()
}

/// What `POST /ops/v1/tokens/{id}/rotate` takes.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = TokenRotation)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Rotate {
    /// How long the old one stays valid beside the new one; a day when left out.
    pub(crate) overlap_seconds: Option<i32>,
    /// Of the new one; when left out, as long as the old one was made for.
    pub(crate) expires_in_days: Option<i32>,
}

described!(
    /// A token, without its secret.
    TokenForm, {
        "id": "uuid",
        "name": "string",
        "scope": "scim|content|operator",
        "source": "string: namespace of the externalIds written with it",
        "strict": "boolean: its requests are read as the RFCs say, without tolerance",
        "prefix": "string: how its secret begins",
        "createdAt": "time",
        "expiresAt": "time?",
        "lastUsedAt": "time?",
        "revokedAt": "time?",
        "secret?": "string: of a new token; never shown again",
    }
);
described!(
    /// The tenant's tokens.
    TokensForm, { "tokens": [of::<TokenForm>()] }
);

/// `GET /ops/v1/tokens`: the tokens of the tenant, without secrets.
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = TokensForm)))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    Ok(all(&mut connection, caller.0.tenant).await?)
}

/// Every token of the tenant.
pub(super) async fn all(connection: &mut PgConnection, tenant: TenantId) -> Result<Json<Value>, StoreError> {
    let rows = tokens::list(connection, tenant).await?;
    let shown: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(json!({ "tokens": shown })))
}

/// `POST /ops/v1/tokens`: create a token; 201 with the new token and its secret, which is never shown again.
#[utoipa::path(
    post,
    path = "/tokens",
    request_body = Create,
    responses((status = 201, body = TokenForm, headers(("Cache-Control"))))
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Create>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(asked) = body.map_err(|rejection| bad_request(rejection.body_text()))?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let (row, secret) = make(&mut connection, caller.0.tenant, &asked).await?;
    Ok(created(&row, &secret))
}

/// Make a token as asked for.
///
/// # Errors
/// 400 naming what it cannot be made with.
pub(crate) async fn make(
    connection: &mut PgConnection,
    tenant: TenantId,
    asked: &Create,
) -> Result<(TokenRow, Secret), Failure> {
    let scope = Scope::of_a_tenant(&asked.scope)
        .ok_or_else(|| bad_request("scope must be scim, content or operator"))?;
    check_name("name", &asked.name)?;
    check_name("source", &asked.source)?;
    check_days(asked.expires_in_days)?;
    let secret = generate(scope)?;
    let token = NewToken {
        name: asked.name.trim(),
        scope: scope.name(),
        source: asked.source.trim(),
        strict: asked.strict,
        secret_hash: &secret.hash(),
        prefix: secret.prefix(),
        valid_days: asked.expires_in_days,
    };
    let row = tokens::create(connection, tenant, &token).await?;
    Ok((row, secret))
}

/// `POST /ops/v1/tokens/{id}/rotate`: replace a token; 201 with a successor of the same name, scope, source and
/// reading; the old one ends when the overlap is over.
#[utoipa::path(
    post,
    path = "/tokens/{id}/rotate",
    request_body = Option<Rotate>,
    responses((status = 201, body = TokenForm, headers(("Cache-Control"))))
)]
pub(super) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Option<Json<Rotate>>, JsonRejection>,
) -> Result<Response, Problem> {
    let asked = body
        .map_err(|rejection| bad_request(rejection.body_text()))?
        .map(|Json(asked)| asked)
        .unwrap_or_default();
    let (row, secret) = succeed(&app, &caller, &id, asked).await?;
    Ok(created(&row, &secret))
}

/// A successor of a token.
///
/// # Errors
/// 404 when there is no such token that is still valid, 400 naming what it cannot be made with.
pub(crate) async fn succeed(
    app: &App,
    caller: &Caller,
    id: &str,
    asked: Rotate,
) -> Result<(TokenRow, Secret), Failure> {
    check_days(asked.expires_in_days)?;
    let overlap = asked.overlap_seconds.unwrap_or(86_400);
    if !(0..=LONGEST_OVERLAP_SECONDS).contains(&overlap) {
        return Err(bad_request(format!(
            "overlapSeconds must be 0 to {LONGEST_OVERLAP_SECONDS}"
        )));
    }
    let tenant = caller.0.tenant;
    let id: Uuid = id.parse().map_err(|_| not_found())?;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let old = tokens::end_in(&mut tx, tenant, id, overlap)
        .await?
        .ok_or_else(not_found)?;
    let scope = Scope::from_name(&old.scope).ok_or_else(not_found)?;
    let secret = generate(scope)?;
    let token = NewToken {
        name: &old.name,
        scope: &old.scope,
        source: &old.source,
        strict: old.strict,
        secret_hash: &secret.hash(),
        prefix: secret.prefix(),
        valid_days: asked.expires_in_days.or(old.valid_days),
    };
    let row = tokens::create(&mut tx, tenant, &token).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok((row, secret))
}

/// `DELETE /ops/v1/tokens/{id}`: revoke a token, everywhere within 5 seconds. Revoking twice is no error.
#[utoipa::path(delete, path = "/tokens/{id}", responses((status = 204)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    Ok(end(&mut connection, caller.0.tenant, &id).await?)
}

/// Revoke a token of the tenant; 204.
pub(super) async fn end(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: &str,
) -> Result<StatusCode, Failure> {
    let id: Uuid = id.parse().map_err(|_| not_found())?;
    match tokens::revoke_of(connection, tenant, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found()),
    }
}

fn generate(scope: Scope) -> Result<Secret, Failure> {
    Secret::generate(scope).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the system has no randomness to give");
        Failure::internal()
    })
}

/// # Errors
/// 400 naming the member when the text is nothing to call anybody by.
pub(super) fn check_name(member: &str, text: &str) -> Result<(), Failure> {
    let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST;
    match fits && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(bad_request(format!(
            "{member} must have 1 to {LONGEST} printable characters"
        ))),
    }
}

fn check_days(days: Option<i32>) -> Result<(), Failure> {
    match days {
        Some(days) if !(1..=LONGEST_DAYS).contains(&days) => {
            Err(bad_request(format!("expiresInDays must be 1 to {LONGEST_DAYS}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn created(row: &TokenRow, secret: &Secret) -> Response {
    let mut body = shown(row);
    body["secret"] = secret.reveal().into();
    // The secret must not stay in anybody's cache.
    (
        StatusCode::CREATED,
        [(header::CACHE_CONTROL, "no-store")],
        Json(body),
    )
        .into_response()
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such token")
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}

/// A token as clients see it.
pub(crate) fn shown(row: &TokenRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "scope": row.scope,
        "source": row.source,
        "strict": row.strict,
        "prefix": row.prefix,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
        "lastUsedAt": row.last_used_at,
        "revokedAt": row.revoked_at,
    })
}
