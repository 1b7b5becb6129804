//! What a handler is told about a delivery, and what it answers.

use std::time::Duration;

/// The cause of a [`JobError`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One handing-over of a job to a handler. The same job may be delivered again: after a retry,
/// after a snooze, and when the process that held it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// 1 for the first try, one more for each [`JobError::Retry`], panic or timeout before.
    pub attempt: u32,
    /// How often a process let the job's lease run out, which mostly means that it died while it
    /// held the job.
    pub expired_leases: u32,
}

/// What became of a job that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Finished: the job is deleted.
    Done,
    /// Not now: deliver it again after this time. Consumes no attempt and holds no slot.
    Snooze(Duration),
}

/// Why a handler gave up on a job. A panic and a timeout count as [`JobError::Retry`].
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// May work later: deliver it again with backoff; a dead letter when its attempts are used up.
    #[error("the job failed and is tried again")]
    Retry(#[source] BoxError),
    /// Will never work: a dead letter at once.
    #[error("the job failed for good")]
    Fail(#[source] BoxError),
}

impl JobError {
    /// A failure that may pass.
    pub fn retry(error: impl Into<BoxError>) -> JobError {
        JobError::Retry(error.into())
    }

    /// A failure that will not pass.
    pub fn fail(error: impl Into<BoxError>) -> JobError {
        JobError::Fail(error.into())
    }
}
