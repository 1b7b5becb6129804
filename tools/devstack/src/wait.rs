//! Waiting for a condition, with a deadline and a name for what was awaited.

use std::fmt;
use std::time::{Duration, Instant};

/// A deadline for what ought to happen within moments, with room for a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The condition did not become true in time.
#[derive(Debug)]
pub struct Elapsed {
    what: String,
    waited: Duration,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "waited {:.1} s in vain for: {}",
            self.waited.as_secs_f64(),
            self.what
        )
    }
}

impl std::error::Error for Elapsed {}

/// Check `condition` again and again until it is true.
///
/// # Errors
/// [`Elapsed`], naming `what`, when it still is false after `deadline`.
pub async fn until(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> Result<(), Elapsed> {
    until_some(what, deadline, async || condition().await.then_some(())).await
}

/// Ask `probe` again and again until it returns something.
///
/// # Errors
/// [`Elapsed`], naming `what`, when there still is nothing after `deadline`.
pub async fn until_some<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Elapsed> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = probe().await {
            return Ok(found);
        }
        if begin.elapsed() >= deadline {
            return Err(Elapsed {
                what: what.to_owned(),
                waited: begin.elapsed(),
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn until_condition_becomes_true_returns() {
        let mut looks = 0;
        until("third look", SOON, async || {
            looks += 1;
            looks == 3
        })
        .await
        .unwrap();
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn until_deadline_passes_names_what_was_awaited() {
        let error = until("rain", Duration::from_millis(5), async || false)
            .await
            .unwrap_err();
        assert!(error.to_string().ends_with("for: rain"), "{error}");
    }
}
