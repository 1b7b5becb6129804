//! `/waiting`: what is missing, whom that blocks, and trying again.

use super::filters;
use super::form::{Form, Query};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use crate::error::{Failure, PageFailure};
use crate::routes::ops::suggest::{Hint, reason};
use crate::routes::ops::waiting::{self, REASONS, Retried, Waiting};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::explain::{self, Blocked, Target};
use rollcall_shared::telemetry::LinkSlot;
use serde::Deserialize;
use std::collections::HashMap;

const PATH: &str = "/waiting";
/// Things in a page.
const SHOWN: i64 = 25;
/// Of those who wait for one of them.
const NAMED: i64 = 20;

#[derive(Deserialize)]
pub(super) struct Asked {
    reason: Option<String>,
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    frame: Frame,
    reason: Option<String>,
    missing: Vec<Missing>,
    total: i64,
    page: i64,
}

/// Something that links wait for.
struct Missing {
    target: Target,
    hints: Vec<Told>,
    blocked: Vec<Blocked>,
}

/// What may help, in words, with whom it is about.
struct Told {
    text: String,
    /// Address and name.
    link: Option<(String, String)>,
    after: String,
}

impl WaitingPage {
    fn reasons(&self) -> [(&'static str, &'static str); 4] {
        REASONS.map(|reason| (reason, why(reason)))
    }

    fn is_asked(&self, reason: &str) -> bool {
        self.reason.as_deref() == Some(reason)
    }

    fn pages(&self) -> i64 {
        (self.total + SHOWN - 1) / SHOWN
    }

    /// The address of another page of this list.
    fn at(&self, page: i64) -> String {
        match &self.reason {
            Some(reason) => format!("{PATH}?reason={reason}&page={page}"),
            None => format!("{PATH}?page={page}"),
        }
    }
}

impl Missing {
    /// Of those who wait, how many are not named.
    fn more(&self) -> i64 {
        self.target.links - self.blocked.len() as i64
    }

    fn whys(&self) -> Vec<&'static str> {
        self.target.reasons.iter().map(|reason| why(reason)).collect()
    }
}

fn why(reason: &str) -> &'static str {
    match reason {
        "missing" => "nobody has it",
        "ambiguous" => "several have it",
        "not_applied" => "not applied yet",
        "deprovisioned" => "was deprovisioned",
        _ => "unknown",
    }
}

fn is_of_group(link: &Blocked) -> bool {
    LinkSlot::from_column(link.slot) == Some(LinkSlot::Member)
}

/// Who or which group waits.
fn name_of(link: &Blocked) -> &str {
    link.name.as_deref().unwrap_or("without a name")
}

/// What they wait for.
fn lacks(link: &Blocked) -> &'static str {
    match LinkSlot::from_column(link.slot) {
        Some(LinkSlot::Manager) => "a manager",
        Some(LinkSlot::AdditionalManager) => "an additional manager",
        Some(LinkSlot::Member) => "a member",
        Some(LinkSlot::Team) => "a team",
        None => "something",
    }
}

/// `GET /waiting`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(asked): Query<Asked>,
) -> Result<Response, PageFailure> {
    let reason = asked.reason.filter(|reason| REASONS.contains(&reason.as_str()));
    let page = asked.page.unwrap_or(1).clamp(1, 1_000_000);
    let offset = (page - 1) * SHOWN;
    let found = waiting::look(&app, session.tenant, reason.as_deref(), offset, SHOWN).await?;
    let total = found.total;
    let missing = missing(&app, session.tenant, found).await?;
    let frame = session.frame(Section::Waiting);
    Ok(html::page(
        &session,
        &WaitingPage {
            frame,
            reason,
            missing,
            total,
            page,
        },
    ))
}

async fn missing(app: &App, tenant: TenantId, found: Waiting) -> Result<Vec<Missing>, StoreError> {
    let keys: Vec<String> = found
        .targets
        .iter()
        .map(|target| target.wait_key.clone())
        .collect();
    let mut connection = app.searches.acquire().await?;
    let mut blocked: HashMap<String, Vec<Blocked>> = HashMap::new();
    for link in explain::blocked(&mut connection, tenant, &keys, NAMED).await? {
        blocked.entry(link.wait_key.clone()).or_default().push(link);
    }
    let told = |target: &Target| {
        let reasons = target
            .reasons
            .iter()
            .filter_map(|it| reason(it, target.names_group));
        let hints = found.suggestions.of(&target.wait_key, reasons);
        hints.iter().flat_map(tell).collect()
    };
    Ok(found
        .targets
        .iter()
        .map(|target| Missing {
            hints: told(target),
            blocked: blocked.remove(&target.wait_key).unwrap_or_default(),
            target: target.clone(),
        })
        .collect())
}

fn tell(hint: &Hint<'_>) -> Vec<Told> {
    let told = |text: &str, link: (String, String), after: String| Told {
        text: text.to_owned(),
        link: Some(link),
        after,
    };
    match hint {
        Hint::Person(Some(person)) => {
            vec![told(
                "It is known who:",
                person_link(person.id, person.name()),
                String::new(),
            )]
        }
        Hint::Team(Some(team)) => {
            let link = (format!("/teams/{}", team.id), team.name.clone());
            vec![told("It is known which team:", link, String::new())]
        }
        Hint::Nearest(nearest, person) => {
            let name = person.and_then(|person| person.name());
            let alike = (nearest.similarity * 100.0).round();
            let after = format!("{} {}, {alike} % alike", nearest.attribute.name(), nearest.value);
            vec![told("Nearly:", person_link(nearest.person, name), after)]
        }
        Hint::Holders(holders) => holders
            .iter()
            .map(|(holder, person)| {
                let name = person.and_then(|person| person.name());
                told("Held by", person_link(holder.person, name), String::new())
            })
            .collect(),
        Hint::Person(None) | Hint::Team(None) => vec![],
    }
}

fn person_link(id: uuid::Uuid, name: Option<&str>) -> (String, String) {
    let name = name.unwrap_or("somebody without a name");
    (format!("/people/{id}"), name.to_owned())
}

/// `POST /waiting/retry`: the one whose button it was, those that were chosen, or all.
pub(super) async fn retry(
    State(app): State<App>,
    session: Session,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageFailure> {
    let named = |name: &str| -> Vec<String> {
        let fields = fields.iter().filter(|(field, _)| field == name);
        fields.map(|(_, value)| value.clone()).collect()
    };
    let (only, chosen) = (named("only"), named("key"));
    let keys = match named("all").is_empty() {
        false => None,
        true if !only.is_empty() => Some(only),
        true => Some(chosen),
    };
    if keys.as_ref().is_some_and(Vec::is_empty) {
        let failure = Failure::new(StatusCode::BAD_REQUEST, "nothing was chosen");
        return Ok(session.refused(PATH, &failure));
    }
    Ok(match waiting::retry_keys(&app, session.tenant, keys).await {
        Ok(retried) => session.done(PATH, &said(&retried)),
        Err(failure) => session.refused(PATH, &failure),
    })
}

fn said(Retried { retried, queued }: &Retried) -> String {
    let links = match retried {
        0 => return "Nothing waits for that any more.".to_owned(),
        1 => "1 link is".to_owned(),
        count => format!("{} links are", filters::grouped(*count as i64)),
    };
    match queued {
        true => format!("{links} tried again now."),
        false => format!("{links} tried again within seconds."),
    }
}
