//! A new mapping comes into force once, after every apply under the one before, and is followed by
//! a run; whatever dies on the way.

use crate::company::{Company, id, user};
use crate::process::Worker;
use rollcall_shared::directory::Key;
use rollcall_shared::mapping::Mapping;
use rollcall_shared::mapping::effect::Losses;
use rollcall_shared::store::mapping_changes::{self as changes, Change};
use rollcall_shared::store::mapping_previews::{self as previews, NewPreview, Preview, Refusal};
use rollcall_shared::store::rules;
use rollcall_shared::store::runs::{self, Phase};
use rollcall_worker::failpoints::RUN_FAILPOINTS;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

/// The default, with positions in capitals.
fn loud() -> Value {
    let mut mapping = json!(Mapping::default_mapping());
    for rule in mapping["rules"].as_array_mut().unwrap() {
        if rule["name"] == "position" {
            rule["transform"] = json!(["upper"]);
        }
    }
    mapping
}

async fn company() -> Company {
    let company = Company::new().await;
    let mut keys: Vec<Key> = vec![];
    for name in ["ada", "bob", "cyd"] {
        keys.push(company.put(name, user(name, json!({ "title": "Smith" }))).await);
    }
    company.apply(&keys).await;
    company
}

/// Put a mapping in force, as an operator would.
async fn put(company: &Company, version: i32) -> Uuid {
    let mut tx = company.pool.begin().await.unwrap();
    rules::lock(&mut tx, company.tenant).await.unwrap();
    let document = loud();
    let change = Change {
        version,
        document: &document,
        token: Uuid::nil(),
        note: None,
    };
    let run = changes::put(&mut tx, company.tenant, change).await.unwrap();
    tx.commit().await.unwrap();
    run
}

/// Have a mapping looked at, and put in force if it takes nothing away.
async fn agreed(company: &Company) -> Preview {
    let mut conn = company.pool.acquire().await.unwrap();
    let document = loud();
    let new = NewPreview {
        base_version: 1,
        document: &document,
        token: id("token"),
        note: Some("agreed"),
        at_most: Some(Losses::default()),
    };
    previews::start(&mut conn, company.tenant, new).await.unwrap()
}

async fn decided(company: &Company, preview: Uuid) -> Preview {
    let mut conn = company.pool.acquire().await.unwrap();
    let found = previews::find(&mut conn, company.tenant, preview)
        .await
        .unwrap()
        .unwrap();
    let run = runs::find(&mut conn, company.tenant, found.run)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.phase, Phase::Done, "the run came to its end");
    found
}

/// Let a worker do all there is to do.
async fn work(company: &Company) {
    let worker = Worker::start(company, &["--lease-seconds", "2"]);
    let started = Instant::now();
    while company
        .scalar::<bool>("select exists (select from runs where phase <> 'done')")
        .await
    {
        assert!(started.elapsed() < PATIENCE, "the runs do not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.stop().await;
}

async fn positions(company: &Company) -> Vec<String> {
    let positions = sqlx::query_scalar("select position from people order by login");
    positions.fetch_all(&company.pool).await.unwrap()
}

async fn advisory_waiters(company: &Company) -> i64 {
    company
        .scalar(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database())",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mapping_waits_for_applies_under_way_so_that_its_run_finds_what_they_wrote() {
    let company = company().await;
    let key = company.put("ada", user("ada", json!({ "title": "baker" }))).await;
    // An apply has begun, and comes no further than Ada's row …
    let mut holder = company.pool.begin().await.unwrap();
    sqlx::query("select from people for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let slow = {
        let (engine, tenant) = (company.another_engine().await, company.tenant);
        tokio::spawn(async move { engine.reconcile(tenant, &[key]).await.map(|done| done.keys) })
    };
    let waits = "select exists (select from pg_stat_activity where datname = current_database()
                 and wait_event_type = 'Lock')";
    let started = Instant::now();
    while !company.scalar::<bool>(waits).await {
        assert!(started.elapsed() < PATIENCE, "the apply never came to the row");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // … when somebody changes the mapping.
    let changed = async {
        let run = put(&company, 2).await;
        (run, Instant::now())
    };
    let released = async {
        while advisory_waiters(&company).await == 0 {
            assert!(
                started.elapsed() < PATIENCE,
                "the change did not wait for the apply"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let released = Instant::now();
        holder.commit().await.unwrap();
        released
    };
    let ((run, changed), released) = tokio::join!(changed, released);
    assert!(changed > released);
    assert_eq!(slow.await.unwrap().unwrap(), 1);
    work(&company).await;
    assert_eq!(positions(&company).await, ["BAKER", "SMITH", "SMITH"]);
    let mut conn = company.pool.acquire().await.unwrap();
    let run = runs::find(&mut conn, company.tenant, run).await.unwrap().unwrap();
    assert_eq!(run.report.unwrap()["fields"], json!({ "position": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn agreed_mapping_comes_into_force_once_whatever_step_fails() {
    let scenario = fail::FailScenario::setup();
    for name in RUN_FAILPOINTS {
        let company = company().await;
        let preview = agreed(&company).await;
        fail::cfg(*name, "1*return").unwrap();
        work(&company).await;
        let decided = decided(&company, preview.id).await;
        assert_eq!(
            (decided.applied_version, decided.refused),
            (Some(2), None),
            "{name}"
        );
        let versions: Vec<(i32, String)> = sqlx::query_as("select version, note from mappings")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        assert_eq!(versions, [(2, "agreed".to_owned())], "{name}");
        let begun: i64 = company
            .scalar("select count(*) from runs where scope = 'mapping'")
            .await;
        assert_eq!(begun, 1, "{name}");
        assert_eq!(positions(&company).await, ["SMITH"; 3], "{name}");
        let fired = rollcall_shared::failpoint::hits();
        assert!(fired.contains_key(name), "{name} was never reached");
    }
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread")]
async fn agreed_mapping_does_not_come_into_force_over_one_that_was_quicker() {
    let company = company().await;
    let preview = agreed(&company).await;
    put(&company, 2).await;
    work(&company).await;
    let decided = decided(&company, preview.id).await;
    assert_eq!(
        (decided.applied_version, decided.refused),
        (None, Some(Refusal::Moved))
    );
    let versions: i64 = company.scalar("select count(*) from mappings").await;
    assert_eq!(versions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn agreed_mapping_whose_comparison_is_cancelled_does_not_come_into_force() {
    let company = company().await;
    let preview = agreed(&company).await;
    let mut conn = company.pool.acquire().await.unwrap();
    assert!(
        runs::cancel(&mut conn, company.tenant, preview.run)
            .await
            .unwrap()
    );
    work(&company).await;
    let decided = decided(&company, preview.id).await;
    assert_eq!(
        (decided.applied_version, decided.refused),
        (None, Some(Refusal::Cancelled))
    );
    assert_eq!(positions(&company).await, ["Smith"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_whom_no_worker_with_previews_compared_are_no_part_of_what_was_agreed_to() {
    let company = company().await;
    let preview = agreed(&company).await;
    // The candidate is of a kind that this program cannot read.
    company
        .execute("update mapping_previews set document = '{\"rules\": 7}'")
        .await;
    work(&company).await;
    let decided = decided(&company, preview.id).await;
    assert_eq!(
        (decided.applied_version, decided.refused),
        (None, Some(Refusal::Exceeded))
    );
    let report: Value = company.scalar("select report from runs").await;
    assert_eq!(
        (&report["effect"]["checked"], &report["effect"]["failed"]),
        (&json!(3), &json!(3)),
        "{report}"
    );
}
