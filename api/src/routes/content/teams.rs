use super::answer::answer;
use super::pages::{MOST, Pages, USUAL};
use super::shown::brief;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
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

/// `GET /content/v1/teams`: teams, by `kind` and a part of their `name`.
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
