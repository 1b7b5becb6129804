//! Running the service: what became of a write, how far the directory is, and the tenant's schemas.

pub(crate) mod audit;
mod dead_letters;
pub(crate) mod erase;
pub(crate) mod history;
pub(crate) mod links;
pub(crate) mod mapping;
pub(crate) mod nesting;
mod new_team;
pub(crate) mod org;
mod overview;
pub(crate) mod people;
mod preconditions;
mod push;
pub(crate) mod queue;
mod receipt_list;
mod receipts;
mod rejections;
mod run_events;
mod runs;
mod schedules;
mod schemas;
mod settings;
mod suggest;
pub(crate) mod teams;
mod tenants;
pub(crate) mod tokens;
mod waiting;
mod webhooks;

use crate::state::App;
use axum::Router;
use axum::routing::{delete, get, post};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/overview", get(overview::overview))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}", delete(tokens::revoke))
        .route("/tokens/{id}/rotate", post(tokens::rotate))
        .route("/queue", get(queue::queue))
        .route("/queue/samples", get(queue::samples))
        .route("/queue/{lane}/pause", post(queue::pause))
        .route("/queue/{lane}/resume", post(queue::resume))
        .route("/receipts", get(receipt_list::list))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/requeue", post(dead_letters::requeue))
        .route("/schemas", get(schemas::list))
        .route(
            "/schemas/{urn}",
            get(schemas::read).put(schemas::put).delete(schemas::delete),
        )
        .route(
            "/settings",
            get(settings::read).put(settings::put).patch(settings::patch),
        )
        .route("/people", get(people::search))
        .route("/people/{id}", get(people::person))
        .route("/people/{id}/data", delete(erase::erase))
        .route("/people/{id}/links", get(links::links))
        .route("/people/{id}/links/retry", post(links::retry))
        .route("/teams/{id}/links", get(nesting::links))
        .route("/people/{id}/history", get(history::of_person))
        .route("/org", get(org::org))
        .route("/teams", get(teams::list).post(new_team::create))
        .route("/teams/{id}", get(teams::team))
        .route("/teams/{id}/members", get(teams::members))
        .route("/teams/{id}/history", get(teams::history))
        .route("/waiting", get(waiting::list))
        .route("/waiting/retry", post(waiting::retry))
        .route("/schedules", get(schedules::list).post(schedules::create))
        .route(
            "/schedules/{id}",
            get(schedules::read)
                .put(schedules::put)
                .patch(schedules::patch)
                .delete(schedules::delete),
        )
        .route("/rejections", get(rejections::list))
        .route("/rejections/retry", post(rejections::retry))
        .route("/rejections/discard", post(rejections::discard))
        .route("/rejections/restore", post(rejections::restore))
        .route("/mapping", get(mapping::current).put(mapping::put))
        .route("/mapping/versions", get(mapping::versions))
        .route("/mapping/versions/{version}", get(mapping::version))
        .route("/mapping/preview", post(mapping::preview))
        .route("/mapping/previews/{id}", get(mapping::find_preview))
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/{id}", get(runs::find))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/runs/{id}/events", get(run_events::events))
        .merge(webhooks::routes())
}

pub(super) fn instance_routes() -> Router<App> {
    Router::new()
        .route("/audit", get(audit::list))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{id}", get(tenants::read).patch(tenants::rename))
        .route("/tenants/{id}/suspend", post(tenants::suspend))
        .route("/tenants/{id}/resume", post(tenants::resume))
        .route(
            "/tenants/{id}/tokens",
            get(tenants::tokens).post(tenants::create_token),
        )
        .route("/tenants/{id}/tokens/{token}", delete(tenants::revoke_token))
}

pub(super) fn receipt_routes() -> Router<App> {
    Router::new().route("/receipts/{receipt}", get(receipts::receipt))
}
