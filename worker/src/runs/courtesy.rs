//! A run gives way to live writes: as long as some come in, it rests after each part.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long after the last job of a live write others are expected.
const LIVELY: Duration = Duration::from_secs(1);
/// How many times as long as the part took the rest is: with one part at a time, a run then has a
/// fifth of its time, and the slowest percent of the live writes hardly notices it.
const REST: u32 = 4;
/// A part that took long for another reason costs no more than this.
const LONGEST: Duration = Duration::from_secs(2);

/// When this process last handled a live write.
#[derive(Debug, Default)]
pub(crate) struct Courtesy {
    last_live: Mutex<Option<Instant>>,
}

impl Courtesy {
    pub(crate) fn live_write(&self, now: Instant) {
        *self
            .last_live
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(now);
    }

    /// How long to rest at `now`, after a part that took `spent`.
    pub(crate) fn rest(&self, now: Instant, spent: Duration) -> Duration {
        let last_live = *self
            .last_live
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match last_live {
            Some(last) if now.saturating_duration_since(last) < LIVELY => (spent * REST).min(LONGEST),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Duration = Duration::from_millis(50);

    #[test]
    fn a_run_with_no_live_writes_never_rests() {
        let courtesy = Courtesy::default();
        assert_eq!(courtesy.rest(Instant::now(), PART), Duration::ZERO);
    }

    #[test]
    fn a_run_beside_live_writes_rests_in_proportion_and_never_too_long() {
        let (courtesy, now) = (Courtesy::default(), Instant::now());
        courtesy.live_write(now);
        assert_eq!(courtesy.rest(now + PART, PART), PART * REST);
        assert_eq!(courtesy.rest(now + PART, LONGEST), LONGEST);
    }

    #[test]
    fn a_run_after_the_last_live_write_rests_no_more() {
        let (courtesy, now) = (Courtesy::default(), Instant::now());
        courtesy.live_write(now);
        assert_eq!(courtesy.rest(now + LIVELY, PART), Duration::ZERO);
    }
}
