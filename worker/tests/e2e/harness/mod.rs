//! What every proof stands on: processes, stores, an HTTP client and waits with a deadline.

pub(crate) mod bulk;
pub(crate) mod directory;
pub(crate) mod people;
mod process;
mod scim;
mod stack;
mod stores;
mod wait;

pub(crate) use scim::{Answer, Reply, Scim};
pub(crate) use stack::{Options, Stack, Tenant, turn};
pub(crate) use wait::{within, within_or};

/// The body of a PATCH.
pub(crate) fn patch(operations: serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

/// The seed of this run: `E2E_SEED`, else always the same. Printed, so that a failure can be
/// repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "which run to repeat is the developer's to say"
)]
pub(crate) fn seed(test: &str) -> u64 {
    let seed = match std::env::var("E2E_SEED") {
        Ok(text) => text.parse().expect("E2E_SEED is a number"),
        Err(_) => 1,
    };
    println!("{test}: seed {seed} (repeat with E2E_SEED={seed})");
    seed
}

/// The value below which `share` (0 to 1) of the samples lie.
pub(crate) fn percentile(samples: &mut [std::time::Duration], share: f64) -> std::time::Duration {
    assert!(!samples.is_empty(), "no samples");
    samples.sort_unstable();
    let last = samples.len() - 1;
    samples[((last as f64) * share).round() as usize]
}
