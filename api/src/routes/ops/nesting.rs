//! How groups are nested: which teams are part of one, which it is part of, and what it waits for.

use super::links::{AssertedForm, LinkForm, asserted_by, waits, waits_for};
use super::suggest::Suggestions;
use super::teams::TeamBriefForm;
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::explain::{self, Nesting, Side, TeamBrief};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

/// Most nestings of a kind and most waiting links listed of one team.
const MOST: i64 = 1_000;
/// Teams above one that are looked at for a cycle.
const MOST_ABOVE: i64 = 10_000;

described!(
    /// A team that is part of another.
    NestingForm, {
        "team": of::<TeamBriefForm>(),
        "reference": "string?: as asserted",
        "flag": "self|cycle?",
        "since": "time",
        "assertedBy": maybe::<AssertedForm>(),
    }
);
described!(
    /// How a team is nested.
    TeamLinksForm, {
        "id": "uuid",
        "team": of::<TeamBriefForm>(),
        "inCycle": "boolean",
        "parts": [of::<NestingForm>()],
        "partOf": [of::<NestingForm>()],
        "waiting": [of::<LinkForm>()],
    }
);

/// `GET /ops/v1/teams/{id}/links`: the teams that are part of this one, those it is part of, and
/// its members that wait. People who are members are told of by their own links.
#[utoipa::path(get, path = "/teams/{id}/links", responses((status = 200, body = TeamLinksForm)))]
pub(crate) async fn links(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let team = find(&mut connection, tenant, &id).await?;
    let id = team.id;
    let parts = explain::nestings(&mut connection, tenant, id, Side::Parts, MOST).await?;
    let wholes = explain::nestings(&mut connection, tenant, id, Side::Wholes, MOST).await?;
    let above = explain::teams_above(&mut connection, tenant, id, MOST_ABOVE).await?;
    let waiting = explain::waiting_members(&mut connection, tenant, id, MOST).await?;
    let asked: Vec<_> = waiting.iter().map(waits_for).collect();
    let suggestions = Suggestions::load(&mut connection, tenant, &asked).await?;
    let waiting: Vec<Value> = waiting.iter().map(|link| waits(link, id, &suggestions)).collect();
    Ok(Json(json!({
        "id": id,
        "team": team,
        "inCycle": above.contains(&id),
        "parts": parts.iter().map(|part| nesting(part, flag(part, id, &above))).collect::<Vec<_>>(),
        "partOf": wholes.iter().map(|whole| nesting(whole, None)).collect::<Vec<_>>(),
        "waiting": waiting,
    })))
}

/// What is odd about a part: it is the team itself, or the team is part of it.
fn flag(part: &Nesting, team: Uuid, above: &HashSet<Uuid>) -> Option<&'static str> {
    match part.team.id {
        id if id == team => Some("self"),
        id if above.contains(&id) => Some("cycle"),
        _ => None,
    }
}

fn nesting(nesting: &Nesting, flag: Option<&str>) -> Value {
    json!({
        "team": nesting.team,
        "reference": nesting.reference,
        "flag": flag,
        "since": nesting.since,
        "assertedBy": asserted_by(nesting.asserted),
    })
}

/// The team a path names, by directory or SCIM id.
///
/// # Errors
/// 404 when the tenant has none.
pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: &str,
) -> Result<TeamBrief, Failure> {
    let found = match Uuid::try_parse(id) {
        Ok(id) => explain::team(connection, tenant, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(no_team)
}

pub(super) fn no_team() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such team in the directory")
}
