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
use axum::Extension;
use rollcall_shared::scim::ResourceType;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<App> {
    let described = OpenApiRouter::new()
        .routes(routes!(discovery::service_provider_config))
        .routes(routes!(discovery::schemas))
        .routes(routes!(discovery::schema))
        .routes(routes!(discovery::resource_types))
        .routes(routes!(discovery::resource_type))
        .route_layer(axum::middleware::from_fn(discovery::unfiltered));
    let mut routes = OpenApiRouter::new()
        .routes(routes!(bulk::bulk))
        .routes(routes!(list::search_everything))
        .routes(routes!(discovery::me))
        .routes(routes!(async_results::result))
        .merge(described);
    for kind in ResourceType::ALL {
        routes = routes.merge(resource_routes(kind));
    }
    routes
}

/// Users and Groups are one set of handlers, described as those of Users; the kind comes with the route.
fn resource_routes(kind: ResourceType) -> OpenApiRouter<App> {
    let all: [UtoipaMethodRouter<App>; 3] = [
        routes!(list::list, write::create),
        routes!(list::search),
        routes!(read::read, write::replace, write::patch, delete::delete),
    ];
    let routes = all.into_iter().fold(OpenApiRouter::new(), |routes, described| {
        if kind == ResourceType::User {
            return routes.routes(described);
        }
        let (_, paths, methods) = described;
        let paths = paths.paths.keys();
        paths.fold(routes, |routes, path| {
            let path = path.replace(ResourceType::User.endpoint(), kind.endpoint());
            routes.route(&path, methods.clone())
        })
    });
    routes.layer(Extension(kind))
}
