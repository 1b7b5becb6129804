use crate::error::{Failure, Problem};
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// `GET /.well-known/jwks.json`: the public keys (RFC 7517) that completion events are checked
/// with. A new key is published before it signs, longer than this answer may be kept.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/KeySet"),
            content_type = "application/jwk-set+json",
            headers(("Cache-Control"))
        ),
        (status = 503)
    )
)]
pub(super) async fn jwks(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.events.keys().await.map_err(Failure::from)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/jwk-set+json"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=300"),
        ),
    ];
    Ok((headers, keys.jwks().to_string()).into_response())
}
