//! Teams and who is in them.

use super::history::{self, HistoryForm, Of};
use super::nesting::{find, no_team};
use super::people::{PersonBriefForm, by};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{HistoryWindow, Limit, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::teams::{self, Member, Team, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Teams or members in a page when the client does not say, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

described!(
    /// As much of a team as tells which it is.
    TeamBriefForm, {
        "id": "uuid",
        "kind": "string",
        "name": "string",
        "resourceId": "uuid?: of the SCIM Group",
        "deleted": "boolean",
    }
);
described!(
    /// A team.
    TeamForm, {
        "id": "uuid",
        "kind": "string: group, or what the mapping calls it",
        "name": "string",
        "externalId": "string?",
        "resourceId": "uuid?: of the SCIM Group",
        "deleted": "boolean",
        "members": "integer",
        "createdAt": "time",
        "updatedAt": "time",
    }
);
described!(
    /// A page of teams.
    TeamsForm, { "teams": [of::<TeamForm>()], "nextCursor": "uuid?" }
);
described!(
    /// A page of a team's members.
    MembersForm, {
        "id": "uuid",
        "members": [{
            "person": of::<PersonBriefForm>(),
            "by": ["string: the rules or attributes that say so"],
            "since": "time",
        }],
        "nextCursor": "uuid?",
    }
);

/// `GET /ops/v1/teams`: teams, by `kind` and a part `q` of their name; with `deleted=true`, those of deleted
/// groups too.
#[utoipa::path(
    get,
    path = "/teams",
    params(
        ("q" = Option<String>, Query, description = "A part of the name."),
        ("kind" = Option<String>, Query, description = "Such as `group` or `department`."),
        ("deleted" = Option<bool>, Query, description = "Those of deleted groups too."),
        Limit
    ),
    responses((status = 200, body = TeamsForm))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let part = asked.text("q").map(str::to_lowercase);
    let deleted = match asked.text("deleted") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(Failure::new(StatusCode::BAD_REQUEST, "deleted must be true or false").into());
        }
    };
    let wanted = Wanted {
        kind: asked.text("kind"),
        part: part.as_deref(),
        deleted,
        after: asked.id("cursor")?,
        limit: asked.limit(USUAL, MOST)?,
    };
    // What no text in Postgres can hold, no team is called.
    let nothing = [wanted.kind, wanted.part]
        .into_iter()
        .flatten()
        .any(|text| text.contains('\0'));
    let found: Vec<Team> = match nothing {
        true => vec![],
        false => {
            let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
            teams::list(&mut connection, caller.0.tenant, &wanted).await?
        }
    };
    let next = next(&found, wanted.limit, |team| team.id);
    Ok(Json(json!({ "teams": found, "nextCursor": next })))
}

/// `GET /ops/v1/teams/{id}`: a team, by directory or SCIM id.
#[utoipa::path(get, path = "/teams/{id}", responses((status = 200, body = TeamForm)))]
pub(crate) async fn team(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Team>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?.id;
    let team = teams::team(&mut connection, tenant, id).await?;
    Ok(Json(team.ok_or_else(no_team)?))
}

/// `GET /ops/v1/teams/{id}/members`: who is in it, and by what.
#[utoipa::path(
    get,
    path = "/teams/{id}/members",
    params(Limit),
    responses((status = 200, body = MembersForm))
)]
pub(crate) async fn members(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let (after, limit) = (asked.id("cursor")?, asked.limit(USUAL, MOST)?);
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let team = find(&mut connection, tenant, &id).await?;
    let found = teams::members(&mut connection, tenant, team.id, after, limit).await?;
    let next = next(&found, limit, |member| member.person.id);
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(Json(
        json!({ "id": team.id, "members": shown, "nextCursor": next }),
    ))
}

/// `GET /ops/v1/teams/{id}/history`: what became of it, and who joined and left a group; the newest first.
#[utoipa::path(
    get,
    path = "/teams/{id}/history",
    params(HistoryWindow),
    responses((status = 200, body = HistoryForm))
)]
pub(crate) async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let team = find(&mut connection, tenant, &id).await?;
    Ok(Json(
        history::page(&mut connection, tenant, Of::Team, team.id, &asked).await?,
    ))
}

fn next<T>(found: &[T], limit: i64, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
    let last = found.last().filter(|_| i64::try_from(found.len()) == Ok(limit));
    last.map(id)
}

fn shown(member: &Member) -> Value {
    let by: BTreeSet<&str> = member.sources.iter().map(|source| by(source)).collect();
    json!({ "person": member.person, "by": by, "since": member.since })
}
