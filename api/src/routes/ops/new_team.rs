//! Teams that no value creates: an operator has them exist, and whoever waits for them joins.

use super::waiting::retry_places;
use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::fold_name;
use rollcall_shared::projection::MAX_TEAM_BYTES;
use rollcall_shared::store::named_teams::{self, wait_key};
use rollcall_shared::store::reconcile::AttributeTeam;
use rollcall_shared::store::{StoreError, explain};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// What `POST /ops/v1/teams` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTeam {
    /// One the mapping in force speaks of.
    kind: String,
    name: String,
}

described!(
    /// The team.
    NamedTeamForm, {
        "id": "uuid",
        "kind": "string",
        "name": "string: as it was first given",
        "waited": "integer: memberships that waited for it",
    }
);

/// `POST /ops/v1/teams`: have a team exist that attributes name. 200 when it did already, under the
/// name it was first given.
#[utoipa::path(
    post,
    path = "/teams",
    request_body = NewTeam,
    responses((status = 200, body = NamedTeamForm), (status = 201, body = NamedTeamForm))
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(NewTeam { kind, name }): JsonBody<NewTeam>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let name = name.trim();
    let folded = fold_name(name);
    if folded.is_empty() || folded.len() > MAX_TEAM_BYTES || name.contains(char::is_control) {
        let detail = format!("name must have 1 to {MAX_TEAM_BYTES} bytes, none of them controls");
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail).into());
    }
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let in_force = app.mappings.in_force(&mut tx, tenant).await;
    if !in_force.map_err(Failure::from)?.mapping.knows_kind(&kind) {
        let detail = "kind is none that the mapping in force speaks of";
        return Err(Failure::new(StatusCode::BAD_REQUEST, detail).into());
    }
    let team = AttributeTeam {
        kind,
        folded,
        name: name.to_owned(),
    };
    let (created, new) = named_teams::create(&mut tx, tenant, &team).await?;
    // Due in the transaction that gives them a reason: were this process to die now, the feeder
    // would find them. Whoever parks such a link later looks again after its commit.
    let key = wait_key(&team.kind, &team.folded);
    let places = explain::places_waiting_for(&mut tx, tenant, &[key]).await?;
    let due = explain::make_due(&mut tx, tenant, &places).await?;
    tx.commit().await.map_err(StoreError::from)?;
    let waited = due.len();
    retry_places(&app, tenant, due).await;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let body = json!({ "id": created.id, "kind": created.kind, "name": created.name, "waited": waited });
    Ok((status, Json(body)).into_response())
}
