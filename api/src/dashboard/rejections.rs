//! `/rejections`: values the directory cannot use, and what to do about them.

use super::filters;
use super::form::{Form, Query};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use crate::error::{Failure, PageFailure};
use crate::routes::ops::rejections::{self as ops, Asked as Wanted, Page, id_of};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::rejections::Rejection;
use serde::Deserialize;
use uuid::Uuid;

const PATH: &str = "/rejections";
/// Rejections in a page.
const SHOWN: i64 = 50;
/// Longest value that is shown whole, in characters.
const LONGEST: usize = 200;

/// Which rejections a page shows.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    discarded: bool,
    rule: String,
    /// By directory or SCIM id.
    person: String,
    after: String,
}

impl Asked {
    /// What a rule cannot use of a person's.
    pub(super) fn of_person(person: Uuid, rule: &str) -> Asked {
        Asked {
            person: person.to_string(),
            rule: rule.to_owned(),
            ..Asked::default()
        }
    }

    /// The address of this page.
    pub(super) fn address(&self) -> String {
        let discarded = if self.discarded { "true" } else { "" };
        let parts = [
            ("discarded", discarded),
            ("person", &self.person),
            ("rule", &self.rule),
            ("after", &self.after),
        ];
        let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parts)
            .finish();
        match query.is_empty() {
            true => PATH.to_owned(),
            false => format!("{PATH}?{query}"),
        }
    }

    /// The address of the open or of the discarded ones among these.
    fn tab(&self, discarded: bool) -> String {
        Asked {
            discarded,
            after: String::new(),
            ..self.clone()
        }
        .address()
    }
}

#[derive(Template)]
#[template(path = "rejections.html")]
struct RejectionsPage {
    frame: Frame,
    asked: Asked,
    found: Page,
    /// Address of the next page.
    next: Option<String>,
}

impl RejectionsPage {
    fn is_of_person(&self, rejection: &Rejection) -> bool {
        rejection.kind == ResourceType::User as i16
    }

    /// Whose value it is.
    fn name(&self, rejection: &Rejection) -> &str {
        let person = self.found.people.get(&rejection.directory_id);
        match self.is_of_person(rejection) {
            true => person
                .and_then(|person| person.name())
                .unwrap_or("without a name"),
            false => "a group",
        }
    }

    /// The value as it was sent, if the document still holds it.
    fn value(&self, rejection: &Rejection) -> Option<String> {
        rejection
            .value
            .as_ref()
            .map(|value| shortened(&value.to_string()))
    }
}

/// `GET /rejections`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(asked): Query<Asked>,
) -> Result<Response, PageFailure> {
    let wanted = Wanted {
        rule: some(&asked.rule),
        person: some(&asked.person),
        discarded: asked.discarded,
        after: some(&asked.after),
        limit: SHOWN,
    };
    let found = ops::look(&app, session.tenant, &wanted).await?;
    let next = found.next.clone().map(|after| {
        let asked = asked.clone();
        Asked { after, ..asked }.address()
    });
    let frame = session.frame(Section::Rejections);
    Ok(html::page(
        &session,
        &RejectionsPage {
            frame,
            asked,
            found,
            next,
        },
    ))
}

/// `POST /rejections`: retry, discard or restore those that were chosen, or retry all.
pub(super) async fn act(
    State(app): State<App>,
    session: Session,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageFailure> {
    let chosen: Vec<String> = match named(&fields, "only").next() {
        Some(id) => vec![id.to_owned()],
        None => named(&fields, "id").map(str::to_owned).collect(),
    };
    let action = named(&fields, "action").next().unwrap_or("retry");
    let back = match action {
        "restore" => "/rejections?discarded=true",
        _ => PATH,
    };
    if chosen.is_empty() && action != "retry-all" {
        let failure = Failure::new(StatusCode::BAD_REQUEST, "nothing was chosen");
        return Ok(session.refused(back, &failure));
    }
    let tenant = session.tenant;
    let said = match action {
        "retry-all" => ops::retry_ids(&app, tenant, None).await.map(retried),
        "discard" => {
            let note = named(&fields, "note").next().unwrap_or_default();
            ops::discard_ids(&app, tenant, session.token.id, &chosen, note)
                .await
                .map(|count| counted(count as usize, "discarded"))
        }
        "restore" => ops::restore_ids(&app, tenant, &chosen)
            .await
            .map(|count| counted(count as usize, "taken back into the list")),
        _ => ops::retry_ids(&app, tenant, Some(&chosen)).await.map(retried),
    };
    Ok(match said {
        Ok(said) => session.done(back, &said),
        Err(failure) => session.refused(back, &failure),
    })
}

/// What was asked for, if anything.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The values of a form's fields of this name.
fn named<'a>(fields: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let fields = fields.iter().filter(move |(field, _)| field == name);
    fields.map(|(_, value)| value.as_str())
}

fn retried((count, _): (usize, bool)) -> String {
    match count {
        0 => "Nothing is rejected there any more.".to_owned(),
        1 => "One person or team is applied again.".to_owned(),
        count => format!(
            "{} people and teams are applied again.",
            filters::grouped(count as i64)
        ),
    }
}

fn counted(count: usize, done: &str) -> String {
    match count {
        1 => format!("1 rejection was {done}."),
        count => format!("{} rejections were {done}.", filters::grouped(count as i64)),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
