//! Private Postgres and Redis servers: for the tests (`TestDatabase`, `TestRedis`,
//! `PrivatePostgres`, `PrivateRedis`) and for the commands in `main.rs`.
//!
//! Every server listens on a free port of 127.0.0.1 and keeps its data in a folder of its own;
//! the machine's own servers are never touched. Nothing here knows the API or the worker: the
//! schema comes from the files under `migrations/`.
//!
//! In a test:
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let database = devstack::TestDatabase::create().await?;   // migrated, dropped at the end
//! let redis = devstack::TestRedis::new()?;                  // a key prefix of its own
//! # let (_, _) = (database.url(), redis.prefix());
//! devstack::wait::until("the person is there", devstack::wait::SOON, async || true).await?;
//! # Ok(())
//! # }
//! ```

mod account;
mod command;
mod launch;
mod migrations;
mod ports;
mod postgres;
mod process;
mod redis;
mod testkit;
pub mod wait;

pub use account::Account;
pub use migrations::{migrations_dir, migrator, project_dir};
pub use ports::free_port;
pub use postgres::{Durability, PostgresSettings, PrivatePostgres};
pub use process::{Lifetime, ProcessId};
pub use redis::{PrivateRedis, RedisSettings};
pub use testkit::{TestDatabase, TestRedis};
