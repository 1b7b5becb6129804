//! Running the service: what became of a write, and how far the directory is.

mod dead_letters;
mod overview;
mod receipts;

use crate::state::App;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/overview", get(overview::overview))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/requeue", post(dead_letters::requeue))
}

pub(super) fn receipt_routes() -> Router<App> {
    Router::new().route("/receipts/{receipt}", get(receipts::receipt))
}
