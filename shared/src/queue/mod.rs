//! The only place that names apalis and redis: jobs on their way from the API to the workers.

mod job;

pub use job::{LinksJob, LinksWork, MAX_KEYS, ReconcileJob};
