//! Every route, with what stands before it.

use crate::auth::Scope;
use crate::dashboard;
use crate::error::{Failure, Problem, ScimFailure, Surface};
use crate::extract::ScimRoot;
use crate::middleware::{Allowed, admit, authorize, catch_panic, observe, record};
use crate::routes;
use crate::state::App;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

/// The API: SCIM, operations, content and health.
pub(crate) fn router(app: App) -> Router {
    let scim = routes::scim()
        .fallback(no_scim_endpoint)
        .method_not_allowed_fallback(no_scim_method);
    let scim = guarded(&app, scim, &[Scope::Scim], Surface::Scim);
    // The same routes; links in an answer lead to where the client is.
    let under = |root: &'static str| scim.clone().layer(Extension(ScimRoot(root)));

    // A receipt is for whoever wrote, and for operators; tenants are for admins too, who must not reach
    // the rest of /ops, which speaks of one tenant.
    let receipts = routes::receipts().method_not_allowed_fallback(no_method);
    let receipts = authorized(&app, receipts, &[Scope::Operator, Scope::Scim], Surface::Problem);
    let recorded = from_fn_with_state((app.clone(), Surface::Problem), record);
    let ops = problems(routes::ops().layer(recorded));
    let ops = authorized(&app, ops, &[Scope::Operator], Surface::Problem);
    let instance = routes::instance()
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state((app.clone(), Surface::Problem), record));
    let instance = authorized(&app, instance, &[Scope::Operator, Scope::Admin], Surface::Problem);
    let ops = admitted(&app, ops.merge(receipts).merge(instance), Surface::Problem);

    let content = guarded(
        &app,
        problems(routes::content()),
        &[Scope::Content],
        Surface::Problem,
    );

    let dashboard = admitted(&app, dashboard::routes(&app), Surface::Page);

    Router::new()
        .merge(dashboard)
        .nest("/scim/v2", under("/scim/v2"))
        .nest("/scim/v1", under("/scim/v1"))
        .nest("/ops/v1", ops)
        .nest("/content/v1", content)
        .route("/.well-known/jwks.json", get(routes::jwks))
        .route("/healthz", get(routes::healthz))
        .route("/readyz", get(routes::readyz))
        .route("/metrics", get(routes::metrics))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

fn problems(routes: Router<App>) -> Router<App> {
    routes
        .fallback(no_endpoint)
        .method_not_allowed_fallback(no_method)
}

fn guarded(app: &App, routes: Router<App>, scopes: &'static [Scope], surface: Surface) -> Router<App> {
    admitted(app, authorized(app, routes, scopes, surface), surface)
}

fn authorized(app: &App, routes: Router<App>, scopes: &'static [Scope], surface: Surface) -> Router<App> {
    let allowed = Allowed { scopes, surface };
    routes.layer(from_fn_with_state((app.clone(), allowed), authorize))
}

fn admitted(app: &App, routes: Router<App>, surface: Surface) -> Router<App> {
    routes
        .layer(from_fn_with_state((app.clone(), surface), admit))
        .layer(CatchPanicLayer::custom(catch_panic(surface)))
}

async fn no_scim_endpoint() -> ScimFailure {
    ScimFailure(Failure::new(StatusCode::NOT_FOUND, "there is no such endpoint"))
}

async fn no_scim_method() -> ScimFailure {
    ScimFailure(Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this endpoint does not take this method",
    ))
}

async fn no_endpoint() -> Problem {
    Problem(Failure::new(StatusCode::NOT_FOUND, "there is no such endpoint"))
}

/// Outside of every area. A client that asks for another version of SCIM is told in SCIM, a browser
/// by a page.
async fn nowhere(uri: Uri, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let surface = match accept {
        _ if uri.path().starts_with("/scim/") => Surface::Scim,
        Some(accept) if accept.contains("text/html") => Surface::Page,
        _ => Surface::Problem,
    };
    surface.response(Failure::new(StatusCode::NOT_FOUND, "there is no such endpoint"))
}

async fn no_method() -> Problem {
    Problem(Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this endpoint does not take this method",
    ))
}
