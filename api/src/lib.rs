//! rollcall-api
