use crate::constant::Constant;
use crate::openapi;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Constant> =
    LazyLock::new(|| Constant::new(openapi::document().to_string(), "application/json"));

/// `GET /openapi.json`: this description, in OpenAPI 3.1. 304 when the client has this one.
#[utoipa::path(
    get,
    path = "/openapi.json",
    params(("If-None-Match" = Option<String>, Header, description = "The version that the client has.")),
    responses(
        (status = 200, body = Object, headers(("ETag"), ("Cache-Control"))),
        (status = 304, headers(("ETag"), ("Cache-Control")))
    )
)]
pub(super) async fn document(headers: HeaderMap) -> Response {
    DOCUMENT.answer(&headers)
}
