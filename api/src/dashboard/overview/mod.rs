//! `/`: is all well?

mod chart;
mod sizes;
mod snapshot;
mod verdict;

pub(crate) use snapshot::Snapshots;

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
use snapshot::Snapshot;
use std::sync::Arc;
use std::time::Duration;
use verdict::{Mood, Verdict};

/// How often an open overview is rendered again.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    verdict: VerdictPart,
    figures: FiguresPart,
    directory: DirectoryPart,
}

#[derive(Template)]
#[template(path = "overview_verdict.html")]
struct VerdictPart {
    verdict: Verdict,
}

#[derive(Template)]
#[template(path = "overview_figures.html")]
struct FiguresPart {
    now: Arc<Snapshot>,
}

#[derive(Template)]
#[template(path = "overview_directory.html")]
struct DirectoryPart {
    now: Arc<Snapshot>,
}

impl askama::filters::HtmlSafe for VerdictPart {}
impl askama::filters::HtmlSafe for FiguresPart {}
impl askama::filters::HtmlSafe for DirectoryPart {}

/// `GET /`.
pub(super) async fn page(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let now = app.snapshots.take(&app, session.tenant).await?;
    let page = OverviewPage {
        frame: session.frame(Section::Overview),
        verdict: VerdictPart {
            verdict: verdict::of(&now),
        },
        figures: FiguresPart {
            now: Arc::clone(&now),
        },
        directory: DirectoryPart { now },
    };
    Ok(html::page(&session, &page))
}

/// `GET /overview/events`: the verdict and the figures, as they change.
pub(super) async fn events(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let (asked, tenant) = (app.clone(), session.tenant);
    follow(app, session, PAUSE, move || {
        let app = asked.clone();
        async move {
            let now = app.snapshots.take(&app, tenant).await?;
            let verdict = verdict::of(&now);
            let part = |id, html: askama::Result<String>| {
                let html = html.map_err(|_| Failure::internal())?;
                Ok::<_, PageFailure>(Part::Whole { id, html })
            };
            Ok(vec![
                part("verdict", VerdictPart { verdict }.render())?,
                part(
                    "figures",
                    FiguresPart {
                        now: Arc::clone(&now),
                    }
                    .render(),
                )?,
                part("sizes", DirectoryPart { now }.render())?,
            ])
        }
    })
}
