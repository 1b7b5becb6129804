use super::answer::{answer, modified};
use super::shown::{ColleagueForm, Parts};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::state::App;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rollcall_shared::directory::{KeyAttribute, TenantId};
use rollcall_shared::store::content::{Found, by_key};
use rollcall_shared::store::{PgConnection, StoreError, people};
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /content/v1/people/{key}`: somebody by any key.
#[utoipa::path(get, path = "/people/{key}", params(("by" = Option<String>, Query, description = "Which kind of key it is: `id`, `externalId`, `login`, `email` or `employeeNumber`."), ("fields" = Option<String>, Query, description = "Members of a person to return, separated by commas."), ("include" = Option<String>, Query, description = "`managers`, `teams` and `waiting`, separated by commas."), ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = ColleagueForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control"))), (status = 409, description = "Several people have this key; `errors` names them.")))]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(key): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&["by", "fields", "include"], None)?;
    let parts = Parts::of(&asked)?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &key, &asked).await?;
    let person = people::person(&mut connection, tenant, id)
        .await?
        .ok_or_else(nobody)?;
    let at = person.updated_at;
    let shown = parts.show(&mut connection, tenant, &[person]).await?;
    let response = answer(&headers, shown.first().unwrap_or(&Value::Null));
    Ok(match parts.are_own() {
        true => modified(response, at),
        // Managers and teams come and go without the person's own fields.
        false => response,
    })
}

/// Whom a key means; `by` says which kind of key it is.
///
/// # Errors
/// 404 when nobody is meant, 409 with their ids when several are.
pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    key: &str,
    asked: &Asked,
) -> Result<Uuid, Failure> {
    let by = match asked.text("by") {
        None => None,
        Some("id") => Some(KeyAttribute::Id),
        Some("externalId") => Some(KeyAttribute::ExternalId),
        Some("login" | "userName") => Some(KeyAttribute::UserName),
        Some("email") => Some(KeyAttribute::PrimaryEmail),
        Some("employeeNumber") => Some(KeyAttribute::EmployeeNumber),
        Some(_) => {
            let detail = "by may be id, externalId, login, email or employeeNumber";
            return Err(Failure::new(StatusCode::BAD_REQUEST, detail));
        }
    };
    match by_key(connection, tenant, key, by).await? {
        Found::Person(id) => Ok(id),
        Found::Nobody => Err(nobody()),
        Found::Several(people) => {
            let detail = "several people have this key: ask for one of the ids in errors";
            let people = people.iter().map(|id| json!({ "personId": id })).collect();
            Err(Failure::new(StatusCode::CONFLICT, detail).with_errors(people))
        }
    }
}

fn nobody() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "there is no such person; who was accepted is here once applied",
    )
}
