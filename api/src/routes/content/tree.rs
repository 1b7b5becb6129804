//! The reporting tree around a person.

use super::answer::answer;
use super::pages::{MOST, Pages, USUAL};
use super::person::find;
use super::shown::brief;
use crate::error::Problem;
use crate::extract::{Asked, Caller};
use crate::openapi::{Limit, described};
use crate::state::App;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rollcall_shared::store::content::{self, Below};
use rollcall_shared::store::{self, people};
use serde_json::{Value, json};
use uuid::Uuid;

/// Managers of managers at most.
const MOST_ABOVE: i32 = 100;
/// Levels of reports at most.
const MOST_DEPTH: i64 = 100;
/// People below somebody at most; what is more is left to a deeper root.
const MOST_BELOW: usize = 100_000;

described!(
    /// Who is above somebody.
    AboveForm, {
        "id": "uuid",
        "managers": [{
            "id": "uuid",
            "scimId": "uuid",
            "active": "boolean",
            "login": "string?",
            "email": "string?",
            "displayName": "string?",
            "depth": "integer: 1 is the manager",
        }],
        "cycle": "boolean: the chain leads back to somebody in it",
    }
);
described!(
    /// A page of who is below somebody.
    BelowForm, {
        "id": "uuid",
        "depth": "integer: levels asked for",
        "counts": ["integer", "How many there are on each level."],
        "truncated": "boolean: there are more people below than are looked at",
        "reports": [{
            "id": "uuid",
            "scimId": "uuid",
            "active": "boolean",
            "login": "string?",
            "email": "string?",
            "displayName": "string?",
            "depth": "integer: 1 reports to them",
            "managerId": "uuid",
        }],
        "nextCursor": "string?",
    }
);

/// `GET /content/v1/people/{key}/managers`: the manager, theirs, and so on to the top.
#[utoipa::path(get, path = "/people/{key}/managers", params(("by" = Option<String>, Query, description = "Which kind of key it is: `id`, `externalId`, `login`, `email` or `employeeNumber`."), ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = AboveForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control"))), (status = 409, description = "Several people have this key; `errors` names them.")))]
pub(super) async fn managers(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(key): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&["by"], None)?;
    let mut snapshot = store::snapshot(&app.searches).await?;
    let id = find(&mut snapshot, tenant, &key, &asked).await?;
    let above = content::above(&mut snapshot, tenant, id, MOST_ABOVE).await?;
    let managers: Vec<Value> = above
        .chain
        .iter()
        .zip(1..)
        .map(|(person, depth)| {
            let mut shown = brief(person);
            shown["depth"] = json!(depth);
            shown
        })
        .collect();
    Ok(answer(
        &headers,
        &json!({ "id": id, "managers": managers, "cycle": above.cycle }),
    ))
}

/// `GET /content/v1/people/{key}/reports`: who reports to them, and with `depth` to those, level by level.
#[utoipa::path(get, path = "/people/{key}/reports", params(("by" = Option<String>, Query, description = "Which kind of key it is: `id`, `externalId`, `login`, `email` or `employeeNumber`."), ("depth" = Option<i64>, Query, description = "Levels: 1 unless told, at most 100."), Limit, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = BelowForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control"))), (status = 409, description = "Several people have this key; `errors` names them.")))]
pub(super) async fn reports(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(key): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&["by", "depth", "cursor", "limit"], None)?;
    let depth = asked.number("depth")?.unwrap_or(1).clamp(1, MOST_DEPTH);
    let limit = asked.limit(USUAL, MOST)?;
    // The seal may have to be made, which a snapshot cannot.
    let mut connection = app.searches.acquire().await.map_err(store::StoreError::from)?;
    let path = format!("/people/{key}/reports");
    let pages = Pages::of(&app, &mut connection, tenant, &path, &asked).await?;
    drop(connection);
    let after: Option<(i64, Uuid)> = pages.open(&asked)?;

    let mut snapshot = store::snapshot(&app.searches).await?;
    let id = find(&mut snapshot, tenant, &key, &asked).await?;
    let tree = content::below(&mut snapshot, tenant, id, depth, MOST_BELOW).await?;
    let mut counts: Vec<u64> = vec![];
    for level in tree.people.chunk_by(|a, b| a.depth == b.depth) {
        counts.push(level.len() as u64);
    }
    let place = |below: &Below| (below.depth, below.id);
    let rest = tree
        .people
        .iter()
        .filter(|below| after.is_none_or(|after| place(below) > after));
    let mut page: Vec<&Below> = rest
        .take(usize::try_from(limit + 1).unwrap_or(usize::MAX))
        .collect();
    let more = i64::try_from(page.len()).is_ok_and(|read| read > limit);
    if more {
        page.pop();
    }
    let next = pages.close(page.last().filter(|_| more).map(|below| place(below)).as_ref());
    let ids: Vec<Uuid> = page.iter().map(|below| below.id).collect();
    let mut people = people::briefs(&mut snapshot, tenant, &ids).await?;
    let reports: Vec<Value> = page
        .into_iter()
        .filter_map(|below| {
            let mut shown = brief(&people.remove(&below.id)?);
            shown["depth"] = json!(below.depth);
            shown["managerId"] = json!(below.manager);
            Some(shown)
        })
        .collect();
    Ok(answer(
        &headers,
        &json!({
            "id": id,
            "depth": depth,
            "counts": counts,
            "truncated": tree.truncated,
            "reports": reports,
            "nextCursor": next,
        }),
    ))
}
