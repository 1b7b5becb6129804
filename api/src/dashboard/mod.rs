//! The dashboard: pages for operators, rendered here, kept current over server-sent events.
//!
//! A page is a template in `api/templates`, a struct and a handler in a module of its own, a route below
//! and a line in [`frame::NAVIGATION`]. docs/dashboard.md tells how.

mod assets;
mod audit;
pub(crate) mod docs;
mod documents;
mod filters;
mod flash;
mod form;
mod frame;
mod history;
mod html;
mod links;
mod live;
mod mapping;
mod org;
mod overview;
mod people;
mod queue;
mod rejections;
mod runs;
mod session;
mod stream;
mod teams;
mod tokens;
mod waiting;

pub(crate) use html::{error_page, protect};
pub(crate) use live::Recent;
pub(crate) use overview::Snapshots;
pub(crate) use session::{Attempts, offer_link};

use crate::error::{Failure, PageFailure, Surface};
use crate::middleware::record;
use crate::state::App;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

/// What only operators who are logged in see. What they do is recorded, as it is under `/ops/v1`.
fn pages() -> Router<App> {
    Router::new()
        .route("/", get(overview::page))
        .route("/overview/events", get(overview::events))
        .route("/live", get(live::page))
        .route("/live/events", get(live::events))
        .route("/waiting", get(waiting::page))
        .route("/waiting/retry", post(waiting::retry))
        .route("/runs", get(runs::page).post(runs::start))
        .route("/runs/events", get(runs::events))
        .route("/runs/schedules/{id}", post(runs::pause_schedule))
        .route("/runs/{id}", get(runs::run_page))
        .route("/runs/{id}/events", get(runs::run_events))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/rejections", get(rejections::page).post(rejections::act))
        .route("/queue", get(queue::page))
        .route("/queue/events", get(queue::events))
        .route("/queue/{lane}/pause", post(queue::pause))
        .route("/queue/{lane}/resume", post(queue::resume))
        .route("/people", get(people::page))
        .route("/people/{id}", get(people::person))
        .route("/people/{id}/retry", post(people::retry))
        .route("/people/{id}/erase", post(people::erase))
        .route("/teams", get(teams::list))
        .route("/teams/{id}", get(teams::page))
        .route("/org", get(org::page))
        .route("/mapping", get(mapping::page))
        .route("/mapping/preview", post(mapping::offer))
        .route("/mapping/previews/{id}", get(mapping::preview))
        .route("/mapping/previews/{id}/events", get(mapping::events))
        .route("/mapping/previews/{id}/apply", post(mapping::apply))
        .route("/mapping/versions", get(mapping::versions))
        .route("/mapping/versions/{version}", get(mapping::version))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}", get(tokens::page))
        .route("/tokens/{id}/rotate", post(tokens::rotate))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/audit", get(audit::page))
        .route("/logout", post(session::logout))
}

/// Every route of the dashboard.
pub(crate) fn routes(app: &App) -> Router<App> {
    let pages = pages()
        .layer(from_fn_with_state((app.clone(), Surface::Page), record))
        .layer(from_fn_with_state(app.clone(), session::guard));
    Router::new()
        .route("/login", get(session::form).post(session::log_in))
        .route("/login/link", post(session::redeem))
        .route("/login/link/{secret}", get(session::link))
        .merge(pages)
        .method_not_allowed_fallback(no_method)
        .route("/assets/{hash}/{name}", get(assets::asset_file))
}

async fn no_method() -> PageFailure {
    let detail = "This page cannot be asked that way.";
    PageFailure(Failure::new(StatusCode::METHOD_NOT_ALLOWED, detail))
}
