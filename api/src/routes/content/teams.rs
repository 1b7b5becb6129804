use super::answer::answer;
use super::pages::{MOST, Pages, USUAL};
use super::shown::brief;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{Limit, described};
use crate::state::App;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::content;
use rollcall_shared::store::teams::{self, Team, Wanted};
use rollcall_shared::store::{PgConnection, StoreError, explain};
use serde_json::{Value, json};
use uuid::Uuid;

described!(
    /// A team as the directory shows it.
    DirectoryTeamForm, {
        "id": "uuid",
        "scimId": "uuid?: of the SCIM Group",
        "kind": "string: group, or what the mapping calls it",
        "name": "string",
        "externalId": "string?",
        "members": "integer",
        "createdAt": "time",
        "updatedAt": "time",
    }
);
described!(
    /// A page of teams.
    DirectoryTeamsForm, { "teams": [of::<DirectoryTeamForm>()], "nextCursor": "string?" }
);
described!(
    /// A page of a team's members.
    DirectoryMembersForm, {
        "id": "uuid",
        "members": [{
            "id": "uuid",
            "scimId": "uuid",
            "active": "boolean",
            "login": "string?",
            "email": "string?",
            "displayName": "string?",
            "since": "time",
        }],
        "nextCursor": "string?",
    }
);

/// `GET /content/v1/teams`: teams, by `kind` and a part of their `name`.
#[utoipa::path(get, path = "/teams", params(("kind" = Option<String>, Query, description = "Of this kind."), ("name" = Option<String>, Query, description = "A part of the name."), Limit, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = DirectoryTeamsForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control")))))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&["kind", "name", "cursor", "limit"], None)?;
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let pages = Pages::of(&app, &mut connection, tenant, "/teams", &asked).await?;
    let part = asked.text("name").map(str::to_lowercase);
    let wanted = Wanted {
        kind: asked.text("kind"),
        part: part.as_deref(),
        deleted: false,
        after: pages.open(&asked)?,
        limit: asked.limit(USUAL, MOST)?,
    };
    let found = teams::list(&mut connection, tenant, &wanted).await?;
    let last = found.last().map(|team| team.id);
    let next = pages.close(
        last.filter(|_| i64::try_from(found.len()) == Ok(wanted.limit))
            .as_ref(),
    );
    let shown: Vec<Value> = found.iter().map(shown).collect();
    Ok(answer(&headers, &json!({ "teams": shown, "nextCursor": next })))
}

/// `GET /content/v1/teams/{id}`: a team, by directory or SCIM id.
#[utoipa::path(get, path = "/teams/{id}", params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = DirectoryTeamForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control")))))]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.only(&[], None)?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let team = find(&mut connection, caller.0.tenant, &id).await?;
    Ok(answer(&headers, &shown(&team)))
}

/// `GET /content/v1/teams/{id}/members`: who is in it; with `nested=true`, who is in a part of it too.
#[utoipa::path(get, path = "/teams/{id}/members", params(("nested" = Option<bool>, Query, description = "Members of its parts too."), Limit, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = DirectoryMembersForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control")))))]
pub(super) async fn members(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&["nested", "cursor", "limit"], None)?;
    let nested = asked.truth("nested")?.unwrap_or(false);
    let limit = asked.limit(USUAL, MOST)?;
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let path = format!("/teams/{id}/members");
    let pages = Pages::of(&app, &mut connection, tenant, &path, &asked).await?;
    let after: Option<Uuid> = pages.open(&asked)?;
    let team = find(&mut connection, tenant, &id).await?;
    let (found, next) = content::members(&mut connection, tenant, team.id, nested, after, limit).await?;
    let members: Vec<Value> = found
        .iter()
        .map(|member| {
            let mut shown = brief(&member.person);
            shown["since"] = json!(member.since);
            shown
        })
        .collect();
    let next = pages.close(next.as_ref());
    Ok(answer(
        &headers,
        &json!({ "id": team.id, "members": members, "nextCursor": next }),
    ))
}

async fn find(connection: &mut PgConnection, tenant: TenantId, id: &str) -> Result<Team, Failure> {
    let no_team = || Failure::new(StatusCode::NOT_FOUND, "there is no such team");
    let id = Uuid::try_parse(id).map_err(|_| no_team())?;
    let found = explain::team(connection, tenant, id).await?.ok_or_else(no_team)?;
    let team = teams::team(connection, tenant, found.id).await?;
    team.filter(|team| !team.deleted).ok_or_else(no_team)
}

fn shown(team: &Team) -> Value {
    json!({
        "id": team.id,
        "scimId": team.resource_id,
        "kind": team.kind,
        "name": team.name,
        "externalId": team.external_id,
        "members": team.members,
        "createdAt": team.created_at,
        "updatedAt": team.updated_at,
    })
}
