use chrono::{DateTime, Utc};
use std::time::Duration;

/// Seconds from a failed attempt to the next: after the first, the second, and so on.
const DELAYS: [u64; 8] = [5, 30, 120, 600, 3_600, 10_800, 36_000, 86_400];

/// Attempts a delivery gets, the first included: about a day and a half.
pub const ATTEMPTS: usize = DELAYS.len() + 1;

/// Share by which a delay is prolonged at most, so that what failed together is not tried together.
const JITTER: f64 = 0.2;

/// Longest wait that a receiver may ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Days of nothing but failures after which an endpoint is disabled.
pub const DAYS_OF_FAILURE: i32 = 5;

/// How long to wait after `failed` attempts, the last one included; `None`: it was the last. `jitter`
/// is from 0 to 1; `asked` is what the receiver asked for, which only makes the wait longer.
pub fn delay(failed: usize, jitter: f64, asked: Option<Duration>) -> Option<Duration> {
    let seconds = *DELAYS.get(failed.saturating_sub(1))?;
    let own = Duration::from_secs(seconds).mul_f64(1.0 + JITTER * jitter.clamp(0.0, 1.0));
    Some(own.max(asked.unwrap_or_default().min(LONGEST)))
}

/// What a `Retry-After` asks for: seconds, or a time (RFC 9110 §10.2.3).
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    (until.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_grows_from_seconds_to_a_day_and_then_there_is_none() {
        let delays: Vec<u64> = (1..)
            .map_while(|failed| delay(failed, 0.0, None))
            .map(|d| d.as_secs())
            .collect();
        assert_eq!(delays, DELAYS);
        assert_eq!(delays.len() + 1, ATTEMPTS);
        assert_eq!(delay(ATTEMPTS, 0.0, Some(Duration::from_secs(1))), None);
    }

    #[test]
    fn delay_with_jitter_is_up_to_a_fifth_longer() {
        assert_eq!(delay(4, 1.0, None), Some(Duration::from_secs(720)));
        assert_eq!(delay(4, 0.5, None), Some(Duration::from_secs(660)));
        assert_eq!(delay(4, 7.0, None), Some(Duration::from_secs(720)));
    }

    #[test]
    fn delay_that_the_receiver_asks_for_only_prolongs_and_ends_at_a_day() {
        let asked = |seconds| {
            delay(1, 0.0, Some(Duration::from_secs(seconds)))
                .unwrap()
                .as_secs()
        };
        assert_eq!(
            (asked(0), asked(4), asked(90), asked(u64::MAX)),
            (5, 5, 90, 86_400)
        );
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_time_to_come() {
        let now = DateTime::parse_from_rfc3339("2026-11-27T08:00:00Z")
            .unwrap()
            .to_utc();
        let read = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(read(" 120 "), Some(120));
        assert_eq!(read("Fri, 27 Nov 2026 08:01:30 GMT"), Some(90));
        assert_eq!(read("Fri, 27 Nov 2026 07:59:00 GMT"), None, "it is over");
        for other in ["", "soon", "-1", "1.5", "2026-11-27T09:00:00Z"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
