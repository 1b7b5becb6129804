use crate::auth::Token;
use crate::state::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::telemetry::{RequestLabels, StatusClass, traces};
use rollcall_shared::traced;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

/// Identifies one request in the log; sent back with its answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Whose trace the request is part of (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
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
    let traced = trace(&id, method, &route, request.headers());
    let mut response = next
        .run(request)
        .instrument(traced.clone())
        .instrument(span)
        .await;

    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    log(&id, method, &route, elapsed, &response);
    end(&traced, &response);
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

/// The request as a trace shows it, part of the caller's trace where they have one.
fn trace(id: &Uuid, method: &str, route: &str, headers: &HeaderMap) -> Span {
    if is_probe(route) {
        return Span::none();
    }
    let span = traced!(
        parent: None,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        request_id = %id,
        tenant = field::Empty,
        txn = field::Empty,
    );
    let traceparent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    traces::go_on(&span, traceparent);
    span
}

fn end(span: &Span, response: &Response) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    if let Some(token) = response.extensions().get::<Arc<Token>>() {
        span.record("tenant", token.tenant.0);
    }
    if let Some(txn) = response.headers().get(SET_TXN).and_then(|txn| txn.to_str().ok()) {
        span.record("txn", txn);
    }
}

fn is_probe(route: &str) -> bool {
    matches!(route, "/healthz" | "/readyz" | "/metrics")
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
    if is_probe(route) {
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
