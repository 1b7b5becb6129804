use super::answer::answer;
use super::pages::{MOST, Pages, USUAL};
use super::shown::{ColleagueForm, Parts};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{Limit, described};
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

described!(
    /// A page of people.
    ColleaguesForm, { "people": [of::<ColleagueForm>()], "nextCursor": "string?" }
);

/// `GET /content/v1/people`: who is part of the company, deactivated people included.
#[utoipa::path(get, path = "/people", params(
    ("active" = Option<bool>, Query, description = "Only who is active, or who is not."),
    ("team" = Option<uuid::Uuid>, Query, description = "Members of this team."),
    ("teamKind" = Option<String>, Query, description = "Members of some team of this kind."),
    ("manager" = Option<uuid::Uuid>, Query, description = "Who reports to this person."),
    ("location" = Option<String>, Query, description = "At this location."),
    ("level" = Option<String>, Query, description = "Of this level."),
    ("employmentType" = Option<String>, Query, description = "Employed like this."),
    ("email" = Option<String>, Query, description = "With this e-mail address."),
    ("updatedSince" = Option<String>, Query, description = "Changed at this time (RFC 3339) or later."),
    ("search" = Option<String>, Query, description = "The beginning of a name, a login or an e-mail address; two characters or more."),
    ("sort" = Option<String>, Query, description = "`id`, `displayName` or `updatedAt`."),
    ("custom.{key}" = Option<String>, Query, description = "With this value of the custom attribute `key`."),
    ("fields" = Option<String>, Query, description = "Members of a person to return, separated by commas."), ("include" = Option<String>, Query, description = "`managers`, `teams` and `waiting`, separated by commas."), Limit, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer the client has; the same again is a 304.")), responses((status = 200, body = ColleaguesForm, headers(("ETag"), ("Cache-Control"))), (status = 304, description = "The client has it already.", headers(("ETag"), ("Cache-Control")))))]
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
