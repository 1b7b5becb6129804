//! Runs in words.

use rollcall_shared::store::runs::{Phase, Run, Scope};

/// What a run compares.
pub(super) fn scope(scope: &Scope) -> &'static str {
    match scope {
        Scope::Full => "Everything",
        Scope::Team(_) => "One team",
        Scope::Person(_) => "One person",
        Scope::Dates => "Start and end dates",
        Scope::Preview(_) => "Preview of a mapping",
        Scope::Mapping(_) => "Everything, for a new mapping",
    }
}

/// How far it is, and the class of the badge.
pub(super) fn outcome(run: &Run) -> (&'static str, &'static str) {
    match (run.phase, run.cancelled) {
        (Phase::Done, true) => ("cancelled", "warn"),
        (Phase::Done, false) => ("finished", "ok"),
        (_, true) => ("being cancelled", "warn"),
        (_, false) => ("under way", "busy"),
    }
}

/// What it is doing.
pub(super) fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Plan => "planning",
        Phase::Reconcile => "comparing",
        Phase::Links => "making links",
        Phase::Report => "adding up",
        Phase::Done => "done",
    }
}

/// What a sample is of.
pub(super) fn kind(kind: &str) -> &'static str {
    match kind {
        "person" => "Fields of people",
        "deactivation" => "People who would be deactivated",
        "team" => "Teams",
        "membership" => "Memberships",
        "line" => "Managers",
        "waiting" => "Links that wait",
        _ => "Others",
    }
}

/// A figure of the report, once there is one.
pub(super) fn reported(run: &Run, name: &str) -> Option<i64> {
    run.report.as_ref()?.get(name)?.as_i64()
}

/// Seconds from its start to its end.
pub(super) fn took(run: &Run) -> Option<f64> {
    let took = run.finished_at? - run.started_at.unwrap_or(run.created_at);
    Some(took.num_milliseconds() as f64 / 1000.0)
}
