//! What the API and the workers share.
//!
//! Imports run one way: `scim`, `directory`, `mapping`, `projection`, `schedule`, `settings`,
//! `webhooks` (pure, no I/O) → `store` (the only place that names sqlx), `queue` (the only place that names apalis and
//! redis) → the `api` and `worker` crates, which never import each other.

pub mod authorities;
pub mod config;
pub mod directory;
pub mod failpoint;
pub mod mapping;
pub mod projection;
pub mod queue;
pub mod schedule;
pub mod scim;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod webhooks;
