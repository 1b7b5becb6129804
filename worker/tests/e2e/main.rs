//! Proofs from the outside: real `rollcall-api` and `rollcall-worker` processes on a private
//! Postgres and Redis of their own, driven over HTTP and judged by what the directory holds.
//!
//! Each test prints its figures and its seed; `E2E_SEED=<n>` repeats a run. Process logs are kept
//! when a test fails.

#![expect(clippy::unwrap_used, reason = "a proof that cannot go on has failed")]

mod async_requests;
mod bad_input;
mod browser;
mod client;
mod crash;
mod edge;
mod explain;
mod failover;
mod follow;
mod guides;
mod harness;
mod history;
mod life;
mod limits;
mod mapping;
mod mapping_changes;
mod nested;
mod pausing;
#[path = "../receiver/mod.rs"]
mod receiver;
mod replicas;
mod runs;
mod schedules;
mod traces;
mod weather;
mod webhooks;
mod worst_order;
