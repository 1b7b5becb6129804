//! Running the service: what became of a write, how far the directory is, and the tenant's schemas.

mod dead_letters;
mod links;
mod new_team;
mod overview;
mod people;
mod receipts;
mod run_events;
mod runs;
mod schemas;
mod suggest;
mod waiting;

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
        .route("/people", get(people::search))
        .route("/people/{id}", get(people::person))
        .route("/people/{id}/links", get(links::links))
        .route("/people/{id}/links/retry", post(links::retry))
        .route("/teams", post(new_team::create))
        .route("/waiting", get(waiting::list))
        .route("/waiting/retry", post(waiting::retry))
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/{id}", get(runs::find))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/runs/{id}/events", get(run_events::events))
}

pub(super) fn receipt_routes() -> Router<App> {
    Router::new().route("/receipts/{receipt}", get(receipts::receipt))
}
