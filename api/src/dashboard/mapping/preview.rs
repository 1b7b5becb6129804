//! What a change of the mapping would do, and doing it.

use crate::dashboard::documents::{parse, plain, read, words};
use crate::dashboard::filters;
use crate::dashboard::flash::see_other;
use crate::dashboard::form::Path;
use crate::dashboard::frame::{Frame, Section};
use crate::dashboard::html;
use crate::dashboard::session::Session;
use crate::dashboard::stream::{Part, follow};
use crate::error::{Failure, PageFailure, Problem};
use crate::routes::ops::mapping::{self as api, Offered, Outcome};
use crate::state::App;
use askama::Template;
use axum::extract::{Path as InPath, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use rollcall_shared::mapping::effect::Effect;
use rollcall_shared::scim::etag;
use rollcall_shared::store::{StoreError, mapping_previews};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How often a preview that is under way is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// A preview as the operator API answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    id: Uuid,
    state: String,
    base_version: i64,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    run: Uuid,
    progress: Progress,
    effect: Option<Effect>,
    #[serde(default)]
    samples: BTreeMap<String, Vec<Sample>>,
    applied_version: Option<i64>,
    refused: Option<String>,
    #[serde(default)]
    exceeded: Vec<Exceeded>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    parts: i64,
    parts_done: i64,
    checked: i64,
}

#[derive(Deserialize)]
struct Sample {
    id: Uuid,
    name: Option<String>,
    field: Option<String>,
    old: Value,
    new: Value,
}

/// In what a change would take away more than was agreed to.
#[derive(Deserialize)]
struct Exceeded {
    loss: String,
    previewed: i64,
    now: i64,
}

/// A number of the effect, and how it is drawn.
struct Bar {
    name: String,
    count: i64,
    /// Of the longest, in percent.
    length: i64,
    /// It takes something away.
    loss: bool,
}

#[derive(Template)]
#[template(path = "mapping_preview.html")]
struct PreviewPage {
    frame: Frame,
    id: Uuid,
    running: bool,
    part: EffectPart,
}

#[derive(Template)]
#[template(path = "mapping_effect.html")]
struct EffectPart {
    csrf: Arc<str>,
    preview: Preview,
    numbers: Vec<Bar>,
    fields: Vec<Bar>,
}

impl askama::filters::HtmlSafe for EffectPart {}

impl Sample {
    fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }

    fn field(&self) -> String {
        self.field.as_deref().map(words).unwrap_or_default()
    }

    fn was(&self) -> String {
        plain(&self.old)
    }

    fn is(&self) -> String {
        plain(&self.new)
    }
}

impl Exceeded {
    fn name(&self) -> String {
        words(&self.loss)
    }
}

impl EffectPart {
    fn new(session: &Session, preview: Preview) -> EffectPart {
        let (numbers, fields) = match &preview.effect {
            Some(effect) => (numbers(effect), fields(effect)),
            None => (vec![], vec![]),
        };
        EffectPart {
            csrf: Arc::clone(&session.csrf),
            preview,
            numbers,
            fields,
        }
    }

    fn is(&self, state: &str) -> bool {
        self.preview.state == state
    }

    fn mood(&self) -> &'static str {
        match self.preview.state.as_str() {
            "ready" | "applied" => "ok",
            "running" => "busy",
            _ => "bad",
        }
    }

    fn kind(&self, kind: &str) -> String {
        words(kind)
    }
}

fn numbers(effect: &Effect) -> Vec<Bar> {
    bars(vec![
        ("people changed", effect.people.changed, false),
        ("people deactivated", effect.people.deactivated, true),
        ("people reactivated", effect.people.reactivated, false),
        ("values removed", effect.people.values_removed, true),
        ("memberships begun", effect.memberships.begun, false),
        ("memberships ended", effect.memberships.ended, true),
        ("reporting lines begun", effect.lines.begun, false),
        ("reporting lines changed", effect.lines.changed, false),
        ("reporting lines ended", effect.lines.ended, true),
        ("teams created", effect.teams.created, false),
        ("teams left empty", effect.teams.emptied, true),
        ("people who could not be compared", effect.failed, true),
    ])
}

fn fields(effect: &Effect) -> Vec<Bar> {
    let mut fields: Vec<(&str, i64, bool)> = effect
        .fields
        .iter()
        .map(|(field, count)| (field.as_str(), *count, false))
        .collect();
    fields.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    bars(fields)
}

/// Those that are not nothing.
fn bars(counts: Vec<(&str, i64, bool)>) -> Vec<Bar> {
    let most = counts
        .iter()
        .map(|(_, count, _)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let some = counts.into_iter().filter(|(_, count, _)| *count > 0);
    some.map(|(name, count, loss)| Bar {
        name: words(name),
        count,
        length: (count * 100 / most).max(1),
        loss,
    })
    .collect()
}

/// `GET /mapping/previews/{id}`.
pub(in crate::dashboard) async fn page(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let preview = find(&app, &session, id).await?;
    let page = PreviewPage {
        frame: session.frame(Section::Mapping),
        id,
        running: preview.state == "running",
        part: EffectPart::new(&session, preview),
    };
    Ok(html::page(&session, &page))
}

/// `GET /mapping/previews/{id}/events`: how far it is.
pub(in crate::dashboard) async fn events(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    find(&app, &session, id).await?;
    let (asked, viewer) = (app.clone(), session.clone());
    follow(app, session, PAUSE, move || {
        let (app, session) = (asked.clone(), viewer.clone());
        async move {
            let preview = find(&app, &session, id).await?;
            let html = EffectPart::new(&session, preview)
                .render()
                .map_err(|_| Failure::internal())?;
            Ok(vec![Part::Whole { id: "effect", html }])
        }
    })
}

/// `POST /mapping/previews/{id}/apply`: in force, or on to the second look, or back with why not.
pub(in crate::dashboard) async fn apply(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let preview = mapping_previews::find(&mut connection, session.tenant, id).await?;
    drop(connection);
    let preview = preview.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "There is no such preview."))?;
    let tags = etag(i64::from(preview.base_version));
    let offered = Offered::new(preview.document, preview.note);
    match api::change(&app, &session.caller(), Some(id), &tags, &offered).await {
        Ok(Outcome::InForce { version, .. }) => {
            let number = version["version"].as_i64().unwrap_or_default();
            let text = format!("Version {number} is in force. A run brings everybody in line with it.");
            Ok(session.done("/mapping", &text))
        }
        Ok(Outcome::LookedAtAgain { check, .. }) => Ok(see_other(&format!("/mapping/previews/{check}"))),
        Err(Problem(failure)) => Ok(session.refused(&format!("/mapping/previews/{id}"), &told(failure))),
    }
}

/// The refusal with what it would take away beyond what was shown.
fn told(failure: Failure) -> Failure {
    let exceeded = failure
        .errors()
        .iter()
        .filter_map(|error| parse::<Exceeded>(error.clone()).ok());
    let exceeded: Vec<String> = exceeded
        .map(|exceeded| {
            format!(
                "{}: {} instead of {}",
                exceeded.name(),
                exceeded.now,
                exceeded.previewed
            )
        })
        .collect();
    match exceeded.is_empty() {
        true => failure,
        false => Failure::new(
            failure.status(),
            format!(
                "It was not made: writes were accepted since, and by now it would take away more. {}.",
                exceeded.join("; ")
            ),
        ),
    }
}

async fn find(app: &App, session: &Session, id: Uuid) -> Result<Preview, Failure> {
    let path = InPath(id.to_string());
    read(api::find_preview(State(app.clone()), session.caller(), path).await)
}
