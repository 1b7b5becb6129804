use super::answer::answer;
use super::pages::{MOST, Pages, USUAL};
use super::shown::Parts;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rollcall_shared::directory::fold;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::content::{self, Order, Place, Wanted};
use serde_json::json;

const PARAMETERS: [&str; 15] = [
    "active",
    "team",
    "teamKind",
    "manager",
    "location",
    "level",
    "employmentType",
    "email",
    "updatedSince",
    "search",
    "sort",
    "fields",
    "include",
    "cursor",
    "limit",
];
const CUSTOM: &str = "custom.";

/// `GET /content/v1/people`: who is part of the company, deactivated people included.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    asked.only(&PARAMETERS, Some(CUSTOM))?;
    let parts = Parts::of(&asked)?;
    let email = asked.text("email").map(fold);
    let beginning = asked.text("search").map(fold);
    if beginning
        .as_ref()
        .is_some_and(|beginning| beginning.chars().count() < 2)
    {
        return Err(bad("search needs two characters or more").into());
    }
    let order = match asked.text("sort") {
        None | Some("id") => Order::Id,
        Some("displayName") => Order::Name,
        Some("updatedAt") => Order::Updated,
        Some(_) => return Err(bad("sort may be id, displayName or updatedAt").into()),
    };
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let pages = Pages::of(&app, &mut connection, tenant, "/people", &asked).await?;
    let wanted = Wanted {
        active: asked.truth("active")?,
        team: asked.id("team")?,
        team_kind: asked.text("teamKind"),
        manager: asked.id("manager")?,
        location: asked.text("location"),
        level: asked.text("level"),
        employment_type: asked.text("employmentType"),
        email: email.as_deref(),
        updated_since: asked.time("updatedSince")?,
        beginning: beginning.as_deref(),
        custom: asked.beginning_with(CUSTOM),
        order,
        after: pages.open::<Place>(&asked)?,
        limit: asked.limit(USUAL, MOST)?,
    };
    let (people, next) = content::list(&mut connection, tenant, &wanted).await?;
    let shown = parts.show(&mut connection, tenant, &people).await?;
    let next = pages.close(next.as_ref());
    Ok(answer(&headers, &json!({ "people": shown, "nextCursor": next })))
}

fn bad(detail: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}
