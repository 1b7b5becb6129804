use crate::accept::{AcceptConfig, Acceptor};
use crate::auth::Tokens;
use crate::config::{Config, HttpConfig};
use crate::cursor::Cursors;
use crate::dashboard::{Attempts, Recent, Snapshots};
use crate::events::{Events, KeysFileError};
use crate::gather::Gather;
use crate::limits::{BodyBudget, RateLimit};
use crate::schemas::Schemas;
use rollcall_shared::queue::{QueueConfig, QueueError, Queues};
use rollcall_shared::scim::Limits;
use rollcall_shared::store::mappings::Mappings;
use rollcall_shared::store::{self, ConnectError, PgPool, Plans};
use rollcall_shared::telemetry::Metrics;
use rollcall_shared::webhooks::Reach;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What every handler can reach.
pub(crate) type App = Arc<AppState>;

pub(crate) struct AppState {
    pub http: HttpConfig,
    pub limits: Limits,
    pub pool: PgPool,
    /// The acceptor's connections.
    pub writes: PgPool,
    /// For lists and searches.
    pub searches: PgPool,
    /// Reads of single Users, over connections of their own.
    pub gather: Gather,
    pub cursors: Cursors,
    pub queues: Arc<Queues>,
    pub acceptor: Acceptor,
    pub tokens: Tokens,
    pub schemas: Schemas,
    /// Compiled once for each version, whoever asks.
    pub mappings: Arc<Mappings>,
    pub metrics: Arc<Metrics>,
    pub rate_limit: RateLimit,
    pub bodies: BodyBudget,
    pub requests: Arc<Semaphore>,
    pub events: Events,
    /// Where webhooks may lead.
    pub reach: Reach,
    /// The process was told to stop.
    pub stopping: CancellationToken,
    /// Places for requests that wait until their write is applied.
    pub waiters: Semaphore,
    /// Places for those who follow a run.
    pub followers: Arc<Semaphore>,
    /// Places for open pages of the dashboard.
    pub viewers: Arc<Semaphore>,
    /// What the dashboard shows first.
    pub snapshots: Snapshots,
    /// What was just applied, for those who watch.
    pub recent: Recent,
    /// Attempts to log in to the dashboard.
    pub attempts: Attempts,
}

/// Requests that wait until their write is applied; beyond, the answer is the 202 they would
/// have got in the end.
const WAITERS: usize = 256;

/// Clients that follow a run at the same time; beyond, 503.
const FOLLOWERS: usize = 64;

/// Pages of the dashboard that are kept current at the same time; beyond, they stay as they were loaded.
const VIEWERS: usize = 256;

/// A setting that cannot be used, found at start-up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("DATABASE_URL cannot be used")]
    Postgres(#[source] ConnectError),
    #[error("REDIS_URL cannot be used")]
    Redis(#[source] QueueError),
    #[error("ROLLCALL_EVENT_KEYS_FILE cannot be used")]
    EventKeys(#[source] KeysFileError),
}

impl AppState {
    /// Connects lazily: neither store needs to be up.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub(crate) fn new(config: &Config) -> Result<App, SetupError> {
        let metrics = Metrics::new("api");
        // Writes and gathered reads come in batches, other reads by single keys: they plan their
        // statements differently. And searches, which may be slow, leave all of them their connections.
        let connections = config.postgres.database_connections;
        let for_searches = (connections / 4).max(1);
        let for_reads = (3 * connections / 16).max(1);
        let for_gathering = for_reads;
        let for_writes = connections
            .saturating_sub(for_searches + for_reads + for_gathering)
            .max(1);
        let connect = |connections, plans| {
            store::connect(&config.postgres, connections, plans).map_err(SetupError::Postgres)
        };
        let pool = connect(for_reads, Plans::Free)?;
        let gathering = connect(for_gathering, Plans::ByKey)?;
        let writes = connect(for_writes, Plans::ByKey)?;
        let queues = Queues::connect(&config.redis, QueueConfig::default()).map_err(SetupError::Redis)?;
        let queues = Arc::new(queues);
        let accept = AcceptConfig::default();
        let mappings = Arc::new(Mappings::default());
        let events = Events::new(pool.clone(), config.events.keys_file()).map_err(SetupError::EventKeys)?;
        Ok(Arc::new(AppState {
            http: config.http.clone(),
            limits: config.http.limits(),
            acceptor: Acceptor::new(
                writes.clone(),
                Arc::clone(&queues),
                Arc::clone(&metrics),
                Arc::clone(&mappings),
                accept,
            ),
            tokens: Tokens::new(pool.clone()),
            schemas: Schemas::new(pool.clone()),
            mappings,
            rate_limit: RateLimit::per_second(config.http.requests_per_second),
            bodies: BodyBudget::new(config.http.body_budget_bytes),
            requests: Arc::new(Semaphore::new(
                config.http.requests_in_flight.min(Semaphore::MAX_PERMITS),
            )),
            searches: store::connect_for_searches(
                &config.postgres,
                for_searches,
                config.http.search_timeout(),
            )
            .map_err(SetupError::Postgres)?,
            gather: Gather::new(gathering),
            cursors: Cursors::default(),
            events,
            reach: config.webhooks.reach(),
            stopping: CancellationToken::new(),
            waiters: Semaphore::new(WAITERS),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            snapshots: Snapshots::default(),
            recent: Recent::default(),
            attempts: Attempts::default(),
            pool,
            writes,
            queues,
            metrics,
        }))
    }
}
