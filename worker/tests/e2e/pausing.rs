//! A paused lane stands still, through crashes of workers and the loss of Redis; nothing else does.

use crate::harness::people::{bulk_of_users, user};
use crate::harness::{Options, Stack, Tenant, within};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;

/// For workers to learn of a pause, and a job to be put off for it.
const LEARNT: Duration = Duration::from_secs(10);
/// For what may go on to be applied, also when the feeder has to bring it.
const APPLIED: Duration = Duration::from_secs(40);
const PEOPLE: usize = 20;

async fn people(db: &PgPool, tenant: &Tenant) -> i64 {
    sqlx::query_scalar("select count(*) from people where tenant_id = $1")
        .bind(tenant.id)
        .fetch_one(db)
        .await
        .unwrap()
}

async fn write(tenant: &Tenant, prefix: &str, count: usize) {
    for number in 0..count {
        let login = format!("{prefix}-{number}@pause.example");
        tenant.scim.post("/Users", &user(&login, None)).await.expect(201);
    }
}

/// Whether every worker has put a job off, since it started, because its lane is paused.
async fn all_put_off(stack: &Stack) -> bool {
    for worker in &stack.workers {
        if worker
            .labelled("rollcall_jobs_total", r#"outcome="paused""#)
            .await
            == 0.0
        {
            return false;
        }
    }
    true
}

async fn lane(tenant: &Tenant, name: &str) -> Value {
    let queue = tenant.ops.get("/queue").await.expect(200).body;
    let lanes = queue["lanes"].as_array().expect("a list of lanes");
    lanes
        .iter()
        .find(|lane| lane["lane"] == name)
        .expect("the lane")
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_lane_stands_still_through_crashes_and_a_flush_while_all_else_goes_on() {
    let mut stack = Stack::start(Options {
        workers: 2,
        environment: vec![("ROLLCALL_LEASE_SECONDS", "2".to_owned())],
        ..Options::default()
    })
    .await;
    let (tenant, other) = (stack.tenant("paused").await, stack.tenant("other").await);
    let paused = tenant
        .ops
        .post(
            "/queue/live/pause",
            &json!({ "reason": "the source sends nonsense" }),
        )
        .await
        .expect(200);
    assert_eq!(paused.body["paused"]["reason"], "the source sends nonsense");
    // Until both have looked, either may still apply a job.
    let mut probes = 0;
    while !all_put_off(&stack).await {
        assert!(probes < 100, "the workers do not learn of the pause");
        write(&tenant, &format!("probe-{probes}"), 1).await;
        probes += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let early = people(&stack.db, &tenant).await;
    let waiting = probes - early + PEOPLE as i64;
    write(&tenant, "live", PEOPLE).await;

    // Everything that could make somebody forget the pause.
    for worker in &mut stack.workers {
        worker.kill();
        worker.start();
    }
    stack.ready().await;
    stack.stores.flush_redis().await;
    let mut probes = 0;
    while !all_put_off(&stack).await {
        assert!(probes < 100, "the new workers do not learn of the pause");
        write(&tenant, &format!("after-{probes}"), 1).await;
        probes += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waiting = waiting + probes;

    // Another lane of this tenant and the same lane of another go on meanwhile.
    let imported: Vec<(String, Option<String>)> = (0..PEOPLE)
        .map(|number| (format!("bulk-{number}@pause.example"), None))
        .collect();
    tenant
        .scim
        .post("/Bulk", &bulk_of_users(&imported))
        .await
        .expect(200);
    write(&other, "theirs", 1).await;
    within(
        APPLIED,
        "the import and the other tenant's write are applied",
        async || {
            let applied = (people(&stack.db, &tenant).await, people(&stack.db, &other).await);
            (applied == (early + PEOPLE as i64, 1)).then_some(())
        },
    )
    .await;
    assert_eq!(stack.outstanding().await, Some(waiting), "the paused writes wait");
    let live = lane(&tenant, "live").await;
    assert_eq!(live["work"]["count"], waiting);
    assert!(live["paused"]["by"]["id"].is_string(), "{live}");
    assert_eq!(lane(&other, "live").await["paused"], Value::Null);
    let overview = tenant.ops.get("/overview").await.expect(200).body;
    assert_eq!(overview["backlog"]["heldChanges"], waiting);
    assert_eq!(overview["backlog"]["oldestPendingSeconds"], 0.0);
    assert!(overview["pausedLanes"]["live"]["since"].is_string(), "{overview}");
    let worker = &stack.workers[0];
    assert_eq!(
        worker
            .labelled("rollcall_lane_paused", r#"queue="reconcile-live""#)
            .await,
        1.0
    );
    assert_eq!(
        worker
            .labelled("rollcall_lane_paused", r#"queue="reconcile-bulk""#)
            .await,
        0.0
    );

    tenant
        .ops
        .post("/queue/live/resume", &json!({}))
        .await
        .expect(200);
    stack.converged(APPLIED).await;
    assert_eq!(people(&stack.db, &tenant).await, early + waiting + PEOPLE as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_are_named_and_samples_are_taken_once_by_whichever_worker_comes_first() {
    let stack = Stack::start(Options {
        workers: 2,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("watched").await;
    let workers = within(LEARNT, "both workers are known", async || {
        let queue = tenant.ops.get("/queue").await.expect(200).body;
        let workers = queue["workers"].as_array().expect("a list").clone();
        (workers.len() == 2).then_some(workers)
    })
    .await;
    for worker in &workers {
        assert_eq!(worker["alive"], true, "{worker}");
        let silent = worker["lastHeartbeatSeconds"].as_f64().expect("a number");
        assert!((0.0..5.0).contains(&silent), "{worker}");
    }
    write(&tenant, "p", PEOPLE).await;
    within(APPLIED, "finished jobs are counted", async || {
        let rate = lane(&tenant, "live").await["finishedPerSecond"].as_f64()?;
        (rate > 0.0).then_some(())
    })
    .await;
    let samples = within(APPLIED, "two samples of each lane are taken", async || {
        let answer = tenant.ops.get("/queue/samples?minutes=5").await.expect(200).body;
        let samples = answer["samples"].as_array().expect("a list").clone();
        (samples.len() >= 8).then_some(samples)
    })
    .await;
    let mut times: Vec<(&Value, &Value)> = vec![];
    for sample in &samples {
        let key = (&sample["at"], &sample["lane"]);
        assert!(!times.contains(&key), "{key:?} was sampled twice");
        assert!(sample["depth"]["ready"].is_number(), "{sample}");
        times.push(key);
    }
}
