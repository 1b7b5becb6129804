//! Tests of the shared crate against real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod content;
mod erasure;
mod follow;
mod fuzz;
mod growth;
mod history;
mod keys;
mod plans;
mod postgres_tls;
mod queue;
mod queue_samples;
mod receipt_list;
mod rows_read;
mod search;
mod statistics;
mod watch;
mod webhooks;
