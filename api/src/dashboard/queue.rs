//! `/queue`: what is in the queues, who works on it, and pausing the tenant's lanes.

use super::filters;
use super::form::{Form, Path};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use super::stream::{Part, follow};
use crate::error::{Failure, PageFailure};
use crate::routes::ops::queue::{self as ops, Overview};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rollcall_shared::directory::WorkLane;
use rollcall_shared::queue::{Depth, Process};
use rollcall_shared::store::lanes::{Pause, Work};
use serde::Deserialize;
use std::time::Duration;

const PATH: &str = "/queue";
/// How often an open page looks at the queues.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
pub(super) struct Pausing {
    #[serde(default)]
    reason: String,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    frame: Frame,
    lanes: Lanes,
}

#[derive(Template)]
#[template(path = "queue_lanes.html")]
struct Lanes {
    now: Overview,
}

impl askama::filters::HtmlSafe for Lanes {}

impl Lanes {
    fn work(&self, lane: &WorkLane) -> Option<&Work> {
        self.now.work.iter().find(|work| work.lane == *lane)
    }

    fn pause(&self, lane: &WorkLane) -> Option<&Pause> {
        self.now.paused.iter().find(|pause| pause.lane == *lane)
    }

    fn depth(&self, lane: &WorkLane) -> Option<&Depth> {
        let depths = &self.now.redis.as_ref()?.depths;
        depths
            .iter()
            .find(|(known, _)| known == lane)
            .map(|(_, depth)| depth)
    }

    /// The worker processes with the jobs each holds.
    fn processes(&self) -> Vec<(&Process, usize)> {
        let Some(redis) = &self.now.redis else {
            return vec![];
        };
        let held = |name: &str| {
            let jobs = redis.holders.iter().filter_map(|(_, held)| held.jobs.get(name));
            jobs.sum()
        };
        redis
            .processes
            .iter()
            .map(|process| (process, held(&process.name)))
            .collect()
    }
}

/// What travels in a lane.
fn about(lane: &WorkLane) -> &'static str {
    match lane {
        WorkLane::Live => "single writes",
        WorkLane::Bulk => "imports",
        WorkLane::Links => "retries of waiting links",
        WorkLane::Runs => "parts of runs",
    }
}

/// What the tenant's work in a lane is counted in.
fn counted_in(lane: &WorkLane) -> &'static str {
    match lane {
        WorkLane::Live | WorkLane::Bulk => "changes to apply",
        WorkLane::Links => "links that wait",
        WorkLane::Runs => "runs under way",
    }
}

/// Jobs finished per second.
fn per_second(depth: &Depth) -> String {
    format!("{:.1}", depth.finished_per_second)
}

/// `GET /queue`.
pub(super) async fn page(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let now = ops::look(&app, session.tenant).await?;
    let frame = session.frame(Section::Queue);
    let lanes = Lanes { now };
    Ok(html::page(&session, &QueuePage { frame, lanes }))
}

/// `GET /queue/events`: the queues, as they fill and empty.
pub(super) async fn events(State(app): State<App>, session: Session) -> Result<Response, PageFailure> {
    let (asked, tenant) = (app.clone(), session.tenant);
    follow(app, session, LOOK, move || {
        let app = asked.clone();
        async move {
            let now = ops::look(&app, tenant).await?;
            let html = Lanes { now }.render().map_err(|_| Failure::internal())?;
            Ok(vec![Part::Whole { id: "lanes", html }])
        }
    })
}

/// `POST /queue/{lane}/pause`.
pub(super) async fn pause(
    State(app): State<App>,
    session: Session,
    Path(lane): Path<String>,
    Form(Pausing { reason }): Form<Pausing>,
) -> Result<Response, PageFailure> {
    let lane = ops::lane_of(&lane)?;
    let paused = ops::pause_lane(&app, session.tenant, session.token.id, lane, Some(&reason)).await;
    Ok(match paused {
        Ok(_) => {
            let said = format!(
                "The lane {} is paused: workers follow within two seconds.",
                lane.name()
            );
            session.done(PATH, &said)
        }
        Err(failure) => session.refused(PATH, &failure),
    })
}

/// `POST /queue/{lane}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    session: Session,
    Path(lane): Path<String>,
) -> Result<Response, PageFailure> {
    let lane = ops::lane_of(&lane)?;
    Ok(match ops::resume_lane(&app, session.tenant, lane).await {
        Ok(()) => session.done(PATH, &format!("The lane {} goes on.", lane.name())),
        Err(failure) => session.refused(PATH, &failure),
    })
}
