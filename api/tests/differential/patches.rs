//! The same PATCH requests to both.

use crate::both::{Both, Twin};
use crate::generate::{self, Kind};
use crate::{known, report, seeds, unlimited};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Requests one after the other on one resource.
const REQUESTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_patches_give_what_scim2_server_gives_but_for_known_differences() {
    let app = unlimited().await;
    let both = Both::start(&app).await;
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let kind = if rng.random_bool(0.2) {
            Kind::Group
        } else {
            Kind::User
        };
        let document = generate::document(&mut rng, kind, &format!("seed-{seed}"));
        let twin = both
            .create(kind.endpoint(), &document)
            .await
            .unwrap_or_else(|said| {
                panic!("seed {seed}: POST {document}: {said}");
            });
        let mut there = true;
        for _ in 0..REQUESTS {
            let operations = generate::operations(&mut rng, kind);
            match compare(&both, kind, &twin, &operations, seed).await {
                Ok(Some(name)) => {
                    *counts.entry(name).or_default() += 1;
                    there = false;
                    break;
                }
                Ok(None) => *counts.entry("equal").or_default() += 1,
                Err(difference) => {
                    failures.push(difference);
                    there = false;
                    break;
                }
            }
        }
        if there {
            both.delete(&twin).await;
        }
    }
    report("PATCH requests", &counts, &failures);
}

/// Send one request; answers the known difference there is, if any. After a difference the
/// resource is gone.
async fn compare(
    both: &Both<'_>,
    kind: Kind,
    twin: &Twin,
    operations: &[Value],
    seed: u64,
) -> Result<Option<&'static str>, String> {
    let (before, theirs) = both.read(twin).await;
    if before != theirs {
        both.delete(twin).await;
        return Err(format!("seed {seed}: they start with\n  {before}\n  {theirs}"));
    }
    let (ours, theirs) = both.patch(twin, operations).await;
    if ours.agrees(&theirs) || (operations.len() > 1 && ours.refuses_like(&theirs)) {
        return Ok(None);
    }
    both.delete(twin).await;
    let known = one_by_one(both, kind, &before, operations).await;
    known.map(Some).ok_or_else(|| {
        format!(
            "seed {seed}: PATCH {}\n  of {before}\n  Rollcall: {ours}\n  scim2-server: {theirs}",
            json!(operations)
        )
    })
}

/// Find the first operation that makes the difference, and which known one it is.
async fn one_by_one(
    both: &Both<'_>,
    kind: Kind,
    before: &Value,
    operations: &[Value],
) -> Option<&'static str> {
    let mut document = before.clone();
    document["schemas"] = json!(kind.schemas_of(before));
    let twin = both.create(kind.endpoint(), &document).await.ok()?;
    let mut known = None;
    for operation in operations {
        let (before, _) = both.read(&twin).await;
        let (ours, theirs) = both.patch(&twin, std::slice::from_ref(operation)).await;
        if !ours.agrees(&theirs) {
            known = known::of_patch(&before, operation, &ours, &theirs);
            break;
        }
        if !ours.done() {
            break;
        }
    }
    both.delete(&twin).await;
    known
}
