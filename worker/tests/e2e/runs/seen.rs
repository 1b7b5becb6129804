//! What an operator sees of a run, over HTTP.

use super::{PATIENCE, Proof, company, full};
use crate::harness::within;
use serde_json::{Value, json};

/// Kind, name, field, old and new value of each sample; the names of people end with their logins.
fn told(shown: &Value) -> Vec<String> {
    let samples = shown["samples"].as_array().expect("samples");
    let told = samples.iter().map(|sample| {
        let name = sample["name"].as_str().unwrap_or_default();
        let name = name.strip_prefix("Given ").unwrap_or(name);
        format!(
            "{} {name} {} {} {}",
            sample["kind"].as_str().unwrap_or_default(),
            sample["field"].as_str().unwrap_or_default(),
            sample["old"],
            sample["new"]
        )
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_of_every_kind_is_told_by_name_by_a_dry_run_and_gone_after_a_run() {
    let mut proof = Proof::start("seen", 1).await;
    proof.meddle().await;
    proof.stack.workers[0].start();
    let run = proof.run(full(true)).await;
    proof.outcome(&run).await;
    let told = told(&proof.shown(&run).await);
    for expected in [
        r#"person p0007 position "Baron" "Clerk""#,
        r#"person ghost status "active" "deprovisioned""#,
        r#"membership p0003 department null "Department 3""#,
        r#"membership p0020 by hand "Department 1" null"#,
        r#"line p0011 manager null "p0001""#,
        r#"line p0030 manager "p0001" "p0003""#,
        r#"team Gang team.name "Gang" "Group 1""#,
        r#"team Purchasing team.name "Purchasing" "Department 2""#,
        r#"team Ghosts team.deleted false true"#,
    ] {
        assert!(
            told.iter().any(|told| told == expected),
            "{expected} in {told:#?}"
        );
    }
    let run = proof.run(full(false)).await;
    proof.outcome(&run).await;
    let again = proof.run(full(true)).await;
    let again = proof.outcome(&again).await;
    assert_eq!(again.samples, [] as [String; 0]);
    assert_eq!(again.report["differing"], 0, "{:?}", again.report);
    assert_eq!(
        again.report["people"],
        company::PEOPLE + 1,
        "the ghost is one of them"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_that_is_cancelled_under_way_is_followed_to_its_end_and_reports_what_it_had_done() {
    let mut proof = Proof::start("followed", 1).await;
    proof.meddle().await;
    let run = proof.run(full(false)).await;
    let slow = [("FAILPOINTS", "runs::before_chunk_commit=sleep(700)")];
    proof.stack.workers[0].start_with(&slow);
    let ops = proof.tenant.ops.clone();
    let events = format!("{run}/events");
    let cancelled = async {
        within(PATIENCE, "a part is done", async || {
            let progress = proof.shown(&run).await["progress"]["partsDone"].as_i64();
            progress.filter(|done| *done > 0)
        })
        .await;
        let cancel = format!("{run}/cancel");
        proof.tenant.ops.post(&cancel, &json!({})).await.expect(200);
    };
    let (followed, ()) = tokio::join!(ops.get(&events), cancelled);
    let followed = followed.expect(200).body;
    let events: Vec<&str> = followed.as_str().expect("a stream").split("\n\n").collect();
    let events: Vec<&str> = events
        .into_iter()
        .filter(|event| event.starts_with("event"))
        .collect();
    let (last, before) = events.split_last().expect("events");
    assert!(before.len() > 1, "{events:?}");
    assert!(
        before.iter().all(|event| event.starts_with("event: progress\n")),
        "{events:?}"
    );
    assert!(last.starts_with("event: done\n"), "{events:?}");

    let shown = proof.shown(&run).await;
    assert_eq!(shown["state"], "cancelled");
    let report = &shown["report"];
    let checked = report["checked"].as_i64();
    assert!(checked > Some(0), "{report}");
    // Whatever it had not come to is found by the next.
    proof.stack.workers[0].terminate(PATIENCE).await;
    let rest = proof.undisturbed(full(false)).await;
    let differing = rest.report["differing"].as_i64();
    assert!(
        differing > Some(0) && rest.report["checked"].as_i64() > checked,
        "{rest:?}"
    );
    assert_eq!(proof.undisturbed(full(true)).await.report["differing"], 0);
}
