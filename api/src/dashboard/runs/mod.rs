//! `/runs`: starting runs, watching them, what they found, and what starts them by itself.

mod report;
mod run;
mod words;

pub(super) use run::{cancel, events as run_events, page as run_page};

use super::filters;
use super::form::{Form, Path, Query};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use super::stream::{Part, follow};
use crate::error::{Failure, PageFailure};
use crate::routes::ops::{runs as ops, schedules as timers};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::runs::{self, Phase, Run, Scope};
use rollcall_shared::store::schedules::{self, Schedule};
use rollcall_shared::store::{PgConnection, StoreError};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;
use words::{outcome, scope};

const PATH: &str = "/runs";
/// Runs in a page.
const SHOWN: i64 = 20;
/// How often an open page looks at the runs.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub(super) struct Asked {
    page: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Start {
    scope: String,
    /// Which of the two buttons it was.
    dry: bool,
}

#[derive(Deserialize)]
pub(super) struct Pausing {
    paused: bool,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    list: RunList,
    schedules: Vec<Schedule>,
    total: i64,
    page: i64,
}

impl RunsPage {
    fn pages(&self) -> i64 {
        (self.total + SHOWN - 1) / SHOWN
    }
}

#[derive(Template)]
#[template(path = "runs_list.html")]
struct RunList {
    runs: Vec<Run>,
}

impl askama::filters::HtmlSafe for RunList {}

/// `GET /runs`.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(asked): Query<Asked>,
) -> Result<Response, PageFailure> {
    let page = asked.page.unwrap_or(1).clamp(1, 1_000_000);
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let total = runs::count(&mut connection, session.tenant).await?;
    let list = newest(&mut connection, session.tenant, (page - 1) * SHOWN).await?;
    let schedules = schedules::list(&mut connection, session.tenant, None).await?;
    let frame = session.frame(Section::Runs);
    Ok(html::page(
        &session,
        &RunsPage {
            frame,
            list,
            schedules,
            total,
            page,
        },
    ))
}

async fn newest(connection: &mut PgConnection, tenant: TenantId, offset: i64) -> Result<RunList, StoreError> {
    let runs = runs::list(connection, tenant, None, offset, SHOWN).await?;
    Ok(RunList { runs })
}

/// `GET /runs/events`: the newest runs, as they go on.
pub(super) async fn events(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let (asked, tenant) = (app.clone(), session.tenant);
    follow(app, session, LOOK, move || {
        let app = asked.clone();
        async move {
            let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
            let list = newest(&mut connection, tenant, 0).await?;
            let html = list.render().map_err(|_| Failure::internal())?;
            Ok(vec![Part::Whole { id: "list", html }])
        }
    })
}

/// `POST /runs`.
pub(super) async fn start(
    State(app): State<App>,
    session: Session,
    Form(Start { scope, dry }): Form<Start>,
) -> Result<Response, PageFailure> {
    Ok(match ops::begin(&app, session.tenant, &scope, None, dry).await {
        Ok((run, new)) => {
            let said = match new {
                true => "The run has begun.",
                false => "Such a run is under way already: this is it.",
            };
            session.done(&format!("{PATH}/{}", run.id), said)
        }
        Err(failure) => session.refused(PATH, &failure),
    })
}

/// `POST /runs/schedules/{id}`: pause a schedule, or let it fire again.
pub(super) async fn pause_schedule(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
    Form(Pausing { paused }): Form<Pausing>,
) -> Result<Response, PageFailure> {
    let changed = timers::set_paused(&app, session.tenant, session.token.id, id, paused).await;
    let said = match paused {
        true => "The schedule is paused.",
        false => "The schedule fires again.",
    };
    Ok(match changed {
        Ok(()) => session.done(PATH, said),
        Err(failure) => session.refused(PATH, &failure),
    })
}
