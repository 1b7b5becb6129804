use crate::state::App;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use rollcall_shared::telemetry::{Metrics, read_gauges};

/// `GET /metrics`: figures of this process and of the deployment, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (
            status = 200,
            body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
    )
)]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    read_gauges(&app.metrics, &app.pool, &app.queues).await;
    (
        [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
        app.metrics.encode(),
    )
}
