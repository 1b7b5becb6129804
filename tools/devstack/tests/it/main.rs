//! The servers and the testkit, used for real.

mod postgres;
mod redis;
mod testkit;
