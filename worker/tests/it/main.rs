//! The worker over real Postgres and Redis: desired state goes in by SQL, the directory comes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod company;
mod concurrency;
mod dates;
mod erasure;
mod fields;
mod follow;
mod groups;
mod history;
mod links;
mod mapping;
mod mapping_changes;
mod mapping_in_force;
mod nested;
mod past;
mod pausing;
mod periods;
mod plans;
mod poison;
mod process;
#[path = "../receiver/mod.rs"]
mod receiver;
mod runs;
mod samples;
mod schedules;
mod waiting;
mod webhooks;
