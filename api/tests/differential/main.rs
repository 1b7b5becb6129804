//! Random valid PATCH and filter requests, answered by Rollcall and by `scim2-server` from PyPI.
//! Where both differ, either Rollcall is to be fixed or the difference is in `known`, with the
//! words of the RFC by which Rollcall is right.
//!
//! `DIFFERENTIAL_CASES` sets how many requests of each sort are sent (300), `DIFFERENTIAL_SEED`
//! where the seeds start (1). A failure names its seed and shows the literal request.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

#[expect(dead_code, reason = "the harness of the API's other tests offers more")]
#[path = "../it/app.rs"]
mod app;
mod both;
mod compare;
#[path = "../it/described.rs"]
mod described;
mod filters;
mod generate;
mod known;
mod patches;
mod server;

use app::TestApp;

/// An API that takes as many requests as are sent.
async fn unlimited() -> TestApp {
    TestApp::start_with(&["--requests-per-second", "0"]).await
}

/// How many cases to run, and the seed of the first.
fn seeds() -> std::ops::Range<u64> {
    let first = setting("DIFFERENTIAL_SEED", 1);
    first..first + setting("DIFFERENTIAL_CASES", 300)
}

fn setting(name: &str, default: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how much to test is the developer's to say"
    )]
    let value = std::env::var(name);
    value.map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}"))
    })
}

/// Say what was compared, and fail when something differs that should not.
fn report(what: &str, counts: &std::collections::BTreeMap<&'static str, u64>, failures: &[String]) {
    println!("{what}: {counts:#?}");
    assert!(
        failures.is_empty(),
        "{} unknown differences of {what}; the first:\n{}",
        failures.len(),
        failures
            .iter()
            .take(SHOWN)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// Differences a failure shows.
const SHOWN: usize = 5;
