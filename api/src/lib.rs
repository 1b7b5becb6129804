//! rollcall-api
pub mod accept;
