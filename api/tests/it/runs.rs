use crate::app::TestApp;
use serde_json::json;
use uuid::Uuid;

const RUNS: &str = "/ops/v1/runs";

#[tokio::test]
async fn run_is_started_once_per_scope_listed_followed_and_cancelled() {
    let app = TestApp::start().await;
    let tenant = app.tenant("mine").await;
    let operator = app.client(tenant, "operator").await;
    let started = operator.post(RUNS, json!({ "scope": "full" })).await.expect(202);
    let path = format!("{RUNS}/{}", started.id());
    assert_eq!(started.header("location"), path);
    assert_eq!(
        (&started.body["state"], &started.body["dryRun"]),
        (&json!("running"), &json!(false))
    );
    let again = operator
        .post(RUNS, json!({ "scope": "full", "dryRun": false }))
        .await
        .expect(200);
    assert_eq!(again.id(), started.id());
    let dry = operator
        .post(RUNS, json!({ "scope": "full", "dryRun": true }))
        .await
        .expect(202);
    assert_ne!(dry.id(), started.id());

    let listed = operator.get(&format!("{RUNS}?count=1")).await.expect(200);
    assert_eq!(
        (&listed.body["totalResults"], &listed.body["itemsPerPage"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(listed.body["runs"][0]["id"], dry.body["id"], "the newest first");

    let cancelled = operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .expect(200);
    assert_eq!(cancelled.body["cancelRequested"], true);
    operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .expect(200);
    // What its worker would do in the end.
    sqlx::query(
        "update runs set phase = 'done', finished_at = now(), report = '{\"checked\": 0}' where id = $1",
    )
    .bind(Uuid::parse_str(started.id()).unwrap())
    .execute(&app.pool)
    .await
    .unwrap();
    let found = operator.get(&path).await.expect(200);
    assert_eq!(
        (&found.body["state"], &found.body["report"]["checked"]),
        (&json!("cancelled"), &json!(0))
    );
    let followed = operator.get(&format!("{path}/events")).await.expect(200);
    assert_eq!(followed.header("content-type"), "text/event-stream");
    let text = followed.body.as_str().unwrap();
    assert!(text.starts_with("event: done\ndata: {"), "{text}");
    assert!(text.contains(started.id()), "{text}");
}

#[tokio::test]
async fn run_that_has_compared_everything_cannot_be_cancelled() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let run = operator.post(RUNS, json!({ "scope": "full" })).await.expect(202);
    sqlx::query("update runs set phase = 'report'")
        .execute(&app.pool)
        .await
        .unwrap();
    operator
        .post(&format!("{RUNS}/{}/cancel", run.id()), json!({}))
        .await
        .problem(409);
}

#[tokio::test]
async fn run_of_a_person_is_started_by_the_id_of_their_user() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let user = scim.user("ada").await;
    let group = scim
        .post("/Groups", json!({ "displayName": "Guild" }))
        .await
        .expect(201);
    let operator = app.client(scim.tenant, "operator").await;
    for (scope, id) in [("person", user.id()), ("team", group.id())] {
        let run = operator
            .post(RUNS, json!({ "scope": scope, "id": id }))
            .await
            .expect(202);
        let by_directory_id = json!({ "scope": scope, "id": run.body["scopeId"] });
        let same = operator.post(RUNS, by_directory_id).await.expect(200);
        assert_eq!(same.id(), run.id());
    }
}

#[tokio::test]
async fn run_that_cannot_be_is_refused_and_others_tenants_runs_are_not_seen() {
    let app = TestApp::start().await;
    let other = app.scim().await;
    let stranger = other.user("rex").await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    for body in [
        json!({}),
        json!({ "scope": "everything" }),
        json!({ "scope": "full", "id": Uuid::nil() }),
        json!({ "scope": "person" }),
        json!({ "scope": "team", "id": Uuid::nil() }),
        json!({ "scope": "person", "id": stranger.id() }),
        json!({ "scope": "full", "dry": true }),
        json!({ "scope": "person", "id": "rex" }),
    ] {
        operator.post(RUNS, body).await.problem(400);
    }
    let theirs = app.client(other.tenant, "operator").await;
    let run = theirs.post(RUNS, json!({ "scope": "full" })).await.expect(202);
    let path = format!("{RUNS}/{}", run.id());
    operator.get(&path).await.problem(404);
    operator.get(&format!("{path}/events")).await.problem(404);
    operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .problem(404);
    operator.get(&format!("{RUNS}/nonsense")).await.problem(404);
    assert_eq!(operator.get(RUNS).await.expect(200).body["totalResults"], 0);
    other.get(RUNS).await.problem(403);
}
