//! A whole deployment: stores, API processes, worker processes.

use super::process::{Process, api_command};
use super::stores::Stores;
use super::{Scim, within};
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// One deployment at a time, also where the tests of a process run side by side: each has rates
/// and deadlines to keep.
static TURN: Mutex<()> = Mutex::const_new(());

/// Wait until no other deployment runs; none starts until what is answered is dropped.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// What to start.
pub(crate) struct Options {
    pub(crate) apis: usize,
    pub(crate) workers: usize,
    /// Postgres keeps its promises through a crash (`fsync` on); off where none happens.
    pub(crate) durable: bool,
    /// Settings of both kinds of process beside the necessary ones.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            apis: 1,
            workers: 1,
            durable: false,
            environment: vec![],
        }
    }
}

/// A deployment with no tenant yet. Dropping it stops everything.
pub(crate) struct Stack {
    // Before the stores: processes stop first.
    pub(crate) apis: Vec<Process>,
    pub(crate) workers: Vec<Process>,
    /// For looking at the directory; outlives restarts of Postgres.
    pub(crate) db: PgPool,
    pub(crate) stores: Stores,
    environment: Vec<(String, String)>,
    _turn: MutexGuard<'static, ()>,
}

/// A tenant and its clients.
pub(crate) struct Tenant {
    pub(crate) id: i64,
    pub(crate) scim: Scim,
    pub(crate) ops: Scim,
}

impl Stack {
    /// Start the stores, migrate, start all processes and wait until they are ready.
    pub(crate) async fn start(options: Options) -> Stack {
        let mut stack = Stack::prepare(options).await;
        for process in stack.apis.iter_mut().chain(&mut stack.workers) {
            process.start();
        }
        stack.ready().await;
        stack
    }

    /// [`Stack::start`] without starting the processes.
    #[expect(
        clippy::disallowed_methods,
        reason = "how much to log is the developer's to say"
    )]
    pub(crate) async fn prepare(options: Options) -> Stack {
        let turn = turn().await;
        let stores = Stores::start(options.durable).await;
        let mut environment = vec![
            ("DATABASE_URL".to_owned(), stores.database_url()),
            ("REDIS_URL".to_owned(), stores.redis_url()),
            ("ROLLCALL_REDIS_PREFIX".to_owned(), "e2e".to_owned()),
            (
                "ROLLCALL_LOG".to_owned(),
                std::env::var("E2E_LOG").unwrap_or_else(|_| "warn".to_owned()),
            ),
            ("ROLLCALL_LOG_FORMAT".to_owned(), "text".to_owned()),
            ("ROLLCALL_REQUESTS_PER_SECOND".to_owned(), "0".to_owned()),
        ];
        for (name, value) in options.environment {
            environment.retain(|(known, _)| known != name);
            environment.push((name.to_owned(), value));
        }
        api_command(&["migrate"], &environment);
        let logs = stores.folder().to_owned();
        let named = |kind: &str, number: usize| format!("{kind}-{number}");
        Stack {
            apis: (0..options.apis)
                .map(|n| Process::api(&named("api", n), &logs, &environment))
                .collect(),
            workers: (0..options.workers)
                .map(|n| Process::worker(&named("worker", n), &logs, &environment))
                .collect(),
            db: stores.pool(),
            stores,
            environment,
            _turn: turn,
        }
    }

    /// Wait until every process says it is ready.
    pub(crate) async fn ready(&mut self) {
        for process in self.apis.iter_mut().chain(&mut self.workers) {
            process.ready().await;
        }
    }

    /// Fail if a process ended by itself.
    pub(crate) fn expect_alive(&mut self) {
        for process in self.apis.iter_mut().chain(&mut self.workers) {
            process.expect_alive();
        }
    }

    /// A new tenant, made with the command line as an operator would.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        api_command(&["tenant", "create", name], &self.environment);
        let id = sqlx::query_scalar("select id from tenants where name = $1").bind(name);
        Tenant {
            id: id.fetch_one(&self.db).await.expect("the tenant just created"),
            scim: self.client(name, "scim", "/scim/v2"),
            ops: self.client(name, "operator", "/ops/v1"),
        }
    }

    /// A client of this tenant with a new token, for what is under `path`.
    pub(crate) fn client(&self, tenant: &str, scope: &str, path: &str) -> Scim {
        let token = ["token", "create", "--tenant", tenant, "--scope", scope];
        let token = api_command(&token, &self.environment);
        let bases = self.apis.iter().map(|api| format!("{}{path}", api.url()));
        Scim::new(bases.collect(), &token)
    }

    /// Changes that the directory has yet to catch up with, and wakes not yet worked off; `None`
    /// while Postgres is away.
    pub(crate) async fn outstanding(&self) -> Option<i64> {
        let both = "select (select count(*) from pending) + (select count(*) from wakes)";
        sqlx::query_scalar(both).fetch_one(&self.db).await.ok()
    }

    /// Wait until the directory has caught up with every accepted write.
    pub(crate) async fn converged(&mut self, deadline: Duration) {
        let caught_up = super::within_or(deadline, async || {
            self.expect_alive();
            (self.outstanding().await? == 0).then_some(())
        })
        .await;
        if caught_up.is_none() {
            let left = self.left_over().await;
            panic!("not caught up within {deadline:?}:\n{left}\n{}", self.log_tails());
        }
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
        let deadlocks: i64 = sqlx::query_scalar(deadlocks).fetch_one(&self.db).await.unwrap();
        assert_eq!(deadlocks, 0, "Postgres broke a deadlock\n{}", self.log_tails());
    }

    async fn left_over(&self) -> String {
        let rows: Vec<(i16, i16, i64, Option<f64>)> = sqlx::query_as(
            "select key_kind, lane, count(*), min(extract(epoch from due_at - now()))::float8
             from pending group by 1, 2 order by 1, 2",
        )
        .fetch_all(&self.db)
        .await
        .expect("Postgres is back");
        let failures: Vec<(i32, String, bool, i64)> = sqlx::query_as(
            "select attempts, error, parked, count(*) from key_failures group by 1, 2, 3 limit 20",
        )
        .fetch_all(&self.db)
        .await
        .expect("Postgres is back");
        format!(
            "pending (key kind, lane, rows, seconds until due): {rows:?}\n\
             failures (attempts, error, parked, keys): {failures:?}"
        )
    }

    /// The last lines of every process.
    pub(crate) fn log_tails(&self) -> String {
        self.apis
            .iter()
            .chain(&self.workers)
            .map(Process::log_tail)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Tenant {
    /// Wait until the change with this receipt is applied; answers the time from its
    /// acknowledgement to its apply, both on the clock of Postgres.
    pub(crate) async fn applied(&self, db: &PgPool, receipt: &str, deadline: Duration) -> Duration {
        let receipt: uuid::Uuid = receipt.parse().expect("a receipt is a UUID");
        let seconds: f64 = within(deadline, "the write is applied", async || {
            sqlx::query_scalar(
                "select min(extract(epoch from h.applied_at - c.accepted_at))::float8
                 from changes c join history h
                   on h.tenant_id = c.tenant_id and h.key_id = c.directory_id and h.seq >= c.seq
                      and h.cause = 'apply'
                 where c.tenant_id = $1 and c.txn = $2",
            )
            .bind(self.id)
            .bind(receipt)
            .fetch_one(db)
            .await
            .ok()
            .flatten()
        })
        .await;
        Duration::from_secs_f64(seconds.max(0.0))
    }
}
