//! How Postgres is connected to.

use crate::authorities::{self, AuthoritiesError};
use crate::config::PostgresConfig;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Connection as _, Executor as _, PgPool};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// How long a connection that nobody uses is taken to be alive.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long plans for batches are kept: a table may have grown a thousandfold meanwhile.
const PLANS_LAST: Duration = Duration::from_secs(3);

/// Why `DATABASE_URL` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the URL is not valid")]
    Url(#[source] sqlx::Error),
    #[error("the certificate authorities of sslrootcert cannot be used")]
    Authorities(#[source] AuthoritiesError),
}

/// How Postgres is to plan the statements of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plans {
    /// As it sees fit; plans of prepared statements are kept. For single rows and for searches.
    Free,
    /// For batches that find each of their rows by its key: never by reading a whole table to join
    /// it, and not for longer than seconds by a plan that was made while a table was small
    /// (docs/adr/0006).
    ByKey,
}

impl Plans {
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Plans::Free => &[],
            Plans::ByKey => &[
                ("plan_cache_mode", "force_generic_plan"),
                ("jit", "off"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
            ],
        }
    }
}

/// A pool of `connections` that connects on first use: a process starts, and reports itself not
/// ready, without Postgres.
///
/// # Errors
/// When the URL or a file that it names cannot be used.
pub fn connect(config: &PostgresConfig, connections: u32, plans: Plans) -> Result<PgPool, ConnectError> {
    let replan = (plans == Plans::ByKey).then(|| Arc::new(Replan::over(connections)));
    pool(
        config,
        connections,
        Duration::from_secs(120),
        plans.settings(),
        replan,
    )
}

/// When the next connection of a pool is to forget its plans: they take turns.
struct Replan {
    every: Duration,
    next: Mutex<Instant>,
}

impl Replan {
    /// So often that the plans of each of so many connections last about [`PLANS_LAST`].
    fn over(connections: u32) -> Replan {
        Replan {
            every: PLANS_LAST / connections.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now >= *next;
        if due {
            *next = now + self.every;
        }
        due
    }
}

/// A pool for searches: clients may ask what no index answers, but a statement ends after `timeout`.
///
/// # Errors
/// When the URL or a file that it names cannot be used.
pub fn connect_for_searches(
    config: &PostgresConfig,
    connections: u32,
    timeout: Duration,
) -> Result<PgPool, ConnectError> {
    // Compiling a statement takes longer than most searches, and which index serves one depends on
    // its values.
    let settings = [("jit", "off"), ("plan_cache_mode", "force_custom_plan")];
    pool(config, connections, timeout, &settings, None)
}

fn pool(
    config: &PostgresConfig,
    connections: u32,
    statement_timeout: Duration,
    further: &[(&'static str, &'static str)],
    replan: Option<Arc<Replan>>,
) -> Result<PgPool, ConnectError> {
    let timeout = format!("{}ms", statement_timeout.as_millis().max(1));
    // A process that is frozen or cut off must not keep its locks for hours.
    let options = options(&config.database_url)?
        .options([
            ("idle_in_transaction_session_timeout", "30s"),
            ("statement_timeout", &timeout),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ])
        .options(further.iter().copied());
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        // A ping before every use would cost as much as most statements do.
        .test_before_acquire(false)
        .before_acquire(move |connection, idle| {
            let replan = replan.as_ref().is_some_and(|replan| replan.is_due());
            Box::pin(async move {
                if replan {
                    connection.execute("discard plans").await?;
                } else if idle.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

fn options(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url).map_err(ConnectError::Url)?;
    let Some(authorities) = authorities_of(url) else {
        return Ok(options);
    };
    // Looked at now, so that a start tells what is wrong, and not some later connection.
    if !authorities.starts_with("-----BEGIN") {
        authorities::in_file(Path::new(&authorities)).map_err(ConnectError::Authorities)?;
    }
    // As with libpq: who names authorities wants certificates looked at.
    Ok(match options.get_ssl_mode() {
        PgSslMode::Require => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    })
}

/// The last `sslrootcert`, as sqlx reads it: a file or its text.
fn authorities_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let named = url
        .query_pairs()
        .filter(|(key, _)| matches!(&**key, "sslrootcert" | "ssl-root-cert" | "ssl-ca"));
    named.last().map(|(_, value)| value.into_owned())
}
