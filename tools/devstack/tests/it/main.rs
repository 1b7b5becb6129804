//! The servers and the testkit, used for real.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails with the line that went wrong"
)]

mod layers;
mod postgres;
mod redis;
mod testkit;
