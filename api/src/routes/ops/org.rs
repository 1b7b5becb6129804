//! The reporting tree, now or at any time.

use super::history::told_at;
use super::people;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{At, Limit, described};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::store;
use rollcall_shared::store::history::{self, Report};
use serde_json::{Value, json};

/// People in a page of everybody when the client does not say, and at most.
const USUAL: i64 = 500;
const MOST: i64 = 2_000;
/// Levels below a root when the client does not say, and at most.
const USUAL_DEPTH: i64 = 2;
const MOST_DEPTH: i64 = 100;
/// People of a tree at most; what is more is left to a deeper root.
const MOST_BELOW: usize = 10_000;

described!(
    /// The reporting tree: everybody in pages, or the people below a root.
    OrgForm, {
        "at": "time",
        "root?": "uuid",
        "depth?": "integer",
        "above?": [{
            "id": "uuid",
            "displayName": "string?",
            "login": "string?",
            "status": "string?",
            "managerId": "uuid?",
        }, "who is above the root"],
        "people": [{
            "id": "uuid",
            "displayName": "string?",
            "login": "string?",
            "status": "string?",
            "managerId": "uuid?",
            "depth?": "integer: below the root",
        }],
        "truncated?": "boolean: there are more than a tree shows; ask for a deeper root",
        "nextCursor?": "uuid?",
    }
);

/// `GET /ops/v1/org`: everybody with their manager, in pages; with `root`, the people below somebody, level
/// by level. With `at`, as of a time.
#[utoipa::path(
    get,
    path = "/org",
    params(
        At,
        Limit,
        ("root" = Option<String>, Query, description = "A person by directory or SCIM id: those below them."),
        ("depth" = Option<i64>, Query, description = "Levels below the root: 2 unless told, at most 100.")
    ),
    responses(
        (status = 200, body = OrgForm),
        (status = 404, description = "The root is nobody, or was nobody at that time."),
        (status = 410, description = "What happened since that time is not kept any more.")
    )
)]
pub(crate) async fn org(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let at = asked.time("at")?;
    let depth = asked.number("depth")?.map(|depth| depth.clamp(0, MOST_DEPTH));
    let (limit, cursor) = (asked.limit(USUAL, MOST)?, asked.id("cursor")?);
    let root = asked.text("root");
    if root.is_none() && depth.is_some() {
        let detail = "depth counts from a root: root is missing";
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail).into());
    }
    let mut snapshot = store::snapshot(&app.searches).await?;
    let at = match at {
        Some(at) => {
            told_at(&mut snapshot, tenant, at).await?;
            at
        }
        None => history::now(&mut snapshot).await?,
    };
    let Some(root) = root else {
        let (people, next) = history::everybody(&mut snapshot, tenant, at, cursor, limit).await?;
        let people: Vec<Value> = people.iter().map(shown).collect();
        return Ok(Json(json!({ "at": at, "people": people, "nextCursor": next })));
    };
    let root = people::find(&mut snapshot, tenant, root).await?;
    let depth = depth.unwrap_or(USUAL_DEPTH);
    let (tree, truncated) = history::below(&mut snapshot, tenant, at, root, depth, MOST_BELOW).await?;
    if tree.is_empty() {
        let detail = "root was no part of the company at that time";
        return Err(Failure::new(StatusCode::NOT_FOUND, detail).into());
    }
    let above = match tree.first().and_then(|report| report.person.manager) {
        Some(manager) => history::above(&mut snapshot, tenant, at, root, manager).await?,
        None => vec![],
    };
    let above: Vec<Value> = above.iter().map(shown).collect();
    let people: Vec<Value> = tree
        .iter()
        .map(|report| {
            let mut person = shown(report);
            person["depth"] = json!(report.depth);
            person
        })
        .collect();
    Ok(Json(json!({
        "at": at,
        "root": root,
        "depth": depth,
        "above": above,
        "people": people,
        "truncated": truncated,
    })))
}

fn shown(report: &Report) -> Value {
    json!({
        "id": report.id,
        "displayName": report.person.name,
        "login": report.person.login,
        "status": report.person.status,
        "managerId": report.person.manager,
    })
}
