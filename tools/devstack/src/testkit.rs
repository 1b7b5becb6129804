//! What a test needs of the two stores: a database and a key prefix of its own.

use crate::migrations::{fingerprint, migrator};
use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Superuser URL of the test server's database `postgres`.
const DATABASE: &str = "TEST_DATABASE_URL";
const REDIS: &str = "TEST_REDIS_URL";
/// Serialises making the template among the test processes ("rollcall" as bytes).
const TEMPLATE_LOCK: i64 = 0x726f_6c6c_6361_6c6c;
/// A test's database without connections is a crashed run's once it is this old.
const LEFTOVER_SECONDS: u64 = 3600;

/// A migrated, empty database, dropped together with this value.
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Clone one from the template, which the first test of a run makes.
    ///
    /// # Errors
    /// When no test server runs (the message says how to get one) or a migration fails.
    pub async fn create() -> Result<TestDatabase> {
        let url = setting(DATABASE)?;
        let server = PgConnectOptions::from_str(&url).with_context(|| format!("{DATABASE} is not a URL"))?;
        let mut connection = server
            .connect()
            .await
            .context("the test server does not answer")?;
        let template = format!("rollcall_template_{}", fingerprint()?);
        if !exists(&mut connection, &template).await? {
            make_template(&mut connection, &server, &template).await?;
        }
        let name = format!(
            "rollcall_test_{}_{}",
            seconds_now(),
            &Uuid::new_v4().simple().to_string()[..12]
        );
        execute(
            &mut connection,
            format!("create database {name} template {template}"),
        )
        .await?;
        connection.close().await?;
        let mut own = server.clone().database(&name).to_url_lossy();
        own.set_query(None);
        Ok(TestDatabase {
            server,
            name,
            url: own.to_string(),
        })
    }

    /// Connection URL, as superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    /// Connections still open are cut off.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        let drop = async move {
            let mut connection = server.connect().await?;
            execute(
                &mut connection,
                format!("drop database if exists {name} with (force)"),
            )
            .await
        };
        // A runtime cannot be entered from within the test's own: take a thread.
        let dropper = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(drop)
        });
        if let Ok(Err(error)) = dropper.join() {
            eprintln!("a test's database stays behind: {error:#}");
        }
    }
}

/// The test server's Redis, with a key prefix nobody else uses.
pub struct TestRedis {
    url: String,
    prefix: String,
}

impl TestRedis {
    /// Choose a prefix.
    ///
    /// # Errors
    /// When no test server runs (the message says how to get one).
    pub fn new() -> Result<TestRedis> {
        Ok(TestRedis {
            url: setting(REDIS)?,
            prefix: format!("test-{}", Uuid::new_v4().simple()),
        })
    }

    /// Connection URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What every key of this test begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

#[expect(clippy::disallowed_methods, reason = "how `devstack exec` tells the tests")]
fn setting(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| {
        format!("{name} is not set: run the tests through `make test`, which starts the servers")
    })
}

async fn make_template(
    connection: &mut PgConnection,
    server: &PgConnectOptions,
    template: &str,
) -> Result<()> {
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *connection)
        .await?;
    // Another test process may have made it while we waited. (Closing the connection unlocks.)
    if exists(connection, template).await? {
        return Ok(());
    }
    sweep(connection).await?;
    let building = format!("{template}_building");
    execute(
        connection,
        format!("create database {building} template template0"),
    )
    .await?;
    let mut inside = server.clone().database(&building).connect().await?;
    migrator()
        .await?
        .run(&mut inside)
        .await
        .context("the migrations fail")?;
    inside.close().await?;
    // The name appears only once the template is complete.
    execute(
        connection,
        format!("alter database {building} rename to {template}"),
    )
    .await
}

/// Remove what earlier runs left: templates of other schemas, half-made ones, databases of
/// crashed tests.
async fn sweep(connection: &mut PgConnection) -> Result<()> {
    let idle: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database d where datname ~ '^rollcall_(test|template)_'
         and not exists (select from pg_stat_activity a where a.datname = d.datname)",
    )
    .fetch_all(&mut *connection)
    .await?;
    for name in idle.iter().filter(|name| is_leftover(name, seconds_now())) {
        execute(connection, format!("drop database if exists {name}")).await?;
    }
    Ok(())
}

fn is_leftover(name: &str, now: u64) -> bool {
    let Some(test) = name.strip_prefix("rollcall_test_") else {
        return true;
    };
    let made = test
        .split('_')
        .next()
        .and_then(|seconds| seconds.parse::<u64>().ok());
    made.is_none_or(|made| made + LEFTOVER_SECONDS < now)
}

async fn exists(connection: &mut PgConnection, database: &str) -> Result<bool> {
    let found = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
    Ok(found.bind(database).fetch_one(connection).await?)
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<()> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "leftovers are days old or minutes: any clock will do"
)]
fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftover_of_a_run_under_way_is_kept_and_of_an_old_one_is_not() {
        assert!(!is_leftover("rollcall_test_1000_abc", 1000 + LEFTOVER_SECONDS));
        assert!(is_leftover("rollcall_test_1000_abc", 1001 + LEFTOVER_SECONDS));
        assert!(is_leftover("rollcall_template_0011223344556677_building", 1000));
    }
}
