//! Running the service: what became of a write, and how far the directory is.

mod overview;
mod receipts;

use crate::state::App;
use axum::Router;
use axum::routing::get;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/overview", get(overview::overview))
}

pub(super) fn receipt_routes() -> Router<App> {
    Router::new().route("/receipts/{receipt}", get(receipts::receipt))
}
