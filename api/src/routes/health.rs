use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rollcall_shared::store::{StoreError, overview};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest time the check waits for either store.
const LONGEST: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8"))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

described!(
    /// Whether writes can be acknowledged, and what is missing.
    ReadyForm, {
        "ready": "boolean",
        "degraded": "boolean: writes are accepted, and applied later",
        "postgres": { "ok": "boolean", "missing?": "string" },
        "redis": { "ok": "boolean", "missing?": "string" },
    }
);

/// `GET /readyz`: whether writes can be acknowledged, and what is missing. That takes Postgres
/// alone; without Redis the service is degraded: accepted, applied after it returns.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, body = ReadyForm),
        (status = 503, description = "Writes cannot be acknowledged.", body = ReadyForm)
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> impl IntoResponse {
    let (postgres, redis) = tokio::join!(postgres(&app), redis(&app));
    let ready = postgres.is_none();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ready": ready,
        "degraded": redis.is_some(),
        "postgres": check(postgres),
        "redis": check(redis),
    });
    (status, Json(body))
}

fn check(missing: Option<String>) -> Value {
    match missing {
        None => json!({ "ok": true }),
        Some(missing) => json!({ "ok": false, "missing": missing }),
    }
}

/// What is missing of Postgres.
async fn postgres(app: &App) -> Option<String> {
    let asked = async { overview::missing_migrations(&mut *app.pool.acquire().await?).await };
    match tokio::time::timeout(LONGEST, asked).await {
        Ok(Ok(missing)) if missing.is_empty() => None,
        Ok(Ok(missing)) => Some(format!(
            "{} migrations are not applied: run rollcall-api migrate",
            missing.len()
        )),
        Ok(Err(StoreError::Unavailable(_))) | Err(_) => Some("Postgres is out of reach".to_owned()),
        Ok(Err(_)) => Some("Postgres refused to tell its migrations".to_owned()),
    }
}

/// What is missing of Redis.
async fn redis(app: &App) -> Option<String> {
    match tokio::time::timeout(LONGEST, app.queues.ping()).await {
        Ok(Ok(health)) if health.noeviction => None,
        Ok(Ok(_)) => Some("maxmemory-policy is not noeviction: Redis may drop jobs".to_owned()),
        Ok(Err(_)) | Err(_) => Some("Redis is out of reach".to_owned()),
    }
}
