//! Tests of the shared crate against real servers.

mod queue;
mod search;
