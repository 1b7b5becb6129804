use crate::error::{Failure, Surface};
use crate::middleware::drain;
use crate::state::App;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// Bound how many requests are answered at the same time, and for how long.
pub(crate) async fn admit(
    State((app, surface)): State<(App, Surface)>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = Arc::clone(&app.requests).try_acquire_owned() else {
        let (parts, body) = request.into_parts();
        drain(&parts.headers, body).await;
        return surface.response(Failure::unavailable(
            "too many requests are under way; try again in a moment",
        ));
    };
    match tokio::time::timeout(app.http.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => surface.response(Failure::unavailable(
            "the request took too long; a write may have been accepted, and repeating it is safe",
        )),
    }
}
