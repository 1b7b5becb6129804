//! The only place that names apalis and redis: jobs on their way from the API to the workers.

mod config;
mod job;
mod outcome;
mod queues;

pub use config::{ConsumeOptions, QueueConfig};
pub use job::{Job, LinksJob, LinksWork, MAX_KEYS, ReconcileJob};
pub use outcome::{BoxError, Delivery, JobError, Outcome};
pub use queues::{DeadJob, Depth, JobQueue, QueueError, Queues, RedisHealth};

/// Runs workers until told to stop; see [`JobQueue::consume`].
pub use apalis_core::monitor::Monitor;
