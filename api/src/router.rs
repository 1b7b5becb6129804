//! Every route, with what stands before it.

use crate::dashboard;
use crate::error::{Failure, Problem, ScimFailure, Surface};
use crate::extract::ScimRoot;
use crate::middleware::{Allowed, admit, authorize, catch_panic, observe, record};
use crate::routes::{Area, CONTENT, INSTANCE, OPEN, OPS, RECEIPTS, SCIM};
use crate::state::App;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

/// The API: SCIM, operations, content and health.
pub(crate) fn router(app: App) -> Router {
    let scim = routes_of(&SCIM)
        .fallback(no_scim_endpoint)
        .method_not_allowed_fallback(no_scim_method);
    let scim = admitted(&app, authorized(&app, scim, &SCIM), SCIM.surface);
    // The same routes; links in an answer lead to where the client is.
    let under = |root: &'static str| scim.clone().layer(Extension(ScimRoot(root)));

    let receipts = routes_of(&RECEIPTS).method_not_allowed_fallback(no_method);
    let receipts = authorized(&app, receipts, &RECEIPTS);
    let recorded = from_fn_with_state((app.clone(), Surface::Problem), record);
    let ops = problems(routes_of(&OPS).layer(recorded.clone()));
    let ops = authorized(&app, ops, &OPS);
    let instance = routes_of(&INSTANCE)
        .method_not_allowed_fallback(no_method)
        .layer(recorded);
    let instance = authorized(&app, instance, &INSTANCE);
    let ops = admitted(&app, ops.merge(receipts).merge(instance), OPS.surface);

    let content = authorized(&app, problems(routes_of(&CONTENT)), &CONTENT);
    let content = admitted(&app, content, CONTENT.surface);

    let dashboard = admitted(&app, dashboard::routes(&app), Surface::Page);

    Router::new()
        .merge(dashboard)
        .nest(SCIM.root, under(SCIM.root))
        .nest("/scim/v1", under("/scim/v1"))
        .nest(OPS.root, ops)
        .nest(CONTENT.root, content)
        .merge(routes_of(&OPEN))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

fn routes_of(area: &Area) -> Router<App> {
    (area.routes)().into()
}

fn problems(routes: Router<App>) -> Router<App> {
    routes
        .fallback(no_endpoint)
        .method_not_allowed_fallback(no_method)
}

fn authorized(app: &App, routes: Router<App>, area: &Area) -> Router<App> {
    let allowed = Allowed {
        scopes: area.scopes,
        surface: area.surface,
    };
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
