use clap::Args;
use rollcall_shared::config::{PostgresConfig, RedisConfig, WebhookConfig};
use rollcall_shared::store::periods::Keeping;
use rollcall_shared::telemetry::TraceConfig;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Settings of the worker.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub postgres: PostgresConfig,
    #[command(flatten)]
    pub redis: RedisConfig,
    #[command(flatten)]
    pub work: WorkConfig,
    #[command(flatten)]
    pub traces: TraceConfig,
    #[command(flatten)]
    pub webhooks: WebhookConfig,
}

/// How much work is done at once, and how fast.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Work")]
pub struct WorkConfig {
    /// Address and port of /healthz, /readyz and /metrics
    #[arg(
        long,
        env = "ROLLCALL_WORKER_LISTEN",
        default_value = "127.0.0.1:8081",
        value_name = "ADDRESS"
    )]
    pub worker_listen: SocketAddr,

    /// Changes applied per second by all workers together, in keys (a person, a team or one
    /// membership each); 0: no limit
    #[arg(
        long,
        env = "ROLLCALL_APPLY_PER_SECOND",
        default_value_t = 20_000,
        value_name = "N"
    )]
    pub apply_per_second: u32,

    /// Changes applied per second for one tenant by all workers together; 0: no limit
    #[arg(
        long,
        env = "ROLLCALL_APPLY_PER_SECOND_PER_TENANT",
        default_value_t = 10_000,
        value_name = "N"
    )]
    pub apply_per_second_per_tenant: u32,

    /// Transactions of single writes at once; small jobs of a tenant are applied together
    #[arg(
        long,
        env = "ROLLCALL_LIVE_CONCURRENCY",
        default_value_t = 4,
        value_name = "N"
    )]
    pub live_concurrency: usize,

    /// Transactions of bulk requests at once; small jobs of a tenant are applied together
    #[arg(
        long,
        env = "ROLLCALL_BULK_CONCURRENCY",
        default_value_t = 4,
        value_name = "N"
    )]
    pub bulk_concurrency: usize,

    /// Jobs that look at waiting links handled at once
    #[arg(
        long,
        env = "ROLLCALL_LINKS_CONCURRENCY",
        default_value_t = 2,
        value_name = "N"
    )]
    pub links_concurrency: usize,

    /// Parts of resync runs compared at once
    #[arg(
        long,
        env = "ROLLCALL_RUNS_CONCURRENCY",
        default_value_t = 1,
        value_name = "N"
    )]
    pub runs_concurrency: usize,

    /// Webhooks delivered to at once; each is one request at a time
    #[arg(
        long,
        env = "ROLLCALL_WEBHOOKS_CONCURRENCY",
        default_value_t = 32,
        value_name = "N"
    )]
    pub webhooks_concurrency: usize,

    /// Days that receipts and the history of people and teams are kept, at least 35; 0: for ever. They go
    /// in parts of an eighth of that time
    #[arg(
        long,
        env = "ROLLCALL_KEEP_LEDGER_DAYS",
        default_value_t = 400,
        value_name = "DAYS",
        value_parser = ledger_days
    )]
    pub keep_ledger_days: u16,

    /// PEM file of certificate authorities that receivers of webhooks are believed by, beside those
    /// of the system
    #[arg(long, env = "ROLLCALL_WEBHOOKS_CA_FILE", value_name = "FILE")]
    webhooks_ca_file: Option<String>,

    /// Seconds a process may hold a job without renewing its lease; a job of a process that died
    /// is taken over after this time
    #[arg(
        long,
        env = "ROLLCALL_LEASE_SECONDS",
        default_value_t = 30,
        value_name = "SECONDS"
    )]
    pub lease_seconds: u64,

    /// Seconds that jobs under way get to finish when the process is told to stop
    #[arg(
        long,
        env = "ROLLCALL_WORKER_DRAIN_SECONDS",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    pub worker_drain_seconds: u64,
}

impl WorkConfig {
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(1))
    }

    /// The file, where one is set; an empty setting is none.
    pub fn webhooks_ca_file(&self) -> Option<&Path> {
        let file = self.webhooks_ca_file.as_deref().filter(|file| !file.is_empty());
        file.map(Path::new)
    }

    /// How long the ledger and the history are kept. Of what is kept for ever a part lasts ninety days.
    pub fn keeping(&self) -> Keeping {
        let day = Duration::from_secs(24 * 3600);
        let kept = day * u32::from(self.keep_ledger_days);
        match self.keep_ledger_days {
            0 => Keeping {
                kept: None,
                period: day * 90,
            },
            _ => Keeping {
                kept: Some(kept),
                period: kept / 8,
            },
        }
    }

    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.worker_drain_seconds)
    }
}

/// Links are retried for thirty days, and cursors of consumers last a week: both are explained by the ledger.
const FEWEST_LEDGER_DAYS: u16 = 35;

fn ledger_days(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(days) if days == 0 || days >= FEWEST_LEDGER_DAYS => Ok(days),
        _ => Err(format!(
            "must be 0, or between {FEWEST_LEDGER_DAYS} and {} days",
            u16::MAX
        )),
    }
}
