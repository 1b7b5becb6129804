//! Settings both processes share, each section parsed from flags or environment variables
//! (12-factor) with clap, so that `--help` is the reference.

mod postgres;
mod redis;
mod webhooks;

pub use postgres::PostgresConfig;
pub use redis::{RedisConfig, RedisFiles};
pub use webhooks::WebhookConfig;
