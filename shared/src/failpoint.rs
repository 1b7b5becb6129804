//! Named places at which a test makes a process fail, and how often it did.
//!
//! The places themselves are `fail::fail_point!` lines, which compile to nothing unless a test
//! build switches the `fail` crate's `failpoints` feature on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

static HITS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// A failpoint fired.
pub fn hit(name: &'static str) {
    *HITS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(name)
        .or_default() += 1;
}

/// How often each failpoint of this process fired.
pub fn hits() -> BTreeMap<&'static str, u64> {
    HITS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
