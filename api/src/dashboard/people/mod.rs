//! People: found by name, e-mail address or id; each with their fields, links and history.

mod erase;
mod person;

pub(super) use erase::erase;
pub(super) use person::{moment, page as person, retry};

use super::documents::{Person, read};
use super::filters;
use super::form::Query;
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use crate::error::PageFailure;
use crate::extract::Asked;
use crate::routes::ops;
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Search {
    q: String,
    status: String,
    waiting: Option<String>,
    team: String,
    cursor: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    people: Vec<Person>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    search: Search,
    people: Vec<Person>,
    next: Option<String>,
}

impl Search {
    fn is_narrow(&self) -> bool {
        !(self.q.is_empty() && self.status.is_empty() && self.waiting.is_none() && self.team.is_empty())
    }

    fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// The same search, from another place in the list.
    fn at(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.parameters() {
            query.append_pair(name, value);
        }
        format!("/people?{}", query.append_pair("cursor", cursor).finish())
    }

    fn parameters(&self) -> Vec<(&'static str, &str)> {
        let waiting = self.waiting.as_ref().map_or("", |_| "true");
        let all = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("waiting", waiting),
            ("team", &self.team),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// `GET /people`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(search): Query<Search>,
) -> Result<Response, PageFailure> {
    let mut parameters = search.parameters();
    parameters.extend([("count", "50"), ("cursor", search.cursor.as_str())]);
    let asked = Asked::of(&parameters);
    let found: Found = read(ops::people::search(State(app), session.caller(), asked).await)?;
    let page = PeoplePage {
        frame: session.frame(Section::People),
        next: found.next_cursor.map(|cursor| search.at(&cursor)),
        people: found.people,
        search,
    };
    Ok(html::page(&session, &page))
}
