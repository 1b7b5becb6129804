//! The only place that names sqlx: every statement the API and the workers run.
//!
//! Functions take a `&mut PgConnection`, so the caller owns the transaction.
//!
//! Statements about many keys are written key by key, `unnest … cross join lateral (… offset 0)`,
//! and change rows by the `ctid` found that way: Postgres must not decide to read all that a
//! tenant has instead (docs/adr/0006).

pub mod accept;
pub mod async_results;
pub mod audit;
pub mod content;
pub mod erasure;
pub mod event_keys;
pub mod explain;
pub mod feed;
pub mod follow;
pub mod growth;
pub mod history;
pub mod lanes;
pub mod links;
pub mod live;
pub mod mapping_changes;
pub mod mapping_previews;
pub mod mappings;
pub mod named_teams;
pub mod overview;
pub mod people;
pub mod periods;
mod pool;
pub mod queue_samples;
pub mod receipt_list;
pub mod receipts;
pub mod reconcile;
pub mod rejections;
pub mod rules;
pub mod runs;
pub mod schedules;
pub mod schemas;
pub mod search;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod teams;
pub mod tenants;
pub mod tokens;
pub mod watch;
pub mod webhooks;

pub use pool::{ConnectError, Plans, connect, connect_for_searches};
pub use sqlx::{PgConnection, PgPool, Postgres, Transaction};

/// A connection on loan from a pool.
pub type PooledConnection = sqlx::pool::PoolConnection<Postgres>;

/// What a statement can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres is out of reach, starting, stopping or out of connections: try again later.
    #[error("Postgres is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// A serialisation failure or deadlock (40001, 40P01): run the transaction again.
    #[error("the transaction lost against a concurrent one")]
    Conflict(#[source] sqlx::Error),
    /// Anything else the statement was refused for.
    #[error("the statement failed")]
    Statement(#[source] sqlx::Error),
}

impl StoreError {
    /// The database refused a statement: what a failpoint makes of a key that cannot be applied.
    pub fn refused() -> StoreError {
        StoreError::Statement(sqlx::Error::RowNotFound)
    }

    /// The connection was lost in the middle, or nothing comes over it any more; also what a failpoint makes
    /// of a commit.
    pub fn interrupted() -> StoreError {
        StoreError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()))
    }
}

impl StoreError {
    /// The SQLSTATE, when Postgres itself refused.
    pub fn sqlstate(&self) -> Option<String> {
        let (StoreError::Unavailable(error) | StoreError::Conflict(error) | StoreError::Statement(error)) =
            self;
        error
            .as_database_error()
            .and_then(|error| error.code())
            .map(|code| code.into_owned())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::Database(database) => database.code().map(|code| code.into_owned()),
            _ => None,
        };
        match (&error, code.as_deref()) {
            (_, Some("40001" | "40P01")) => StoreError::Conflict(error),
            // statement or idle transaction ended by a time limit
            (_, Some("57014" | "25P03")) => StoreError::Unavailable(error),
            // 08 connection, 53 resources, 57P0x shutdown and start-up
            (_, Some(code))
                if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P0") =>
            {
                StoreError::Unavailable(error)
            }
            (
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed,
                _,
            ) => StoreError::Unavailable(error),
            _ => StoreError::Statement(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        StoreError::Statement(sqlx::Error::Migrate(Box::new(error)))
    }
}

/// A transaction that sees everything as it is now, and writes nothing.
///
/// # Errors
/// When Postgres is out of reach.
pub async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    Ok(pool
        .begin_with("begin isolation level repeatable read read only")
        .await?)
}

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Bring the schema up to date.
///
/// # Errors
/// When Postgres is out of reach or a migration fails; a failed one is rolled back.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    // Checking a constraint of a large table takes as long as reading it.
    sqlx::query("set statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    MIGRATOR.run(&mut *connection).await?;
    // Its next user is to have the limit of the pool.
    connection.close_on_drop();
    Ok(())
}

/// The time of the database, in whole seconds since 1970: processes' clocks differ.
///
/// # Errors
/// When the statement fails.
pub async fn now(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let now = sqlx::query_scalar!(r#"select extract(epoch from clock_timestamp())::int8 as "now!""#);
    Ok(now.fetch_one(connection).await?)
}

/// Whether Postgres answers.
///
/// # Errors
/// When it does not within the pool's time for connecting.
pub async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query_scalar!(r#"select 1 as "one!""#)
        .fetch_one(pool)
        .await?;
    Ok(())
}
