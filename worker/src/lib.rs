//! The worker process: applies what the API accepted to the directory.

mod arrivals;
pub mod cli;
mod config;
mod context;
pub mod error;
pub mod failpoints;
mod feed;
mod handlers;
mod http;
mod limiter;
mod pauses;
pub mod reconcile;
mod registry;
pub mod runs;
mod together;
mod webhooks;

pub use config::{Config, WorkConfig};
pub use webhooks::TrustError;

use arrivals::Arrivals;
use context::Context;
use limiter::Limiter;
use pauses::Pauses;
use reconcile::Engine;
use rollcall_shared::queue::{ALIVE, QueueConfig, QueueError, Queues};
use rollcall_shared::store::{self, ConnectError};
use rollcall_shared::telemetry::Metrics;
use runs::Courtesy;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use together::Together;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use webhooks::Deliverer;

/// How often this process says that it lives, and learns how many others do.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long connections get to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Why the worker ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("DATABASE_URL cannot be used")]
    Postgres(#[source] ConnectError),
    #[error("REDIS_URL cannot be used")]
    Redis(#[source] QueueError),
    #[error("ROLLCALL_WORKER_LISTEN cannot be listened on")]
    Listen(#[source] std::io::Error),
    #[error("webhooks cannot be delivered over TLS")]
    Tls(#[source] TrustError),
    #[error("the queue's workers failed")]
    Workers(#[source] rollcall_shared::queue::BoxError),
}

/// Work until `shutdown` resolves; then take no more jobs, finish those under way within the
/// configured time, and return.
///
/// # Errors
/// When a setting cannot be used. A store that is down is no error, and neither are jobs that
/// do not finish in time: another process takes them over when their leases run out.
pub async fn run(
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WorkError> {
    let queue_config = QueueConfig {
        lease: config.work.lease(),
        ..QueueConfig::default()
    };
    let queues = Queues::connect(&config.redis, queue_config).map_err(WorkError::Redis)?;
    let queues = Arc::new(queues);
    let connections = config.postgres.database_connections;
    let pool =
        store::connect(&config.postgres, connections, store::Plans::ByKey).map_err(WorkError::Postgres)?;
    let metrics = Metrics::new("worker");
    let context = Arc::new(Context {
        engine: Engine::new(pool.clone(), Arc::clone(&queues), Arc::clone(&metrics)),
        limiter: Limiter::new(
            config.work.apply_per_second,
            config.work.apply_per_second_per_tenant,
        ),
        courtesy: Courtesy::default(),
        pauses: Pauses::default(),
        together: Together::new(config.work.live_concurrency, config.work.bulk_concurrency),
        arrivals: Arrivals::default(),
        pool,
        queues,
        metrics,
    });
    let deliverer = Deliverer::new(
        Arc::clone(&context),
        config.webhooks.reach(),
        config.work.webhooks_ca_file(),
        config.work.webhooks_concurrency,
    );
    let deliverer = deliverer.map_err(WorkError::Tls)?;
    let listener = TcpListener::bind(config.work.worker_listen)
        .await
        .map_err(WorkError::Listen)?;
    let process = process_name();
    tracing::info!(
        address = listener.local_addr().ok().map(tracing::field::display),
        version = env!("CARGO_PKG_VERSION"),
        process,
        "worker starts"
    );
    let stopping = CancellationToken::new();
    let stopped = CancellationToken::new();
    // The share of the rate is known before the first job is taken, if Redis can tell.
    let _ = tokio::time::timeout(HEARTBEAT, beat(&context, &process)).await;
    // So are the paused lanes, if Postgres can.
    let _ = tokio::time::timeout(HEARTBEAT, pauses::look(&context)).await;
    let heart = tokio::spawn(heartbeats(Arc::clone(&context), process.clone(), stopped.clone()));
    let looker = tokio::spawn(pauses::run(Arc::clone(&context), stopped.clone()));
    let feeder = tokio::spawn(feed::run(Arc::clone(&context), stopping.clone()));
    let sampler = tokio::spawn(feed::samples::run(Arc::clone(&context), stopping.clone()));
    let keeper = tokio::spawn(feed::retention::run(Arc::clone(&context), stopping.clone()));
    let keeping = config.work.keeping();
    let cutter = tokio::spawn(feed::periods::run(
        Arc::clone(&context),
        keeping,
        stopping.clone(),
    ));
    let deliverer = tokio::spawn(deliverer.run(stopping.clone()));
    let server = tokio::spawn(http::serve(Arc::clone(&context), listener, stopped.clone()));
    let signal = {
        let stopping = stopping.clone();
        async move {
            shutdown.await;
            tracing::info!("worker stops: no new jobs, those under way may finish");
            stopping.cancel();
            Ok(())
        }
    };
    let (drain, told) = (config.work.drain(), stopping.clone());
    let too_long = async move {
        told.cancelled().await;
        tokio::time::sleep(drain).await;
        tracing::warn!("jobs were still running; others take them over when their leases run out");
    };
    let monitor = registry::monitor(&context, &config.work, &process).with_terminator(too_long);
    let drained = monitor.run_with_signal(signal).await;
    stopping.cancel();
    let _ = tokio::time::timeout(CLOSING, context.arrivals.finished()).await;
    let _ = tokio::join!(feeder, keeper, cutter, sampler, deliverer);
    stopped.cancel();
    let _ = tokio::join!(heart, looker, server);
    let _ = tokio::time::timeout(HEARTBEAT, context.queues.depart(&process)).await;
    // What was not finished in time may hold connections that never answer.
    let _ = tokio::time::timeout(CLOSING, context.pool.close()).await;
    drained.map_err(|error| WorkError::Workers(error.into()))
}

/// Unique per start; begins with the machine's name, by which operators know a process.
fn process_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let start = uuid::Uuid::new_v4().simple().to_string();
    format!("{host}-{}-{}", std::process::id(), &start[..8])
}

async fn beat(context: &Context, process: &str) {
    // While Redis is down the last known number of processes stays in force.
    if let Ok(processes) = context.queues.heartbeat(process, ALIVE).await {
        context.limiter.share_among(processes);
    }
}

async fn heartbeats(context: Arc<Context>, process: String, stopped: CancellationToken) {
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let _ = tokio::time::timeout(ALIVE, beat(&context, &process)).await;
        context.limiter.tidy();
    }
}
