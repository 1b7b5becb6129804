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
mod queue_samples;
mod receipt_list;
mod receipts;
pub(crate) mod rejections;
mod run_events;
pub(crate) mod runs;
pub(crate) mod schedules;
mod schemas;
mod settings;
pub(crate) mod suggest;
pub(crate) mod teams;
mod tenants;
pub(crate) mod tokens;
pub(crate) mod waiting;
mod webhooks;

use crate::state::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(queue::queue))
        .routes(routes!(queue_samples::samples))
        .routes(routes!(queue::pause))
        .routes(routes!(queue::resume))
        .routes(routes!(receipt_list::list))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::requeue))
        .routes(routes!(schemas::list))
        .routes(routes!(schemas::read, schemas::put, schemas::delete))
        .routes(routes!(settings::read, settings::put, settings::patch))
        .routes(routes!(people::search))
        .routes(routes!(people::person))
        .routes(routes!(erase::erase))
        .routes(routes!(links::links))
        .routes(routes!(links::retry))
        .routes(routes!(nesting::links))
        .routes(routes!(history::of_person))
        .routes(routes!(org::org))
        .routes(routes!(teams::list, new_team::create))
        .routes(routes!(teams::team))
        .routes(routes!(teams::members))
        .routes(routes!(teams::history))
        .routes(routes!(waiting::list))
        .routes(routes!(waiting::retry))
        .routes(routes!(schedules::list, schedules::create))
        .routes(routes!(
            schedules::read,
            schedules::put,
            schedules::patch,
            schedules::delete
        ))
        .routes(routes!(rejections::list))
        .routes(routes!(rejections::retry))
        .routes(routes!(rejections::discard))
        .routes(routes!(rejections::restore))
        .routes(routes!(mapping::current, mapping::put::put))
        .routes(routes!(mapping::versions))
        .routes(routes!(mapping::version))
        .routes(routes!(mapping::preview::start))
        .routes(routes!(mapping::preview::find))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::find))
        .routes(routes!(runs::cancel))
        .routes(routes!(run_events::events))
        .merge(webhooks::routes())
}

pub(super) fn instance_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(audit::list))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(tenants::read, tenants::rename))
        .routes(routes!(tenants::suspend))
        .routes(routes!(tenants::resume))
        .routes(routes!(tenants::tokens, tenants::create_token))
        .routes(routes!(tenants::revoke_token))
}

pub(super) fn receipt_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receipts::receipt))
}
