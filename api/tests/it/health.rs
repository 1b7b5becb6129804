use crate::app::{TestApp, send};
use devstack::PrivatePostgres;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn readyz_everything_there_is_ready() {
    let app = TestApp::start().await;
    let answer = send(app.request(Method::GET, "/readyz")).await.expect(200);
    assert_eq!(answer.body["ready"], true);
    assert_eq!(answer.body["postgres"]["ok"], true);
    assert_eq!(answer.body["redis"]["ok"], true, "{answer:?}");
}

#[tokio::test]
async fn readyz_redis_down_is_ready_but_degraded_and_writes_are_accepted() {
    let port = devstack::free_port().unwrap();
    let redis = format!("redis://127.0.0.1:{port}");
    let app = TestApp::start_with(&[]).await;
    let app = TestApp::start_on(app.database_url(), &["--redis-url", &redis]).await;
    let answer = send(app.request(Method::GET, "/readyz")).await.expect(200);
    assert_eq!(answer.body["degraded"], true);
    assert_eq!(answer.body["redis"]["missing"], "Redis is out of reach");
    let client = app.scim().await;
    client.user("jane").await;
    let operator = app.client(client.tenant, "operator").await;
    let overview = operator.get("/ops/v1/overview").await.expect(200);
    assert!(overview.body["queues"].is_null());
    assert_eq!(overview.body["backlog"]["pendingChanges"], 1);
    let in_step = json!({ "people": 1, "behind": 1, "percent": 0.0 });
    assert_eq!(overview.body["inStep"], in_step);
    assert_eq!(overview.body["pace"]["acceptedPerSecond"], 0.02);
    assert!(overview.body["lastRun"].is_null());
    let metrics = metrics(&app).await;
    assert!(
        metrics.contains(r#"rollcall_dependency_up{dependency="redis"} 0"#),
        "{metrics}"
    );
    assert!(!metrics.contains("rollcall_queue_depth{"), "{metrics}");
}

#[tokio::test]
async fn readyz_empty_database_names_the_command_that_migrates_it() {
    let postgres = PrivatePostgres::start().await.unwrap();
    let redis = devstack::TestRedis::new().unwrap();
    let app = TestApp::start_on(
        &postgres.url(),
        &["--redis-url", redis.url(), "--redis-prefix", redis.prefix()],
    )
    .await;
    let answer = send(app.request(Method::GET, "/readyz")).await.expect(503);
    assert_eq!(answer.body["ready"], false);
    let missing = answer.body["postgres"]["missing"].as_str().unwrap();
    assert!(missing.contains("rollcall-api migrate"), "{missing}");
}

#[tokio::test]
async fn metrics_known_queues_and_slots_are_zero_when_empty() {
    let app = TestApp::start().await;
    let text = metrics(&app).await;
    for line in [
        r#"rollcall_queue_depth{queue="reconcile-live",state="ready"} 0"#,
        r#"rollcall_queue_depth{queue="links",state="dead"} 0"#,
        r#"rollcall_waiters{slot="additional_manager"} 0"#,
        r#"rollcall_dependency_up{dependency="postgres"} 1"#,
        "rollcall_pending_changes 0",
        r#"rollcall_table_rows{table="pending"} 0"#,
        r#"rollcall_table_dead_rows{table="people"} 0"#,
        "rollcall_oldest_pending_age_seconds 0.0",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_template_without_ids() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let id = uuid::Uuid::now_v7();
    client.get(&format!("/Users/{id}")).await.scim_error(404);
    client.get("/made-up").await.scim_error(404);
    let text = metrics(&app).await;
    let line = r#"rollcall_http_requests_total{method="GET",route="/scim/v2/Users/{id}",status="4xx"} 1"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains(r#"route="unmatched""#), "{text}");
    assert!(
        !text.contains(&id.to_string()) && !text.contains("made-up"),
        "{text}"
    );
}

async fn metrics(app: &TestApp) -> String {
    let answer = send(app.request(Method::GET, "/metrics")).await.expect(200);
    answer.body.as_str().unwrap().to_owned()
}
