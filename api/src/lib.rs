//! The API process: takes SCIM writes, acknowledges each as soon as Postgres has it, and answers
//! reads, receipts and figures.

pub mod accept;
mod auth;
pub mod cli;
mod config;
mod constant;
mod cursor;
mod dashboard;
mod error;
mod events;
mod extract;
mod gather;
mod limits;
mod middleware;
mod openapi;
mod router;
mod routes;
mod schemas;
mod state;

pub use config::{Config, EventConfig, HttpConfig};
pub use openapi::document as openapi;
pub use state::SetupError;

use axum::serve::ListenerExt as _;
use rollcall_shared::store::{StoreError, async_results, sessions};
use state::{App, AppState};
use std::future::{Future, IntoFuture as _};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often the last use of tokens is written, idle rate-limit state dropped, and results that
/// are too old.
const HOUSEKEEPING: Duration = Duration::from_secs(15);

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("the server cannot take connections")]
    Listen(#[source] std::io::Error),
}

/// Serve until `shutdown` resolves; then take no more connections, let requests under way
/// finish within the configured time, and return.
///
/// # Errors
/// When a setting cannot be used or the listener fails. A store that is down is no error: the
/// server starts, reports itself not ready and answers 503.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let app = AppState::new(&config)?;
    let drain = config.http.drain();
    let stopping = app.stopping.clone();
    let housekeeping = tokio::spawn(housekeeping(app.clone(), stopping.clone()));
    tracing::info!(
        address = listener.local_addr().ok().map(tracing::field::display),
        version = env!("CARGO_PKG_VERSION"),
        "API listens"
    );

    // An answer is small and whole: there is nothing to wait for before it is sent.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(error, "TCP_NODELAY cannot be set");
        }
    });
    let told = stopping.clone();
    tokio::spawn(async move {
        shutdown.await;
        tracing::info!("API stops: no new connections, requests under way may finish");
        told.cancel();
    });
    let service = router::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let bound = async {
        stopping.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    let served = tokio::select! {
        served = server.into_future() => served,
        () = bound => {
            tracing::warn!(drain_seconds = drain.as_secs(), "requests still under way were cut off");
            Ok(())
        }
    };
    stopping.cancel();
    if housekeeping.await.is_err() {
        tracing::error!("the housekeeping task panicked");
    }
    app.pool.close().await;
    app.writes.close().await;
    app.searches.close().await;
    app.gather.close().await;
    tracing::info!("API stopped");
    served.map_err(ServeError::Listen)
}

/// Results dropped in one round.
const RESULTS_A_ROUND: i64 = 50_000;

async fn housekeeping(app: App, stopping: tokio_util::sync::CancellationToken) {
    // The first process of a deployment makes its key. Without Postgres, whoever needs it will.
    if let Err(error) = app.events.keys().await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "the keys of events could not be read yet");
    }
    loop {
        let stops = stopping
            .run_until_cancelled(tokio::time::sleep(HOUSEKEEPING))
            .await
            .is_none();
        if let Err(error) = app.tokens.write_last_uses().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the last use of tokens could not be written");
        }
        app.rate_limit.forget_idle();
        app.attempts.forget_idle();
        if let Err(error) = drop_old_results(&app).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "old results of asynchronous requests could not be dropped");
        }
        if let Err(error) = drop_ended_sessions(&app).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "sessions whose time is over could not be dropped");
        }
        if stops {
            return;
        }
    }
}

async fn drop_old_results(app: &App) -> Result<(), StoreError> {
    let mut connection = app.pool.acquire().await?;
    async_results::drop_old(&mut connection, RESULTS_A_ROUND).await?;
    Ok(())
}

async fn drop_ended_sessions(app: &App) -> Result<(), StoreError> {
    let mut connection = app.pool.acquire().await?;
    sessions::drop_ended(&mut connection).await
}
