use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Attempts to log in that one address has at once.
const BURST: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");

/// Attempts to log in: of one address, 10 at once and then one per second.
pub(crate) struct Attempts(DefaultKeyedRateLimiter<IpAddr>);

impl Default for Attempts {
    fn default() -> Attempts {
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(BURST);
        Attempts(RateLimiter::keyed(quota))
    }
}

impl Attempts {
    /// Count an attempt. Behind a proxy the address is the one it names, which is the last.
    ///
    /// # Errors
    /// How long to wait when it is one too many.
    pub(super) fn check(&self, peer: &ConnectInfo<SocketAddr>, headers: &HeaderMap) -> Result<(), Duration> {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let last = forwarded
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
        let address = last.unwrap_or(peer.0.ip());
        self.0
            .check_key(&address)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }

    /// Drop the state of addresses that have their whole burst again.
    pub(crate) fn forget_idle(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}
