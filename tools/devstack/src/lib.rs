//! Private Postgres and Redis servers: for the tests (`TestDatabase`, `TestRedis`,
//! `PrivatePostgres`, `PrivateRedis`) and for the commands in `main.rs`.
//!
//! Every server listens on a free port of 127.0.0.1 and keeps its data in a folder of its own;
//! the machine's own servers are never touched. Nothing here links the API or the worker: the
//! schema comes from the files under `migrations/`. [`Stack`] runs their programs, by path.
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
mod redis_settings;
mod service;
mod stack;
mod testkit;
mod tls;
pub mod wait;

pub use account::Account;
pub use migrations::{migrations_dir, migrator, project_dir};
pub use ports::{free_port, own_host};
pub use postgres::{Durability, PostgresSettings, PrivatePostgres, STOP as STOP_POSTGRES, dump};
pub use process::{ProcessId, STOP_SERVICE};
pub use redis::PrivateRedis;
pub use redis_settings::{RedisRole, RedisSettings};
pub use service::Service;
pub use stack::{Stack, StackSettings, login_link, programs};
pub use testkit::{TestDatabase, TestRedis};
pub use tls::{Authority, Certified, ServerTls};
