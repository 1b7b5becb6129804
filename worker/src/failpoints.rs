//! Places at which tests make this process fail.

/// Every failpoint of the worker.
pub const FAILPOINTS: &[&str] = &[
    "teams::before_commit",
    "teams::after_commit",
    "reconcile::refused",
    "reconcile::before_commit",
    "reconcile::after_commit",
    "wake::before_commit",
    "wake::after_commit",
    "wake::before_done",
    "failures::before_commit",
    "failures::after_commit",
    "reconcile::before_ack",
    "links::before_ack",
    "feeder::after_claim",
];

/// Those on the way of a run.
pub const RUN_FAILPOINTS: &[&str] = &[
    "runs::before_plan_commit",
    "runs::after_plan_commit",
    "runs::before_chunk_commit",
    "runs::after_chunk_commit",
    "runs::before_links",
    "runs::before_report_commit",
    "runs::after_report_commit",
    "runs::before_ack",
];

/// Return `ReconcileError::Injected` when a test says so.
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name, |_| {
            rollcall_shared::failpoint::hit($name);
            Err(crate::error::ReconcileError::Injected($name))
        });
    };
}
pub(crate) use failpoint;
