//! One module per area of the API.

mod content;
mod health;
mod jwks;
mod metrics;
mod openapi;
pub(crate) mod ops;
mod scim;

use crate::auth::Scope;
use crate::dashboard::docs;
use crate::error::Surface;
use crate::state::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes under one path, for tokens of the same scopes.
pub(crate) struct Area {
    /// As it is called in the description of the API.
    pub name: &'static str,
    pub about: &'static str,
    pub root: &'static str,
    /// Which tokens are let in; none: whoever comes.
    pub scopes: &'static [Scope],
    /// In which dialect it refuses.
    pub surface: Surface,
    pub routes: fn() -> OpenApiRouter<App>,
}

pub(crate) const SCIM: Area = Area {
    name: "scim",
    about: "Provisioning by identity providers and HR systems: SCIM 2.0 (RFC 7643, RFC 7644).",
    root: "/scim/v2",
    scopes: &[Scope::Scim],
    surface: Surface::Scim,
    routes: scim::routes,
};

pub(crate) const OPS: Area = Area {
    name: "operator",
    about: "Running the service: what became of a write, what waits and why, the mapping, runs, tokens.",
    root: "/ops/v1",
    scopes: &[Scope::Operator],
    surface: Surface::Problem,
    routes: ops::routes,
};

/// A receipt is for whoever wrote, and for operators.
pub(crate) const RECEIPTS: Area = Area {
    about: "",
    scopes: &[Scope::Operator, Scope::Scim],
    routes: ops::receipt_routes,
    ..OPS
};

/// Tenants are for admins too, who must not reach the rest of /ops, which speaks of one tenant.
pub(crate) const INSTANCE: Area = Area {
    about: "",
    scopes: &[Scope::Operator, Scope::Admin],
    routes: ops::instance_routes,
    ..OPS
};

pub(crate) const CONTENT: Area = Area {
    name: "directory",
    about: "Reading the directory.",
    root: "/content/v1",
    scopes: &[Scope::Content],
    surface: Surface::Problem,
    routes: content::routes,
};

pub(crate) const OPEN: Area = Area {
    name: "service",
    about: "What needs no token.",
    root: "",
    scopes: &[],
    surface: Surface::Problem,
    routes: open_routes,
};

/// All there is but the dashboard, which is for people.
pub(crate) const AREAS: &[Area] = &[SCIM, OPS, RECEIPTS, INSTANCE, CONTENT, OPEN];

fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(jwks::jwks))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(docs::page))
}
