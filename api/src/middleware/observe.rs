use crate::auth::Token;
use crate::state::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::telemetry::{RequestLabels, StatusClass};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument as _, field};
use uuid::Uuid;

/// Identifies one request in the log; sent back with its answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The receipt of an accepted write (RFC 9967).
pub(crate) const SET_TXN: HeaderName = HeaderName::from_static("set-txn");

/// Give the request an id, and write one log line and one observation when it is answered.
/// The line has the route's template, never the path: paths hold ids, queries hold names.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7();
    let method = known_method(request.method().as_str());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = next.run(request).instrument(span).await;

    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    log(&id, method, &route, elapsed, &response);
    let labels = RequestLabels {
        method: method.to_owned(),
        route,
        status: StatusClass::of(status),
    };
    app.metrics.http_requests.get_or_create(&labels).inc();
    app.metrics
        .http_request_duration_seconds
        .get_or_create(&labels)
        .observe(elapsed.as_secs_f64());
    response
}

/// One line per request; the probes of the platform, which come every few seconds, only when
/// debugging.
fn log(id: &Uuid, method: &str, route: &str, elapsed: Duration, response: &Response) {
    let token = response.extensions().get::<Arc<Token>>();
    let txn = response
        .headers()
        .get(SET_TXN)
        .and_then(|value| value.to_str().ok());
    let tenant = token.map(|token| token.tenant.0);
    let token = token.map(|token| field::display(token.id));
    let status = response.status().as_u16();
    let duration_ms = elapsed.as_micros() as f64 / 1000.0;
    let probe = matches!(route, "/healthz" | "/readyz" | "/metrics");
    if probe {
        tracing::debug!(request_id = %id, method, route, status, duration_ms, "probe answered");
    } else {
        tracing::info!(
            request_id = %id, method, route, status, duration_ms, tenant, token, txn, "request answered"
        );
    }
}

/// Methods are labels: one that a client made up must not become another.
fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
