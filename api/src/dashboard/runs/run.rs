//! `/runs/{id}`: one run.

use super::report::{self, Kind, Report};
use super::words::{outcome, phase, scope};
use super::{LOOK, PATH};
use crate::dashboard::filters;
use crate::dashboard::form::Path;
use crate::dashboard::frame::{Frame, Section};
use crate::dashboard::html;
use crate::dashboard::session::Session;
use crate::dashboard::stream::{Part, follow};
use crate::error::{Failure, PageFailure};
use crate::routes::ops::runs::{self as ops, SAMPLES, not_found, seconds_left};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::runs::{self, Phase, Run, Scope};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    part: RunPart,
}

#[derive(Template)]
#[template(path = "run_part.html")]
struct RunPart {
    run: Run,
    report: Option<Report>,
    kinds: Vec<Kind>,
    csrf: Arc<str>,
}

impl askama::filters::HtmlSafe for RunPart {}

impl RunPart {
    fn left(&self) -> Option<f64> {
        seconds_left(&self.run)
    }

    fn can_be_cancelled(&self) -> bool {
        matches!(self.run.phase, Phase::Plan | Phase::Reconcile)
    }

    /// The page about what the run is limited to.
    fn subject(&self) -> Option<String> {
        match self.run.scope {
            Scope::Team(id) => Some(format!("/teams/{id}")),
            Scope::Person(id) => Some(format!("/people/{id}")),
            Scope::Preview(_) | Scope::Mapping(_) => Some("/mapping".to_owned()),
            Scope::Full | Scope::Dates => None,
        }
    }
}

/// `GET /runs/{id}`.
pub(in crate::dashboard) async fn page(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let part = part(&app, session.tenant, id, Arc::clone(&session.csrf)).await?;
    let frame = session.frame(Section::Runs);
    Ok(html::page(&session, &RunPage { frame, part }))
}

async fn part(app: &App, tenant: TenantId, id: Uuid, csrf: Arc<str>) -> Result<RunPart, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let run = runs::find(&mut connection, tenant, id)
        .await?
        .ok_or_else(not_found)?;
    let samples = match run.dry_run && run.phase == Phase::Done {
        true => runs::samples(&mut connection, tenant, id, SAMPLES).await?,
        false => vec![],
    };
    let report = run.report.as_ref();
    Ok(RunPart {
        report: report.and_then(|report| Report::read(report, run.dry_run)),
        kinds: report::kinds(samples),
        run,
        csrf,
    })
}

/// `GET /runs/{id}/events`: the run, as it goes on.
pub(in crate::dashboard) async fn events(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let (asked, tenant, csrf) = (app.clone(), session.tenant, Arc::clone(&session.csrf));
    follow(app, session, LOOK, move || {
        let (app, csrf) = (asked.clone(), Arc::clone(&csrf));
        async move {
            let part = part(&app, tenant, id, csrf).await?;
            let html = part.render().map_err(|_| Failure::internal())?;
            Ok(vec![Part::Whole { id: "run", html }])
        }
    })
}

/// `POST /runs/{id}/cancel`.
pub(in crate::dashboard) async fn cancel(
    State(app): State<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let back = format!("{PATH}/{id}");
    Ok(match ops::cancel_run(&app, session.tenant, id).await {
        Ok(_) => session.done(
            &back,
            "The run is being cancelled. What it did stays, and is reported.",
        ),
        Err(failure) => session.refused(&back, &failure),
    })
}
