//! Systems without /proc: everything builds, and the benchmark says why it does not run.

use anyhow::{Result, bail};

const WHY: &str = "what processes take is read from /proc: run the benchmark on Linux";

pub(super) fn seconds(_: i32) -> Result<f64> {
    bail!(WHY)
}

pub(super) fn seconds_with_children(_: i32) -> Result<f64> {
    bail!(WHY)
}

pub(super) fn peak(_: i32) -> Result<u64> {
    bail!(WHY)
}

pub(super) fn resident(_: i32) -> Result<u64> {
    bail!(WHY)
}

pub(super) fn forget_peak(_: i32) -> Result<()> {
    bail!(WHY)
}
