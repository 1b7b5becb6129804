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
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(people::list))
        .routes(routes!(person::read))
        .routes(routes!(tree::managers))
        .routes(routes!(tree::reports))
        .routes(routes!(teams::list))
        .routes(routes!(teams::read))
        .routes(routes!(teams::members))
        .routes(routes!(changes::changes))
}
