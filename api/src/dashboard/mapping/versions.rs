//! Earlier versions, and what each changed.

use super::difference::{Difference, between};
use super::rules::Rows;
use super::{Version, read};
use crate::dashboard::documents;
use crate::dashboard::filters;
use crate::dashboard::form::{Path, Query};
use crate::dashboard::frame::{Frame, Section};
use crate::dashboard::html;
use crate::dashboard::session::Session;
use crate::error::PageFailure;
use crate::extract::Page;
use crate::routes::ops::mapping as api;
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

/// Versions in a page.
const PAGE: i64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    total_results: i64,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
pub(in crate::dashboard) struct Shown {
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "mapping_versions.html")]
struct VersionsPage {
    frame: Frame,
    versions: Vec<Version>,
    next: Option<i64>,
}

#[derive(Template)]
#[template(path = "mapping_version.html")]
struct VersionPage {
    frame: Frame,
    version: Version,
    rows: Rows,
    /// What it changed; `None` for the first, which changed nothing.
    changed: Option<Vec<Difference>>,
}

/// `GET /mapping/versions`.
pub(in crate::dashboard) async fn list(
    State(app): State<App>,
    session: Session,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    let page = shown.page.unwrap_or(1).clamp(1, i64::from(i32::MAX) / PAGE);
    let window = Page {
        start_index: (page - 1) * PAGE + 1,
        count: PAGE,
    };
    let found: Versions = documents::read(api::versions(State(app), session.caller(), window).await)?;
    let page = VersionsPage {
        frame: session.frame(Section::Mapping),
        next: (page * PAGE < found.total_results).then_some(page + 1),
        versions: found.versions,
    };
    Ok(html::page(&session, &page))
}

/// `GET /mapping/versions/{version}`.
pub(in crate::dashboard) async fn page(
    State(app): State<App>,
    session: Session,
    Path(number): Path<i64>,
) -> Result<Response, PageFailure> {
    let version = read(&app, &session, Some(number)).await?;
    let changed = match version.version {
        ..=1 => None,
        later => {
            let before = read(&app, &session, Some(later - 1)).await?;
            Some(between(&before.mapping, &version.mapping))
        }
    };
    let page = VersionPage {
        frame: session.frame(Section::Mapping),
        rows: version.rows()?,
        version,
        changed,
    };
    Ok(html::page(&session, &page))
}
