use super::tokens::{self, Create, TokenForm, TokensForm, check_name};
use crate::auth::{Scope, Token};
use crate::error::{Failure, Problem};
use crate::extract::{Admin, Asked, Caller, JsonBody};
use crate::openapi::{Cursor, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::tenants::{self, INSTANCE, NameTaken, Tenant};
use rollcall_shared::store::{PgConnection, PooledConnection, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

described!(
    /// A tenant, and how much there is of it.
    TenantForm, {
        "id": "integer",
        "name": "string",
        "createdAt": "time",
        "suspendedAt": "time?: its tokens read and change nothing since",
        "people": "integer: in its directory; deprovisioned ones do not count",
        "pending": "integer: changes accepted and not yet applied, counted per key",
        "waiting": "integer: links whose target is not there yet",
    }
);
described!(
    /// Tenants.
    TenantsForm, { "tenants": [of::<TenantForm>()], "nextCursor": "string?" }
);

/// What a tenant is called.
#[derive(Deserialize, ToSchema)]
#[schema(as = TenantName)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    name: String,
}

/// `GET /ops/v1/tenants`: tenants, the oldest first; all for an admin, for an operator their own.
/// `cursor` is the `nextCursor` of the page before.
#[utoipa::path(
    get,
    path = "/tenants",
    params(
        ("count" = Option<i64>, Query, description = "Tenants in a page: 100 unless told, at most 1000."),
        Cursor
    ),
    responses((status = 200, body = TenantsForm))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let count = asked.count(100, 1000)?;
    let after = match asked.text("cursor").map(str::parse).transpose() {
        Ok(after) => after.map_or(INSTANCE, TenantId),
        Err(_) => return Err(Failure::new(StatusCode::BAD_REQUEST, "cursor is not one of this list").into()),
    };
    // Counting people takes as long as there are people.
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let found = match caller.0.scope {
        Scope::Admin => tenants::list(&mut connection, after, count).await?,
        _ => Vec::from_iter(tenants::find(&mut connection, caller.0.tenant).await?),
    };
    let full = found.len() as i64 == count && caller.0.scope == Scope::Admin;
    let next = found.last().filter(|_| full).map(|tenant| tenant.id.to_string());
    Ok(Json(json!({ "tenants": found, "nextCursor": next })))
}

/// `POST /ops/v1/tenants`: create a tenant; 201 with a tenant that has nothing yet, and no token.
#[utoipa::path(
    post,
    path = "/tenants",
    request_body = Name,
    security(("adminToken" = [])),
    responses(
        (status = 201, body = TenantForm, headers(("Location"))),
        (status = 409, description = "The name is another tenant's.")
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    _: Admin,
    JsonBody(asked): JsonBody<Name>,
) -> Result<Response, Problem> {
    check_name("name", &asked.name)?;
    let mut connection = connection(&app).await?;
    let id = tenants::create(&mut connection, asked.name.trim())
        .await?
        .ok_or_else(name_taken)?;
    let created = find(&mut connection, id).await?;
    let location = format!("/ops/v1/tenants/{id}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(created)).into_response())
}

/// `GET /ops/v1/tenants/{id}`: a tenant.
#[utoipa::path(get, path = "/tenants/{id}", responses((status = 200, body = TenantForm)))]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Tenant>, Problem> {
    let id = visible(&caller.0, &id)?;
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    Ok(Json(find(&mut connection, id).await?))
}

/// `PATCH /ops/v1/tenants/{id}`: rename a tenant.
#[utoipa::path(
    patch,
    path = "/tenants/{id}",
    request_body = Name,
    security(("adminToken" = [])),
    responses(
        (status = 200, body = TenantForm),
        (status = 409, description = "The name is another tenant's.")
    )
)]
pub(super) async fn rename(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
    JsonBody(asked): JsonBody<Name>,
) -> Result<Json<Tenant>, Problem> {
    check_name("name", &asked.name)?;
    let mut connection = connection(&app).await?;
    let id = existing(&mut connection, &id).await?;
    tenants::rename(&mut connection, id, asked.name.trim())
        .await?
        .map_err(|NameTaken| name_taken())?;
    Ok(Json(find(&mut connection, id).await?))
}

/// `POST /ops/v1/tenants/{id}/suspend`: suspend a tenant; its tokens read and change nothing, everywhere within
/// 5 seconds. What was accepted before is applied.
#[utoipa::path(
    post,
    path = "/tenants/{id}/suspend",
    security(("adminToken" = [])),
    responses((status = 200, body = TenantForm))
)]
pub(super) async fn suspend(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Tenant>, Problem> {
    set_suspended(&app, &id, true).await
}

/// `POST /ops/v1/tenants/{id}/resume`: resume a tenant; its tokens may do again what they are for.
#[utoipa::path(
    post,
    path = "/tenants/{id}/resume",
    security(("adminToken" = [])),
    responses((status = 200, body = TenantForm))
)]
pub(super) async fn resume(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Tenant>, Problem> {
    set_suspended(&app, &id, false).await
}

async fn set_suspended(app: &App, id: &str, suspended: bool) -> Result<Json<Tenant>, Problem> {
    let mut connection = connection(app).await?;
    let id = existing(&mut connection, id).await?;
    tenants::set_suspended(&mut connection, id, suspended).await?;
    Ok(Json(find(&mut connection, id).await?))
}

/// `GET /ops/v1/tenants/{id}/tokens`: the tokens of a tenant; as `GET /ops/v1/tokens` for its operators.
#[utoipa::path(
    get,
    path = "/tenants/{id}/tokens",
    security(("adminToken" = [])),
    responses((status = 200, body = TokensForm))
)]
pub(super) async fn tokens(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let mut connection = connection(&app).await?;
    let id = existing(&mut connection, &id).await?;
    Ok(tokens::all(&mut connection, id).await?)
}

/// `POST /ops/v1/tenants/{id}/tokens`: create a token of a tenant; as `POST /ops/v1/tokens` for its operators,
/// of whom the first needs one.
#[utoipa::path(
    post,
    path = "/tenants/{id}/tokens",
    request_body = Create,
    security(("adminToken" = [])),
    responses((status = 201, body = TokenForm, headers(("Cache-Control"))))
)]
pub(super) async fn create_token(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
    JsonBody(asked): JsonBody<Create>,
) -> Result<Response, Problem> {
    let mut connection = connection(&app).await?;
    let id = existing(&mut connection, &id).await?;
    let (row, secret) = tokens::make(&mut connection, id, &asked).await?;
    Ok(tokens::created(&row, &secret))
}

/// `DELETE /ops/v1/tenants/{id}/tokens/{token}`: revoke a token of a tenant; as `DELETE /ops/v1/tokens/{id}`
/// for its operators.
#[utoipa::path(
    delete,
    path = "/tenants/{id}/tokens/{token}",
    security(("adminToken" = [])),
    responses((status = 204))
)]
pub(super) async fn revoke_token(
    State(app): State<App>,
    _: Admin,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let mut connection = connection(&app).await?;
    let id = existing(&mut connection, &id).await?;
    Ok(tokens::end(&mut connection, id, &token).await?)
}

async fn connection(app: &App) -> Result<PooledConnection, StoreError> {
    Ok(app.pool.acquire().await?)
}

/// The tenant a path names, if the caller may know that it exists.
fn visible(caller: &Token, id: &str) -> Result<TenantId, Failure> {
    let id = TenantId(id.parse().map_err(|_| not_found())?);
    match caller.scope == Scope::Admin || caller.tenant == id {
        true => Ok(id),
        false => Err(not_found()),
    }
}

async fn existing(connection: &mut PgConnection, id: &str) -> Result<TenantId, Failure> {
    let id = TenantId(id.parse().map_err(|_| not_found())?);
    match tenants::exists(connection, id).await? {
        true => Ok(id),
        false => Err(not_found()),
    }
}

async fn find(connection: &mut PgConnection, id: TenantId) -> Result<Tenant, Failure> {
    tenants::find(connection, id).await?.ok_or_else(not_found)
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such tenant")
}

fn name_taken() -> Failure {
    Failure::new(StatusCode::CONFLICT, "name is another tenant's")
}
