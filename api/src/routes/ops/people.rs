use super::history::as_of;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::store::people::{self, Brief};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /ops/v1/people?q=`: people by the beginning of a login, e-mail address, externalId or
/// employee number, or by a part of their name.
pub(super) async fn search(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let needed = || {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "q is needed: a login, e-mail address, externalId, employee number or name",
        )
    };
    let folded = fold(asked.text("q").ok_or_else(needed)?);
    let count = asked.count(20, 100)?;
    // What no text in Postgres can hold, nobody is called.
    let found: Vec<Brief> = match folded.contains('\0') {
        true => vec![],
        false => {
            let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
            people::search(&mut connection, caller.0.tenant, &folded, count).await?
        }
    };
    Ok(Json(json!({ "people": found })))
}

/// `GET /ops/v1/people/{id}`: a person's fields, by directory or SCIM id; with `at`, as of a time.
pub(super) async fn person(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let at = asked.time("at")?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?;
    if let Some(at) = at {
        drop(connection);
        return Ok(Json(as_of(&app, tenant, id, at).await?));
    }
    let pending = people::pending(&mut connection, tenant, id).await?;
    let person = people::person(&mut connection, tenant, id).await?;
    Ok(Json(
        json!({ "id": id, "person": person, "pendingChanges": pending }),
    ))
}

/// The person a path names, by directory or SCIM id.
///
/// # Errors
/// 404 when the tenant has none.
pub(super) async fn find(connection: &mut PgConnection, tenant: TenantId, id: &str) -> Result<Uuid, Failure> {
    let found = match Uuid::try_parse(id) {
        Ok(id) => people::find(connection, tenant, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "there is no such person"))
}

/// What a membership comes from, as it is shown: the attribute, or that a group names a member.
pub(super) fn by(source: &str) -> &str {
    match source.starts_with("member:") {
        true => "member",
        false => source,
    }
}
