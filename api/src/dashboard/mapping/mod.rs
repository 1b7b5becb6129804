//! The mapping: read as a table, edited as JSON, looked at before it is made.

mod difference;
mod preview;
mod rules;
mod versions;

pub(super) use preview::{apply, events, page as preview};
pub(super) use versions::{list as versions, page as version};

use super::documents::parse;
use super::filters;
use super::flash::see_other;
use super::form::{Form, Query};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use crate::error::{Failure, PageFailure, Problem};
use crate::routes::ops::mapping as api;
use crate::routes::ops::mapping::Offered;
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use rollcall_shared::mapping::Mapping;
use rules::Rows;
use serde::Deserialize;
use serde_json::Value;

/// A version as the operator API answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: i64,
    created_at: Option<DateTime<Utc>>,
    created_by: Option<Author>,
    note: Option<String>,
    #[serde(default)]
    mapping: Value,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

impl Version {
    /// Who made it.
    fn by(&self) -> &str {
        let name = self.created_by.as_ref().and_then(|author| author.name.as_deref());
        match (name, &self.created_by) {
            (Some(name), _) if !name.is_empty() => name,
            (_, Some(_)) => "a token without a name",
            (_, None) => "nobody: it is the default",
        }
    }

    fn rows(&self) -> Result<Rows, Failure> {
        parse::<Mapping>(self.mapping.clone()).map(|mapping| Rows::of(&mapping))
    }

    /// As it is edited.
    fn text(&self) -> String {
        format!("{:#}", self.mapping)
    }
}

/// What the editor holds, and what is wrong with it.
#[derive(Default)]
struct Draft {
    text: String,
    note: String,
    trouble: Option<String>,
    faults: Vec<Fault>,
}

/// Why a rule cannot be.
#[derive(Deserialize)]
struct Fault {
    rule: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "mapping.html")]
struct MappingPage {
    frame: Frame,
    version: Version,
    rows: Rows,
    draft: Draft,
    /// The version the draft began as, if not the one in force.
    from: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Shown {
    from: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Sent {
    version: i64,
    mapping: String,
    note: String,
}

/// `GET /mapping`; with `from`, an earlier version in the editor.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    let version = read(&app, &session, None).await?;
    let text = match shown.from {
        Some(from) => read(&app, &session, Some(from)).await?.text(),
        None => version.text(),
    };
    let draft = Draft {
        text,
        ..Draft::default()
    };
    editor(&session, StatusCode::OK, version, draft, shown.from)
}

/// `POST /mapping/preview`: on to what the draft would do, or back to it with what is wrong.
pub(super) async fn offer(
    State(app): State<App>,
    session: Session,
    Form(sent): Form<Sent>,
) -> Result<Response, PageFailure> {
    let begun = async {
        let mapping = document(&sent.mapping)?;
        let note = Some(sent.note.trim().to_owned()).filter(|note| !note.is_empty());
        let tags = rollcall_shared::scim::etag(sent.version);
        api::begin(&app, &session.caller(), Some(&tags), &Offered::new(mapping, note)).await
    };
    let failure = match begun.await {
        Ok(preview) => return Ok(see_other(&format!("/mapping/previews/{preview}"))),
        Err(Problem(failure)) => failure,
    };
    let faults = failure
        .errors()
        .iter()
        .filter_map(|fault| parse(fault.clone()).ok())
        .collect();
    let draft = Draft {
        text: sent.mapping,
        note: sent.note,
        trouble: Some(failure.detail().to_owned()),
        faults,
    };
    let version = read(&app, &session, None).await?;
    editor(&session, failure.status(), version, draft, None)
}

fn editor(
    session: &Session,
    status: StatusCode,
    version: Version,
    draft: Draft,
    from: Option<i64>,
) -> Result<Response, PageFailure> {
    let page = MappingPage {
        frame: session.frame(Section::Mapping),
        rows: version.rows()?,
        version,
        draft,
        from,
    };
    let mut response = html::page(session, &page);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// The rules that were typed: alone, or as an exported version holds them.
fn document(text: &str) -> Result<Value, Failure> {
    let mut typed: Value = serde_json::from_str(text).map_err(|error| {
        let detail = format!(
            "This is no JSON: see line {}, column {}.",
            error.line(),
            error.column()
        );
        Failure::new(StatusCode::BAD_REQUEST, detail)
    })?;
    match typed.get_mut("mapping") {
        Some(mapping) => Ok(mapping.take()),
        None => Ok(typed),
    }
}

async fn read(app: &App, session: &Session, version: Option<i64>) -> Result<Version, Failure> {
    let version = version.map(|version| version.to_string());
    let found = api::read(app, session.tenant, version.as_deref()).await;
    parse(found.map_err(|Problem(failure)| failure)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_are_taken_alone_or_as_they_were_exported() {
        let rules = json!({ "rules": [] });
        let exported = json!({ "version": 3, "mapping": rules, "note": null });
        for typed in [&rules, &exported] {
            assert_eq!(document(&typed.to_string()).ok().as_ref(), Some(&rules));
        }
    }

    #[test]
    fn text_that_is_no_json_is_told_by_its_place_and_not_quoted() {
        let refused = document("{\n  \"rules\": secret\n}").err();
        let detail = refused.map(|failure| failure.detail().to_owned());
        assert_eq!(detail.as_deref(), Some("This is no JSON: see line 2, column 12."));
    }
}
