use crate::state::App;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use rollcall_shared::telemetry::{Metrics, read_gauges};

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    read_gauges(&app.metrics, &app.pool, &app.queues).await;
    (
        [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
        app.metrics.encode(),
    )
}
