//! rollcall-worker
