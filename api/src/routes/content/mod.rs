//! The directory for whoever builds on it: read-only, with tokens of the scope `content`.

mod answer;
mod changes;
mod pages;
mod people;
mod person;
mod shown;
mod teams;
mod tree;

use crate::state::App;
use axum::Router;
use axum::routing::get;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/people", get(people::list))
        .route("/people/{key}", get(person::read))
        .route("/people/{key}/managers", get(tree::managers))
        .route("/people/{key}/reports", get(tree::reports))
        .route("/teams", get(teams::list))
        .route("/teams/{id}", get(teams::read))
        .route("/teams/{id}/members", get(teams::members))
        .route("/changes", get(changes::changes))
}
