//! `/live`: what is applied, as it is applied.

mod recent;
mod sentence;

pub(crate) use recent::Recent;

use super::filters;
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use super::stream::{Part, follow};
use crate::error::{Failure, PageFailure};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rollcall_shared::store::live::Applied;
use sentence::Sentence;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often somebody who watches gets what is new.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes on the page.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    frame: Frame,
    changes: Changes,
    most: usize,
}

#[derive(Template)]
#[template(path = "live_changes.html")]
struct Changes {
    sentences: Vec<Sentence>,
    /// They came after the page did.
    arrived: bool,
}

impl askama::filters::HtmlSafe for Changes {}

/// `GET /live`.
pub(super) async fn page(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let recent = app.recent.take(&app, session.tenant).await?;
    let page = LivePage {
        frame: session.frame(Section::Live),
        changes: Changes {
            sentences: recent.iter().take(SHOWN).map(sentence::of).collect(),
            arrived: false,
        },
        most: SHOWN,
    };
    Ok(html::page(&session, &page))
}

/// `GET /live/events`: first what the page shows, too, so that nothing is missing between the two; the
/// script leaves out what is there already. Then what is new.
pub(super) async fn events(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let (asked, tenant) = (app.clone(), session.tenant);
    let told: Arc<Mutex<HashSet<i64>>> = Arc::default();
    follow(app, session, PAUSE, move || {
        let (app, told) = (asked.clone(), Arc::clone(&told));
        async move {
            let recent = app.recent.take(&app, tenant).await?;
            let new = untold(&recent, &mut told.lock().unwrap_or_else(PoisonError::into_inner));
            if new.is_empty() {
                return Ok(vec![]);
            }
            let changes = Changes {
                sentences: new,
                arrived: true,
            };
            let html = changes.render().map_err(|_| Failure::internal())?;
            Ok(vec![Part::First { id: "changes", html }])
        }
    })
}

/// The newest of what was not told before, as many as the page shows.
fn untold(recent: &[Applied], told: &mut HashSet<i64>) -> Vec<Sentence> {
    let new = recent.iter().filter(|applied| !told.contains(&applied.id));
    let new = new.take(SHOWN).map(sentence::of).collect();
    *told = recent.iter().map(|applied| applied.id).collect();
    new
}
