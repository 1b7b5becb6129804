//! The worker: applies what was accepted to the directory.

pub mod error;
pub mod failpoints;
pub mod reconcile;
