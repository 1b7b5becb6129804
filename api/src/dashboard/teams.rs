//! Teams: which there are, who is in one, what became of it.

use super::documents::{Person, read};
use super::filters;
use super::form::{Path, Query};
use super::frame::{Frame, Section};
use super::history::{self, Timeline};
use super::html;
use super::links::Link;
use super::session::Session;
use crate::error::PageFailure;
use crate::extract::Asked;
use crate::routes::ops;
use crate::state::App;
use askama::Template;
use axum::Json;
use axum::extract::{Path as Part, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Team {
    id: Uuid,
    kind: String,
    name: String,
    external_id: Option<String>,
    deleted: bool,
    members: i64,
    created_at: DateTime<Utc>,
}

impl Team {
    fn kind(&self) -> String {
        self.kind.replace('_', " ")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Teams {
    teams: Vec<Team>,
    next_cursor: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    members: Vec<Member>,
    next_cursor: Option<Uuid>,
}

#[derive(Deserialize)]
struct Member {
    person: Person,
    by: Vec<String>,
    since: DateTime<Utc>,
}

/// How a group is nested in others, and what it waits for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nesting {
    in_cycle: bool,
    parts: Vec<Nested>,
    part_of: Vec<Nested>,
    waiting: Vec<Link>,
}

#[derive(Deserialize)]
struct Nested {
    team: super::documents::Team,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Search {
    q: String,
    kind: String,
    cursor: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Shown {
    cursor: String,
    before: String,
}

#[derive(Template)]
#[template(path = "teams.html")]
struct TeamsPage {
    frame: Frame,
    search: Search,
    teams: Vec<Team>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "team.html")]
struct TeamPage {
    frame: Frame,
    team: Team,
    members: Vec<Member>,
    next: Option<Uuid>,
    nesting: Nesting,
    timeline: Timeline,
}

/// `GET /teams`.
pub(super) async fn list(
    State(app): State<App>,
    session: Session,
    Query(search): Query<Search>,
) -> Result<Response, PageFailure> {
    let asked = Asked::of(&[
        ("q", &search.q),
        ("kind", &search.kind),
        ("cursor", &search.cursor),
        ("limit", "50"),
    ]);
    let found: Teams = read(ops::teams::list(State(app), session.caller(), asked).await)?;
    let next = found.next_cursor.map(|cursor| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("q", &search.q)
            .append_pair("kind", &search.kind);
        format!(
            "/teams?{}",
            query.append_pair("cursor", &cursor.to_string()).finish()
        )
    });
    let page = TeamsPage {
        frame: session.frame(Section::People),
        search,
        teams: found.teams,
        next,
    };
    Ok(html::page(&session, &page))
}

/// `GET /teams/{id}`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    let ask = || (State(app.clone()), session.caller(), Part(id.clone()));
    let (state, caller, path) = ask();
    let team = ops::teams::team(state, caller, path).await;
    let team: Team = read(team.map(|Json(team)| Json(json!(team))))?;
    let asked = Asked::of(&[("cursor", &shown.cursor), ("limit", "50")]);
    let (state, caller, path) = ask();
    let members: Members = read(ops::teams::members(state, caller, path, asked).await)?;
    let (state, caller, path) = ask();
    let nesting: Nesting = read(ops::nesting::links(state, caller, path).await)?;
    let asked = Asked::of(&[("limit", history::PAGE), ("cursor", &shown.before)]);
    let (state, caller, path) = ask();
    let history: history::Page = read(ops::teams::history(state, caller, path, asked).await)?;
    let page = TeamPage {
        frame: session.frame(Section::People),
        timeline: Timeline::new(history, &format!("/teams/{}", team.id)),
        team,
        members: members.members,
        next: members.next_cursor,
        nesting,
    };
    Ok(html::page(&session, &page))
}
