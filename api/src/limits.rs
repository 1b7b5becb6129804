//! What one client, and all clients together, may ask of this process.

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Requests per second of each token. Only valid tokens are counted, so their number bounds
/// the memory; idle ones are dropped by [`RateLimit::forget_idle`].
pub(crate) struct RateLimit(Option<DefaultKeyedRateLimiter<Uuid>>);

impl RateLimit {
    /// `rate` requests per second and as many in a burst; 0 is no limit.
    pub(crate) fn per_second(rate: u32) -> RateLimit {
        RateLimit(NonZeroU32::new(rate).map(|rate| RateLimiter::keyed(Quota::per_second(rate))))
    }

    /// Count a request of this token.
    ///
    /// # Errors
    /// How long to wait when it is one too many.
    pub(crate) fn check(&self, token: Uuid) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter
            .check_key(&token)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }

    /// Drop the state of tokens that have their whole burst again.
    pub(crate) fn forget_idle(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Bytes of request bodies that may be in memory at the same time.
pub(crate) struct BodyBudget(Arc<Semaphore>);

/// Semaphores count in u32: budgets are kept in units of this many bytes.
const UNIT: usize = 1024;

impl BodyBudget {
    pub(crate) fn new(bytes: usize) -> BodyBudget {
        BodyBudget(Arc::new(Semaphore::new(
            (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS),
        )))
    }

    /// Room for a body of this size, held until the permit is dropped; `None` when there is not
    /// enough at the moment.
    pub(crate) fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(units).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_burst_spent_names_the_wait_and_other_tokens_pass() {
        let limit = RateLimit::per_second(2);
        let token = Uuid::from_u128(1);
        assert!(limit.check(token).is_ok() && limit.check(token).is_ok());
        let wait = limit.check(token).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_millis(500),
            "{wait:?}"
        );
        assert!(limit.check(Uuid::from_u128(2)).is_ok());
    }

    #[test]
    fn rate_limit_zero_never_waits() {
        let limit = RateLimit::per_second(0);
        assert!((0..10_000).all(|_| limit.check(Uuid::nil()).is_ok()));
    }

    #[test]
    fn body_budget_spent_has_room_again_after_drop() {
        let budget = BodyBudget::new(10 * 1024);
        let first = budget.take(8 * 1024).unwrap();
        assert!(budget.take(4 * 1024).is_none());
        drop(first);
        assert!(budget.take(4 * 1024).is_some());
    }
}
