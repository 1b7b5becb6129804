//! Two APIs and two workers in this process, each with connections of its own, over a database
//! and a queue prefix of this test's own.

use clap::Parser;
use devstack::{TestDatabase, TestRedis};
use sqlx::PgPool;
use std::collections::BTreeMap;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The accept path's failpoints; the worker lists its own.
const ACCEPT: &[&str] = &[
    "accept::before_commit",
    "accept::after_commit",
    "accept::before_push",
];

/// Every failpoint before and after a commit or an acknowledgement.
pub(crate) fn failpoints() -> impl Iterator<Item = &'static str> {
    ACCEPT
        .iter()
        .chain(rollcall_worker::failpoints::FAILPOINTS)
        .copied()
}

#[derive(Parser)]
struct ApiArgs {
    #[command(flatten)]
    config: rollcall_api::Config,
}

#[derive(Parser)]
struct WorkerArgs {
    #[command(flatten)]
    config: rollcall_worker::Config,
}

pub(crate) struct Stack {
    pub(crate) bases: Vec<String>,
    pub(crate) pool: PgPool,
    pub(crate) http: reqwest::Client,
    workers: Vec<String>,
    _database: TestDatabase,
    _stop: watch::Sender<()>,
}

impl Stack {
    pub(crate) async fn start() -> Stack {
        let database = TestDatabase::create().await.unwrap();
        let redis = TestRedis::new().unwrap();
        let (stop, stopped) = watch::channel(());
        let shutdown = || {
            let mut stopped = stopped.clone();
            // Resolves when the sender is dropped: the test is over.
            async move { while stopped.changed().await.is_ok() {} }
        };
        let (mut bases, mut workers) = (vec![], vec![]);
        for _ in 0..2 {
            let common = [
                "test",
                "--database-url",
                database.url(),
                "--redis-url",
                redis.url(),
                "--redis-prefix",
                redis.prefix(),
            ];
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            bases.push(format!("http://{}/scim/v2", listener.local_addr().unwrap()));
            let api = ApiArgs::parse_from(common.iter().chain(&["--requests-per-second", "0"]));
            tokio::spawn(rollcall_api::run(api.config, listener, shutdown()));
            let address = format!("127.0.0.1:{}", devstack::free_port().unwrap());
            workers.push(format!("http://{address}/metrics"));
            let worker = WorkerArgs::parse_from(common.iter().chain(&["--worker-listen", address.as_str()]));
            tokio::spawn(rollcall_worker::run(worker.config, shutdown()));
        }
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(8)
            .connect(database.url())
            .await
            .unwrap();
        let http = reqwest::Client::new();
        Stack {
            bases,
            pool,
            http,
            workers,
            _database: database,
            _stop: stop,
        }
    }

    /// Let every failpoint do this, in the `fail` crate's language.
    pub(crate) fn failpoints(&self, action: &str) {
        for name in failpoints() {
            // A key counts as failing only when it is refused twice in a row, which is rare.
            let action = match name {
                "reconcile::refused" => "30%return",
                "failures::before_commit" | "failures::after_commit" => "50%return",
                _ => action,
            };
            fail::cfg(name, action).unwrap();
        }
    }

    /// A new tenant and the secret of its scim token.
    pub(crate) async fn tenant(&self, name: &str) -> (i64, String) {
        let tenant: i64 = sqlx::query_scalar("insert into tenants (name) values ($1) returning id")
            .bind(name)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        let secret = format!("rc_scim_{}", uuid::Uuid::new_v4().simple());
        sqlx::query(
            "insert into tokens (tenant_id, id, name, scope, source, secret_hash, prefix)
             values ($1, $2, 'test', 'scim', 'test', sha256($3), 'rc_scim_')",
        )
        .bind(tenant)
        .bind(uuid::Uuid::now_v7())
        .bind(secret.as_bytes())
        .execute(&self.pool)
        .await
        .unwrap();
        (tenant, secret)
    }

    /// How links were resolved, over both workers.
    pub(crate) async fn link_paths(&self) -> BTreeMap<String, u64> {
        let mut paths = BTreeMap::new();
        for worker in &self.workers {
            let text = self.http.get(worker).send().await.unwrap().text().await.unwrap();
            for line in text
                .lines()
                .filter(|line| line.starts_with("rollcall_links_resolved_total{"))
            {
                let path = line
                    .split("path=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
                    .unwrap();
                let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
                *paths.entry(format!("link resolved {path}")).or_default() += count as u64;
            }
        }
        paths
    }

    /// Deadlocks Postgres found in this database.
    pub(crate) async fn deadlocks(&self) -> i64 {
        sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}
