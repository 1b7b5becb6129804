//! The SCIM protocol (RFC 7644), served from desired state: a read sees every acknowledged write.

mod answer;
mod async_results;
mod bulk;
mod delete;
mod discovery;
mod later;
mod list;
mod present;
mod read;
mod write;

use crate::state::App;
use axum::routing::{get, post};
use axum::{Extension, Router};
use rollcall_shared::scim::ResourceType;

pub(super) fn routes() -> Router<App> {
    let described = Router::new()
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route_layer(axum::middleware::from_fn(discovery::unfiltered));
    let mut routes = Router::new()
        .route("/Bulk", post(bulk::bulk))
        .route("/.search", post(list::search_everything))
        .route("/Me", axum::routing::any(discovery::me))
        .route("/AsyncResults/{txn}", get(async_results::result))
        .merge(described);
    for kind in ResourceType::ALL {
        routes = routes.merge(resource_routes(kind));
    }
    routes
}

/// Users and Groups are one set of handlers; the kind comes with the route.
fn resource_routes(kind: ResourceType) -> Router<App> {
    let all = kind.endpoint();
    Router::new()
        .route(all, get(list::list).post(write::create))
        .route(&format!("{all}/.search"), post(list::search))
        .route(
            &format!("{all}/{{id}}"),
            get(read::read)
                .put(write::replace)
                .patch(write::patch)
                .delete(delete::delete),
        )
        .layer(Extension(kind))
}
