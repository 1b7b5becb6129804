use crate::app::TestApp;
use devstack::{TestDatabase, TestRedis};
use rollcall_shared::config::RedisConfig;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::queue::{QueueConfig, Queues, ReconcileJob};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const QUEUE: &str = "/ops/v1/queue";

fn lane<'a>(body: &'a Value, name: &str) -> &'a Value {
    let lanes = body["lanes"].as_array().unwrap();
    lanes.iter().find(|lane| lane["lane"] == name).unwrap()
}

#[tokio::test]
async fn queue_tells_depth_work_and_workers_of_every_lane() {
    let (database, redis) = (TestDatabase::create().await.unwrap(), TestRedis::new().unwrap());
    let flags = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let app = TestApp::start_on(database.url(), &flags).await;
    let config = RedisConfig::new(redis.url(), redis.prefix());
    let queues = Queues::connect(&config, QueueConfig::default()).unwrap();
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let stranger = app.client(app.tenant("other").await, "operator").await;
    scim.user("ada").await;
    scim.user("bob").await;
    let tenant = TenantId(scim.tenant);
    // Whether the API has pushed its own jobs by now or not, there is one more.
    let job = ReconcileJob {
        v: 1,
        tenant,
        keys: vec![Key::Person(Uuid::now_v7())],
    };
    queues.bulk.push(tenant, &[job]).await.unwrap();
    queues
        .heartbeat("host-1-abc", Duration::from_secs(5))
        .await
        .unwrap();

    let body = operator.get(QUEUE).await.expect(200).body;
    let names: Vec<&Value> = body["lanes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lane| &lane["lane"])
        .collect();
    assert_eq!(names, ["live", "bulk", "links", "runs"]);
    let (live, bulk) = (lane(&body, "live"), lane(&body, "bulk"));
    assert_eq!(live["queue"], "reconcile-live");
    assert_eq!(live["work"]["count"], 2);
    assert!(live["work"]["oldestSeconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(bulk["work"], json!({ "count": 0, "oldestSeconds": null }));
    assert_eq!(
        bulk["depth"],
        json!({ "ready": 1, "running": 0, "scheduled": 0, "dead": 0 })
    );
    assert_eq!(
        (&bulk["outstanding"], &bulk["holders"], &bulk["finishedPerSecond"]),
        (&json!(1), &json!([]), &json!(0.0))
    );
    assert_eq!(body["workers"][0]["process"], "host-1-abc");
    assert_eq!(body["workers"][0]["alive"], true);

    let theirs = stranger.get(QUEUE).await.expect(200).body;
    assert_eq!(lane(&theirs, "live")["work"]["count"], 0);
    assert_eq!(lane(&theirs, "bulk")["outstanding"], 0);
    scim.get(QUEUE).await.problem(403);
}

#[tokio::test]
async fn lane_is_paused_and_resumed_once_by_name_and_for_one_tenant() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let stranger = app.client(app.tenant("theirs").await, "operator").await;
    let pause = format!("{QUEUE}/bulk/pause");
    let paused = operator
        .post(&pause, json!({ "reason": "  wrong managers " }))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (
            &paused["lane"],
            &paused["paused"]["reason"],
            &paused["paused"]["by"]["name"]
        ),
        (&json!("bulk"), &json!("wrong managers"), &json!("test"))
    );
    // Again, and without a body: who paused it first stays.
    let again = crate::app::send(operator.request(reqwest::Method::POST, &pause)).await;
    assert_eq!(again.expect(200).body, paused);

    let body = operator.get(QUEUE).await.expect(200).body;
    assert_eq!(lane(&body, "bulk")["paused"], paused["paused"]);
    assert_eq!(lane(&body, "live")["paused"], Value::Null);
    let overview = operator.get("/ops/v1/overview").await.expect(200).body;
    assert_eq!(overview["pausedLanes"], json!({ "bulk": paused["paused"] }));
    let theirs = stranger.get(QUEUE).await.expect(200).body;
    assert_eq!(lane(&theirs, "bulk")["paused"], Value::Null);
    stranger
        .post(&format!("{QUEUE}/bulk/resume"), json!({}))
        .await
        .expect(200);
    let metrics = app
        .request(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"rollcall_lane_paused{queue="reconcile-bulk"} 1"#,
        r#"rollcall_lane_paused{queue="reconcile-live"} 0"#,
        "rollcall_held_changes 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing");
    }

    for _ in 0..2 {
        let resumed = operator
            .post(&format!("{QUEUE}/bulk/resume"), json!({}))
            .await
            .expect(200);
        assert_eq!(resumed.body["paused"], Value::Null);
    }
    let log = operator.get("/ops/v1/audit").await.expect(200).body;
    assert_eq!(
        (&log["actions"][3]["action"], &log["actions"][3]["target"]),
        (&json!("POST /ops/v1/queue/{lane}/pause"), &json!("bulk"))
    );
}

#[tokio::test]
async fn pause_of_no_lane_or_with_a_bad_body_is_refused_and_pauses_nothing() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let detail = operator.post(&format!("{QUEUE}/fast/pause"), json!({})).await;
    assert!(detail.problem(404).contains("live, bulk, links and runs"));
    operator
        .post(&format!("{QUEUE}/fast/resume"), json!({}))
        .await
        .problem(404);
    let pause = format!("{QUEUE}/live/pause");
    for (body, named) in [
        (json!({ "reason": "x".repeat(1_001) }), "reason"),
        (json!({ "reason": "a\u{0}b" }), "reason"),
        (json!({ "reason": 5 }), "reason"),
        (json!({ "until": "tomorrow" }), "unknown field"),
    ] {
        let detail = operator.post(&pause, body.clone()).await;
        assert!(detail.problem(400).contains(named), "{body}: {detail:?}");
    }
    let body = operator.get(QUEUE).await.expect(200).body;
    assert_eq!(lane(&body, "live")["paused"], Value::Null);
}

#[tokio::test]
async fn queue_without_redis_is_503_and_tells_what_postgres_knows() {
    let database = TestDatabase::create().await.unwrap();
    let nowhere = format!("redis://127.0.0.1:{}", devstack::free_port().unwrap());
    let app = TestApp::start_on(database.url(), &["--redis-url", &nowhere]).await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    scim.user("ada").await;
    operator
        .post(&format!("{QUEUE}/live/pause"), json!({}))
        .await
        .expect(200);
    let answer = operator.get(QUEUE).await;
    assert!(answer.problem(503).contains("Redis"));
    assert!(!answer.header("retry-after").is_empty());
    let live = lane(&answer.body, "live");
    assert_eq!(live["work"]["count"], 1);
    assert!(live["paused"]["since"].is_string(), "{live}");
    assert_eq!(live.get("depth"), None);
}

#[tokio::test]
async fn samples_are_those_of_the_time_asked_for_in_its_order() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    sqlx::query(
        "insert into queue_samples select now() - age, 'live', 7, 2, 1, 0, 3, 0.5
         from unnest(array['1 minute', '30 minutes', '2 hours']::interval[]) age",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into pace_samples select now() - age, 18000, 6
         from unnest(array['1 minute', '2 hours']::interval[]) age",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    let path = format!("{QUEUE}/samples");
    let hour = operator.get(&path).await.expect(200).body;
    assert_eq!(hour["everySeconds"], 15);
    let samples = hour["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 2);
    assert!(samples[0]["at"].as_str().unwrap() < samples[1]["at"].as_str().unwrap());
    assert_eq!(
        (
            &samples[0]["lane"],
            &samples[0]["depth"]["ready"],
            &samples[0]["finishedPerSecond"]
        ),
        (&json!("live"), &json!(7), &json!(0.5))
    );
    let pace = hour["pace"].as_array().unwrap();
    assert_eq!(pace.len(), 1, "{pace:?}");
    assert_eq!(
        (&pace[0]["acceptedPerSecond"], &pace[0]["appliedPerSecond"]),
        (&json!(1200.0), &json!(0.4))
    );
    for (minutes, count) in [("5", 1), ("1440", 3)] {
        let found = operator
            .get(&format!("{path}?minutes={minutes}"))
            .await
            .expect(200)
            .body;
        assert_eq!(found["samples"].as_array().unwrap().len(), count, "{minutes}");
    }
    for minutes in ["0", "1441", "-5", "soon"] {
        let refused = operator.get(&format!("{path}?minutes={minutes}")).await;
        assert!(refused.problem(400).contains("minutes"));
    }
}
