//! Bad weather, one cloud at a time.

mod postgres;
mod redis;
mod sigterm;

use std::time::Duration;

/// For the directory to catch up in good weather.
const CATCH_UP: Duration = Duration::from_secs(60);

/// `prefix-0` has no manager, everybody else the one before, most of whom come later.
pub(super) fn chain(prefix: &str, people: usize) -> Vec<(String, Option<String>)> {
    let name = |number: usize| format!("{prefix}-{number}@weather.example");
    (0..people)
        .rev()
        .map(|n| (name(n), n.checked_sub(1).map(name)))
        .collect()
}
