//! Webhooks: where deliveries may go, what they say, when they are tried again. Pure.

mod address;
mod message;
mod retry;
mod target;

pub use address::Reach;
pub use message::{MAX_BYTES, PING, changed, ping};
pub use retry::{ATTEMPTS, DAYS_OF_FAILURE, delay, retry_after};
pub use target::{Target, TargetError};
