//! One person.

use crate::dashboard::documents::{Person, Team, plain, read, words};
use crate::dashboard::filters;
use crate::dashboard::form::{Path, Query};
use crate::dashboard::frame::{Frame, Section};
use crate::dashboard::history::{self, Timeline};
use crate::dashboard::html;
use crate::dashboard::links::Link;
use crate::dashboard::rejections;
use crate::dashboard::session::Session;
use crate::error::{Failure, PageFailure, Problem};
use crate::extract::Asked;
use crate::routes::ops;
use crate::state::App;
use askama::Template;
use axum::extract::{Path as Part, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::rejections::{OfPerson, of_person};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::dashboard) struct Shown {
    at: String,
    before: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    id: Uuid,
    person: Option<Map<String, Value>>,
    pending_changes: i64,
}

#[derive(Deserialize)]
struct Links {
    links: Vec<Link>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Then {
    id: Uuid,
    at: DateTime<Utc>,
    person: Map<String, Value>,
    manager: Option<Person>,
    additional_managers: Vec<Person>,
    teams: Vec<Team>,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    id: Uuid,
    fields: Fields,
    /// Accepted, and not in the directory yet.
    awaited: bool,
    pending: i64,
    managers: Vec<Link>,
    teams: Vec<Link>,
    waiting: usize,
    rejected: Vec<Rejected>,
    timeline: Timeline,
}

/// A value of theirs that the directory cannot use.
struct Rejected {
    rule: String,
    reason: String,
    since: DateTime<Utc>,
    /// Where it can be retried or discarded.
    address: String,
}

#[derive(Template)]
#[template(path = "person_then.html")]
struct PersonThenPage {
    frame: Frame,
    id: Uuid,
    at: DateTime<Utc>,
    fields: Fields,
    manager: Option<Person>,
    additional_managers: Vec<Person>,
    teams: Vec<Team>,
}

/// A person's attributes, ready to be shown.
pub(super) struct Fields {
    name: String,
    status: String,
    erased: bool,
    photo: Option<String>,
    /// Names and values; those without a value are left out.
    values: Vec<(String, String)>,
}

/// What is shown elsewhere on the page, or tells people nothing.
const APART: [&str; 7] = [
    "id",
    "status",
    "photoUrl",
    "custom",
    "createdAt",
    "updatedAt",
    "erasedAt",
];

impl Fields {
    fn of(id: Uuid, mut person: Map<String, Value>) -> Fields {
        let text = |person: &Map<String, Value>, name: &str| person.get(name).map(plain).unwrap_or_default();
        let mut names = ["displayName", "login", "email"]
            .into_iter()
            .map(|name| text(&person, name));
        let name = names
            .find(|name| !name.is_empty())
            .unwrap_or_else(|| id.to_string());
        let photo = Some(text(&person, "photoUrl")).filter(|address| address.starts_with("http"));
        let (status, erased) = (text(&person, "status"), !text(&person, "erasedAt").is_empty());
        let custom = person.remove("custom");
        let own = person.iter().filter(|(name, _)| !APART.contains(&name.as_str()));
        let own = own.map(|(name, value)| (words(name), plain(value)));
        // Keys of custom attributes are shown as they were sent.
        let custom = custom.as_ref().and_then(Value::as_object).into_iter().flatten();
        let custom = custom.map(|(key, value)| (key.clone(), plain(value)));
        let values = own.chain(custom).filter(|(_, value)| !value.is_empty()).collect();
        Fields {
            name,
            status,
            erased,
            photo,
            values,
        }
    }

    fn mood(&self) -> &'static str {
        match self.status.as_str() {
            "active" => "ok",
            "deactivated" => "warn",
            _ => "",
        }
    }
}

/// `GET /people/{id}`; with `at`, as of a time.
pub(in crate::dashboard) async fn page(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    if !shown.at.is_empty() {
        return then(app, session, id, &shown.at).await;
    }
    let (nothing, ask) = (Asked::of(&[]), || {
        (State(app.clone()), session.caller(), Part(id.clone()))
    });
    let (state, caller, path) = ask();
    let now: Now = read(ops::people::person(state, caller, path, nothing).await)?;
    let (state, caller, path) = ask();
    let links: Links = read(ops::links::links(state, caller, path).await)?;
    let asked = Asked::of(&[("limit", history::PAGE), ("cursor", &shown.before)]);
    let (state, caller, path) = ask();
    let history: history::Page = read(ops::history::of_person(state, caller, path, asked).await)?;
    let rejected = rejected(&app, session.tenant, now.id).await?;
    let waiting = links.links.iter().filter(|link| link.waits()).count();
    let (teams, managers) = links.links.into_iter().partition(Link::is_of_team);
    let awaited = now.person.is_none();
    let page = PersonPage {
        frame: session.frame(Section::People),
        id: now.id,
        fields: Fields::of(now.id, now.person.unwrap_or_default()),
        awaited,
        pending: now.pending_changes,
        managers,
        teams,
        waiting,
        rejected,
        timeline: Timeline::new(history, &format!("/people/{}", now.id)),
    };
    Ok(html::page(&session, &page))
}

async fn rejected(app: &App, tenant: TenantId, person: Uuid) -> Result<Vec<Rejected>, Failure> {
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let found = of_person(&mut connection, tenant, person).await?;
    let shown = |found: OfPerson| Rejected {
        address: rejections::Asked::of_person(person, &found.rule).address(),
        rule: found.rule,
        reason: found.reason,
        since: found.since,
    };
    Ok(found.into_iter().map(shown).collect())
}

async fn then(app: App, session: Session, id: String, at: &str) -> Result<Response, PageFailure> {
    let asked = Asked::of(&[("at", &moment(at))]);
    let then: Then = read(ops::people::person(State(app), session.caller(), Part(id), asked).await)?;
    let page = PersonThenPage {
        frame: session.frame(Section::People),
        id: then.id,
        at: then.at,
        fields: Fields::of(then.id, then.person),
        manager: then.manager,
        additional_managers: then.additional_managers,
        teams: then.teams,
    };
    Ok(html::page(&session, &page))
}

/// `POST /people/{id}/retry`.
pub(in crate::dashboard) async fn retry(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
) -> Response {
    let page = format!("/people/{id}");
    match ops::links::retry(State(app), session.caller(), Part(id)).await {
        Ok(_) => session.done(&page, "Their waiting links are looked at again."),
        Err(Problem(failure)) => session.refused(&page, &failure),
    }
}

/// A time as the fields of forms send it, in UTC; a whole RFC 3339 time stays what it is.
pub(in crate::dashboard) fn moment(at: &str) -> String {
    match at.len() {
        16 => format!("{at}:00Z"),
        19 => format!("{at}Z"),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_without_a_value_are_left_out_and_custom_ones_keep_their_keys() {
        let person = json!({
            "status": "active", "login": "ada", "displayName": "", "startDate": "2026-01-02", "level": null,
            "photoUrl": "javascript:alert(1)", "custom": { "T-Shirt size": "M" },
        });
        let Value::Object(person) = person else { return };
        let fields = Fields::of(Uuid::nil(), person);
        assert_eq!((fields.name.as_str(), fields.photo), ("ada", None));
        let shown: Vec<&str> = fields.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(shown, ["login", "start date", "T-Shirt size"]);
    }

    #[test]
    fn time_of_a_form_is_one_in_utc() {
        assert_eq!(moment("2026-11-27T08:00"), "2026-11-27T08:00:00Z");
        assert_eq!(moment("2026-11-27T08:00:01"), "2026-11-27T08:00:01Z");
        assert_eq!(moment("2026-11-27T08:00:00+01:00"), "2026-11-27T08:00:00+01:00");
    }
}
