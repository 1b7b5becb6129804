//! What the worker tells over HTTP: that it lives, that it is ready, and its figures.

use crate::context::Context;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use rollcall_shared::store;
use rollcall_shared::telemetry::{Metrics, read_gauges};
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serve until told to stop.
pub(crate) async fn serve(context: Arc<Context>, listener: TcpListener, stopping: CancellationToken) {
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(context);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the worker's listener failed"
        );
    }
}

/// Ready to apply: both stores answer.
async fn readyz(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let postgres = match store::ping(&context.pool).await {
        Ok(()) => "ok",
        Err(_) => "unreachable",
    };
    let redis = match context.queues.ping().await {
        Ok(health) if health.noeviction => "ok",
        Ok(_) => "maxmemory-policy is not noeviction",
        Err(_) => "unreachable",
    };
    let ready = postgres == "ok" && redis == "ok";
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({ "ready": ready, "postgres": postgres, "redis": redis })),
    )
}

async fn metrics(State(context): State<Arc<Context>>) -> impl IntoResponse {
    read_gauges(&context.metrics, &context.pool, &context.queues).await;
    (
        [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
        context.metrics.encode(),
    )
}
