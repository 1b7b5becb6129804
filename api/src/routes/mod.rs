//! One module per area of the API.

mod content;
mod health;
mod jwks;
mod metrics;
pub(crate) mod ops;
mod scim;

pub(crate) use self::health::{healthz, readyz};
pub(crate) use self::jwks::jwks;
pub(crate) use self::metrics::metrics;

use crate::state::App;
use axum::Router;

/// Under `/content/v1`, for tokens of the scope `content`.
pub(crate) fn content() -> Router<App> {
    content::routes()
}

/// Under `/scim/v2`, for tokens of the scope `scim`.
pub(crate) fn scim() -> Router<App> {
    scim::routes()
}

/// Under `/ops/v1`, for tokens of the scope `operator`.
pub(crate) fn ops() -> Router<App> {
    ops::routes()
}

/// Under `/ops/v1`, for tokens of the scope `operator`, who see their tenant there, or `admin`.
pub(crate) fn instance() -> Router<App> {
    ops::instance_routes()
}

/// Under `/ops/v1`, for tokens of the scope `operator` or `scim`.
pub(crate) fn receipts() -> Router<App> {
    ops::receipt_routes()
}
