//! What becomes of a job: one file per kind.

mod links;
mod reconcile;
mod runs;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use links::links;
pub(crate) use reconcile::reconcile;
pub(crate) use runs::runs;

use crate::error::ReconcileError;
use rollcall_shared::queue::JobError;

/// What is wrong passes, or the feeder comes back to it: the queue tries again.
impl From<ReconcileError> for JobError {
    fn from(error: ReconcileError) -> JobError {
        JobError::retry(error)
    }
}
