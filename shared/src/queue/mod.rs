//! The only place that names apalis and redis: jobs on their way from the API to the workers.
//!
//! [`Queues`] is what producers, the feeder and operators use, [`JobQueue::consume`] what a
//! worker process registers. Where everything lies in Redis is told in `keys.rs`.

mod address;
mod buffer;
mod config;
mod consumer;
mod error;
mod finish;
mod health;
mod job;
mod keys;
mod ledger;
mod link;
mod outcome;
mod place;
mod pump;
mod queues;
mod scripts;
mod wake;
mod watch;

pub use config::{ConsumeOptions, QueueConfig};
pub use error::QueueError;
pub use health::RedisHealth;
pub use job::{Job, LinksJob, LinksWork, MAX_KEYS, ReconcileJob, RunJob};
pub use outcome::{BoxError, Delivery, JobError, Outcome};
pub use queues::{ALIVE, JobQueue, Process, Queues};
pub use watch::{DeadJob, Depth, Holders};

/// Runs workers until told to stop; see [`JobQueue::consume`].
pub use apalis_core::monitor::Monitor;

#[cfg(test)]
mod script_tests;
