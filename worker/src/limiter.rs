//! How fast the directory may be written: a rate per tenant, and one for the whole deployment of
//! which each process takes its share of the live processes. Measured in keys per second.
//!
//! Taken before any transaction; whoever has to wait gives the slot back and comes again.

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use rollcall_shared::directory::TenantId;
use std::num::NonZeroU32;
use std::time::Duration;

/// The burst a limiter lets through after a pause, as a part of a second's worth.
const BURST_SECONDS: f64 = 1.0;
/// Shortest and longest time anybody is told to wait.
const WAIT: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(5));

/// What a caller may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// This many keys, at least one.
    Granted(usize),
    /// Nothing; ask again after this time.
    Wait(Duration),
}

/// The rates of one process.
pub(crate) struct Limiter {
    deployment_rate: u32,
    tenant_rate: u32,
    shares: ArcSwap<Shares>,
}

/// The limiters for one number of live processes.
struct Shares {
    processes: usize,
    deployment: Option<(DefaultDirectRateLimiter, u32)>,
    tenants: Option<(DefaultKeyedRateLimiter<TenantId>, u32)>,
}

impl Limiter {
    /// Rates in keys per second over all processes; 0 is no limit. Until told otherwise this
    /// process is the only one.
    pub(crate) fn new(deployment_rate: u32, tenant_rate: u32) -> Limiter {
        let shares = ArcSwap::from_pointee(Shares::new(deployment_rate, tenant_rate, 1));
        Limiter {
            deployment_rate,
            tenant_rate,
            shares,
        }
    }

    /// Take one of `processes` equal shares from now on.
    pub(crate) fn share_among(&self, processes: usize) {
        let processes = processes.max(1);
        if self.shares.load().processes != processes {
            let shares = Shares::new(self.deployment_rate, self.tenant_rate, processes);
            self.shares.store(std::sync::Arc::new(shares));
        }
    }

    /// Ask for up to `wanted` keys of a tenant.
    pub(crate) fn take(&self, tenant: TenantId, wanted: usize) -> Grant {
        let shares = self.shares.load();
        let mut granted = u32::try_from(wanted).unwrap_or(u32::MAX).max(1);
        if let Some((limiter, burst)) = &shares.tenants {
            match most(granted.min(*burst), |count| limiter.check_key_n(&tenant, count)) {
                Grant::Granted(count) => granted = count as u32,
                wait => return wait,
            }
        }
        if let Some((limiter, burst)) = &shares.deployment {
            return most(granted.min(*burst), |count| limiter.check_n(count));
        }
        Grant::Granted(granted as usize)
    }

    /// Forget tenants whose limiters are full again; call now and then to bound memory.
    pub(crate) fn tidy(&self) {
        if let Some((limiter, _)) = &self.shares.load().tenants {
            limiter.retain_recent();
        }
    }
}

impl Shares {
    fn new(deployment_rate: u32, tenant_rate: u32, processes: usize) -> Shares {
        let deployment = quota(deployment_rate, processes)
            .map(|quota| (RateLimiter::direct(quota), quota.burst_size().get()));
        let tenants =
            quota(tenant_rate, processes).map(|quota| (RateLimiter::keyed(quota), quota.burst_size().get()));
        Shares {
            processes,
            deployment,
            tenants,
        }
    }
}

fn quota(rate: u32, processes: usize) -> Option<Quota> {
    let share = f64::from(rate) / processes as f64;
    let burst = NonZeroU32::new((share * BURST_SECONDS).round() as u32).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(Duration::try_from_secs_f64(1.0 / share).ok()?).map(|quota| quota.allow_burst(burst))
}

type Checked = Result<Result<(), NotUntil<governor::clock::QuantaInstant>>, governor::InsufficientCapacity>;

/// The most of `wanted`, halved until it fits; else the time until a quarter of it is there.
fn most(wanted: u32, check: impl Fn(NonZeroU32) -> Checked) -> Grant {
    let mut wait = WAIT.0;
    let mut count = wanted;
    while let Some(asked) = NonZeroU32::new(count) {
        match check(asked) {
            Ok(Ok(())) => return Grant::Granted(asked.get() as usize),
            Ok(Err(until)) if count >= wanted.div_ceil(4) => {
                wait = until.wait_time_from(DefaultClock::default().now());
            }
            Ok(Err(_)) | Err(_) => {}
        }
        count /= 2;
    }
    Grant::Wait(wait.clamp(WAIT.0, WAIT.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TenantId = TenantId(1);
    const B: TenantId = TenantId(2);

    #[test]
    fn take_without_limits_grants_everything() {
        assert_eq!(Limiter::new(0, 0).take(A, 500), Grant::Granted(500));
    }

    #[test]
    fn take_over_the_burst_grants_a_part_and_then_waits() {
        let limiter = Limiter::new(100, 0);
        assert_eq!(limiter.take(A, 500), Grant::Granted(100));
        assert!(matches!(limiter.take(A, 500), Grant::Wait(_)));
    }

    #[test]
    fn take_one_tenant_over_its_rate_leaves_the_other_alone() {
        let limiter = Limiter::new(0, 10);
        assert_eq!(limiter.take(A, 10), Grant::Granted(10));
        assert!(matches!(limiter.take(A, 10), Grant::Wait(_)));
        assert_eq!(limiter.take(B, 10), Grant::Granted(10));
    }

    #[test]
    fn share_among_several_processes_divides_the_rate() {
        let limiter = Limiter::new(400, 0);
        limiter.share_among(4);
        assert_eq!(limiter.take(A, 500), Grant::Granted(100));
    }
}
