//! Postgres and Redis of one proof's own.

use devstack::{Durability, PostgresSettings, PrivatePostgres, PrivateRedis};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait of a proof's own look at the database.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A private Postgres and Redis, and the folder of the process logs.
pub(crate) struct Stores {
    postgres: PrivatePostgres,
    redis: PrivateRedis,
    folder: Option<TempDir>,
}

impl Stores {
    pub(super) async fn start(durable: bool) -> Stores {
        let folder = tempfile::Builder::new()
            .prefix("rollcall-e2e-")
            .tempdir()
            .expect("a temporary folder");
        let data = folder.path().join("postgres");
        std::fs::create_dir(&data).expect("a folder in our own");
        // Postgres may have to run as another user than this process.
        open_to_all(folder.path());
        let settings = PostgresSettings {
            durability: if durable {
                Durability::Full
            } else {
                Durability::ProcessCrash
            },
            ..PostgresSettings::default()
        };
        let (postgres, redis) =
            tokio::join!(PrivatePostgres::start_in(&data, settings), PrivateRedis::start());
        Stores {
            postgres: postgres.expect("Postgres starts"),
            redis: redis.expect("Redis starts"),
            folder: Some(folder),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.as_ref().expect("kept until the end").path()
    }

    pub(super) fn database_url(&self) -> String {
        self.postgres.url()
    }

    pub(super) fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// Connects when used; gets over a restart.
    pub(super) fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(ACQUIRE)
            .connect_lazy(&self.database_url())
            .expect("a well-formed URL")
    }

    /// `kill -9` of Postgres: all its connections end where they are.
    pub(crate) fn crash_postgres(&mut self) {
        self.postgres.kill().expect("our own Postgres");
    }

    /// Start Postgres again; answers when it does.
    pub(crate) async fn start_postgres(&mut self) {
        self.postgres.restart().await.expect("Postgres recovers");
    }

    /// `kill -9` of Redis.
    pub(crate) fn kill_redis(&mut self) {
        self.redis.kill().expect("our own Redis");
    }

    /// Let Redis hang: connected, but silent.
    pub(crate) fn pause_redis(&mut self) {
        self.redis.pause().expect("our own Redis");
    }

    pub(crate) fn resume_redis(&mut self) {
        self.redis.resume().expect("our own Redis");
    }

    /// Start Redis again; answers when it does.
    pub(crate) async fn start_redis(&mut self) {
        self.redis.restart().await.expect("Redis starts again");
    }

    /// `FLUSHALL`.
    pub(crate) async fn flush_redis(&mut self) {
        self.redis.flush().await.expect("Redis is up");
    }
}

impl Drop for Stores {
    /// The logs stay when the proof failed.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            println!("logs are kept in {}", folder.keep().display());
        }
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, permissions).expect("a folder of our own");
}
