//! `/docs`: what the API tells of itself, for people. Rendered once; nobody's data is on it.

mod guides;
mod markdown;
mod page;
mod reference;

use super::protect;
use crate::constant::{CACHED, Constant};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use std::sync::LazyLock;

static PAGE: LazyLock<Constant> = LazyLock::new(|| Constant::new(page::render(), "text/html; charset=utf-8"));

/// `GET /docs`: first steps and this description, as a page. 304 when the client has this one.
#[utoipa::path(
    get,
    path = "/docs",
    params(("If-None-Match" = Option<String>, Header, description = "The version that the client has.")),
    responses(
        (status = 200, body = String, content_type = "text/html; charset=utf-8", headers(("ETag"), ("Cache-Control"))),
        (status = 304, headers(("ETag"), ("Cache-Control")))
    )
)]
pub(crate) async fn page(headers: HeaderMap) -> Response {
    let mut response = PAGE.answer(&headers);
    protect(response.headers_mut());
    // Unlike those of the dashboard it holds nobody's data.
    response.headers_mut().insert(header::CACHE_CONTROL, CACHED);
    response
}
