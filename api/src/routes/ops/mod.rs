//! Running the service: what became of a write, how far the directory is, and the tenant's schemas.

mod dead_letters;
mod overview;
mod receipts;
mod run_events;
mod runs;
mod schemas;

use crate::state::App;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/overview", get(overview::overview))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/requeue", post(dead_letters::requeue))
        .route("/schemas", get(schemas::list))
        .route(
            "/schemas/{urn}",
            get(schemas::read).put(schemas::put).delete(schemas::delete),
        )
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/{id}", get(runs::find))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/runs/{id}/events", get(run_events::events))
}

pub(super) fn receipt_routes() -> Router<App> {
    Router::new().route("/receipts/{receipt}", get(receipts::receipt))
}
