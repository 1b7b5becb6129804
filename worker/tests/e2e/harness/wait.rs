//! Waiting: always for a condition, always with a deadline.

use std::time::Duration;
use tokio::time::Instant;

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(25);

/// Wait until `probe` answers something; panics with `what` when `deadline` has passed.
pub(crate) async fn within<T>(deadline: Duration, what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    match within_or(deadline, probe).await {
        Some(found) => found,
        None => panic!("not within {deadline:?}: {what}"),
    }
}

/// [`within`], answering `None` when `deadline` has passed.
pub(crate) async fn within_or<T>(deadline: Duration, mut probe: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = probe().await {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(STEP).await;
    }
}
