use clap::Args;
use rollcall_shared::config::{PostgresConfig, RedisConfig, WebhookConfig};
use rollcall_shared::scim::Limits;
use rollcall_shared::telemetry::TraceConfig;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub postgres: PostgresConfig,
    #[command(flatten)]
    pub redis: RedisConfig,
    #[command(flatten)]
    pub http: HttpConfig,
    #[command(flatten)]
    pub events: EventConfig,
    #[command(flatten)]
    pub traces: TraceConfig,
    #[command(flatten)]
    pub webhooks: WebhookConfig,
}

/// How the API is reached, and what it lets one client do.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpConfig {
    /// Address and port to listen on
    #[arg(
        long,
        env = "ROLLCALL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Scheme and host under which clients reach this server; needed behind a proxy, otherwise
    /// taken from the Host header
    #[arg(long, env = "ROLLCALL_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Requests per second one token may make, and the size of its burst; 0: no limit
    #[arg(
        long,
        env = "ROLLCALL_REQUESTS_PER_SECOND",
        default_value_t = 1000,
        value_name = "N"
    )]
    pub requests_per_second: u32,

    /// Requests answered at the same time; over it, 503
    #[arg(
        long,
        env = "ROLLCALL_REQUESTS_IN_FLIGHT",
        default_value_t = 1024,
        value_name = "N"
    )]
    pub requests_in_flight: usize,

    /// Bytes of request bodies held in memory at the same time; over it, 503
    #[arg(long, env = "ROLLCALL_BODY_BUDGET_BYTES", default_value_t = 64 * 1024 * 1024, value_name = "BYTES")]
    pub body_budget_bytes: usize,

    /// Bytes of one request body; over it, 413
    #[arg(long, env = "ROLLCALL_BODY_BYTES", default_value_t = 1024 * 1024, value_name = "BYTES")]
    pub body_bytes: usize,

    /// Bytes of one bulk request's body; over it, 413
    #[arg(long, env = "ROLLCALL_BULK_BODY_BYTES", default_value_t = 10 * 1024 * 1024, value_name = "BYTES")]
    pub bulk_body_bytes: usize,

    /// Operations of one bulk request; over it, 413
    #[arg(
        long,
        env = "ROLLCALL_BULK_OPERATIONS",
        default_value_t = 1000,
        value_name = "N"
    )]
    pub bulk_operations: usize,

    /// Milliseconds a search may take in the database; over it, 400 tooMany
    #[arg(
        long,
        env = "ROLLCALL_SEARCH_TIMEOUT_MILLISECONDS",
        default_value_t = 5000,
        value_name = "MILLISECONDS"
    )]
    pub search_timeout_milliseconds: u64,

    /// Seconds a cursor of a list can be used
    #[arg(
        long,
        env = "ROLLCALL_CURSOR_SECONDS",
        default_value_t = 3600,
        value_name = "SECONDS"
    )]
    pub cursor_seconds: u32,

    /// Seconds until a request that is not answered gets a 503
    #[arg(
        long,
        env = "ROLLCALL_REQUEST_TIMEOUT_SECONDS",
        default_value_t = 50,
        value_name = "SECONDS"
    )]
    pub request_timeout_seconds: u64,

    /// Seconds that requests under way get to finish when the process is told to stop
    #[arg(
        long,
        env = "ROLLCALL_DRAIN_SECONDS",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    pub drain_seconds: u64,
}

impl HttpConfig {
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    pub fn search_timeout(&self) -> Duration {
        Duration::from_millis(self.search_timeout_milliseconds)
    }

    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// What ServiceProviderConfig advertises and the routes enforce.
    pub fn limits(&self) -> Limits {
        Limits {
            bulk_operations: self.bulk_operations,
            bulk_payload_bytes: self.bulk_body_bytes,
            cursor_seconds: self.cursor_seconds,
            ..Limits::default()
        }
    }
}

/// How the completion events of asynchronous requests are signed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Events")]
pub struct EventConfig {
    /// PEM file of P-256 keys for signing events: the first, a private one, signs; others,
    /// private or public, are published beside it for receivers to check older events with.
    /// Without it, a key is made at the first start and kept in Postgres
    #[arg(long, env = "ROLLCALL_EVENT_KEYS_FILE", value_name = "FILE")]
    event_keys_file: Option<String>,
}

impl EventConfig {
    /// The file, where one is set; an empty setting is none.
    pub fn keys_file(&self) -> Option<&Path> {
        let file = self.event_keys_file.as_deref().filter(|file| !file.is_empty());
        file.map(Path::new)
    }
}
