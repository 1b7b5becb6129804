//! The queue against a real Redis: `TEST_REDIS_URL`, and private servers where one is stopped,
//! wiped or measured.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cluster;
mod delivery;
mod endings;
mod limits;
mod outages;
mod sentinel;
mod shutdown;
mod support;
mod tls;
mod wake;
