//! Places at which tests make this process fail.

use crate::error::ReconcileError;

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

/// The one between a schedule's tick and its commit.
pub const TICK_FAILPOINT: &str = "feeder::before_tick_commit";

/// The one between a webhook's answer and writing down that it came.
pub const DELIVERY_FAILPOINT: &str = "webhooks::before_note";

/// Return `ReconcileError::Injected` when a test says `return`; end the process when it says
/// `return(die)`.
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name, |argument: Option<String>| {
            Err(crate::failpoints::fire($name, argument.as_deref()))
        });
    };
}
pub(crate) use failpoint;

/// What becomes of a failpoint that was reached: the error to return, unless `argument` is `die`.
/// Then the process ends on the spot, as by `kill -9`: nothing is unwound, sent or flushed.
#[doc(hidden)]
pub fn fire(name: &'static str, argument: Option<&str>) -> ReconcileError {
    rollcall_shared::failpoint::hit(name);
    if argument == Some("die") {
        std::process::abort();
    }
    ReconcileError::Injected(name)
}
