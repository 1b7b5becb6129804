//! What operators did, from a terminal or here.

use super::documents::read;
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
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    actions: Vec<Action>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    at: DateTime<Utc>,
    token: By,
    action: String,
    target: Option<String>,
    status: Option<u16>,
}

#[derive(Deserialize)]
struct By {
    id: Uuid,
    name: Option<String>,
}

impl By {
    fn called(&self) -> String {
        let name = self.name.clone().filter(|name| !name.is_empty());
        name.unwrap_or_else(|| self.id.to_string())
    }
}

impl Action {
    fn outcome(&self) -> String {
        match self.status {
            None => "under way, or cut off".to_owned(),
            Some(status @ 200..400) => format!("done ({status})"),
            Some(status) => format!("refused ({status})"),
        }
    }

    fn mood(&self) -> &'static str {
        match self.status {
            None => "warn",
            Some(200..400) => "ok",
            Some(_) => "bad",
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Shown {
    cursor: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    log: Log,
}

/// `GET /audit`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    let asked = Asked::of(&[("count", "100"), ("cursor", &shown.cursor)]);
    let page = AuditPage {
        frame: session.frame(Section::Tokens),
        log: read(ops::audit::list(State(app), session.caller(), asked).await)?,
    };
    Ok(html::page(&session, &page))
}
