//! Tokens over the operator API, and the log of what operators do.

use crate::app::{Client, TestApp};
use chrono::{DateTime, Utc};
use devstack::wait;
use serde_json::{Value, json};

const TOKENS: &str = "/ops/v1/tokens";

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn days_left(token: &Value) -> i64 {
    (time(&token["expiresAt"]) - time(&token["createdAt"])).num_days()
}

async fn operator(app: &TestApp) -> Client<'_> {
    app.client(app.tenant("mine").await, "operator").await
}

#[tokio::test]
async fn token_created_opens_its_scope_and_its_secret_is_shown_once() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let asked =
        json!({ "name": "Okta", "scope": "scim", "source": "okta", "strict": true, "expiresInDays": 30 });
    let created = operator.post(TOKENS, asked).await.expect(201);
    assert_eq!(created.header("cache-control"), "no-store");
    assert_eq!(days_left(&created.body), 30);
    let secret = created.body["secret"].as_str().unwrap();
    assert!(secret.starts_with(created.body["prefix"].as_str().unwrap()));
    let scim = operator.with_secret(secret);
    scim.get("/scim/v2/Users").await.expect(200);
    scim.get(TOKENS).await.problem(403);

    let listed = operator.get(TOKENS).await.expect(200);
    assert!(
        !listed.body.to_string().contains(secret),
        "the list shows a secret"
    );
    let shown = &listed.body["tokens"][1];
    let expected = json!(["Okta", "scim", "okta", true, null]);
    let fields = ["name", "scope", "source", "strict", "revokedAt"].map(|name| shown[name].clone());
    assert_eq!(json!(fields), expected);
}

#[tokio::test]
async fn token_rotated_has_a_successor_of_its_kind_and_ends_after_the_overlap() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let asked = json!({ "name": "HR", "scope": "scim", "source": "hris", "expiresInDays": 90 });
    let old = operator.post(TOKENS, asked).await.expect(201).body;
    let path = format!("{TOKENS}/{}/rotate", old["id"].as_str().unwrap());
    let new = operator
        .post(&path, json!({ "overlapSeconds": 1 }))
        .await
        .expect(201)
        .body;
    for name in ["name", "scope", "source", "strict"] {
        assert_eq!(new[name], old[name], "{name}");
    }
    assert_ne!(new["id"], old["id"]);
    assert_eq!(days_left(&new), 90, "as long as the old one was made for");

    let new = operator.with_secret(new["secret"].as_str().unwrap());
    new.get("/scim/v2/Users").await.expect(200);
    let old_client = operator.with_secret(old["secret"].as_str().unwrap());
    wait::until("the old token to end", wait::SOON, async || {
        old_client.get("/scim/v2/Users").await.status == 401
    })
    .await
    .unwrap();
    new.get("/scim/v2/Users").await.expect(200);
    operator.post(&path, json!({})).await.problem(404);
}

#[tokio::test]
async fn token_revoked_over_the_api_is_refused_within_five_seconds() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let asked = json!({ "name": "Leaked", "scope": "scim" });
    let token = operator.post(TOKENS, asked).await.expect(201).body;
    let client = operator.with_secret(token["secret"].as_str().unwrap());
    client.get("/scim/v2/Users").await.expect(200);
    let path = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    for _ in 0..2 {
        operator.delete(&path).await.expect(204);
    }
    wait::until(
        "the revocation to take hold",
        std::time::Duration::from_secs(5),
        async || client.get("/scim/v2/Users").await.status == 401,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn token_that_cannot_be_or_is_another_tenants_is_refused() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    for body in [
        json!({}),
        json!({ "name": "x", "scope": "root" }),
        json!({ "name": " ", "scope": "scim" }),
        json!({ "name": "a\u{0}b", "scope": "scim" }),
        json!({ "name": "x".repeat(101), "scope": "scim" }),
        json!({ "name": "x", "scope": "scim", "source": "" }),
        json!({ "name": "x", "scope": "scim", "expiresInDays": 0 }),
        json!({ "name": "x", "scope": "scim", "admin": true }),
    ] {
        operator.post(TOKENS, body).await.problem(400);
    }
    let other = app.client(app.tenant("theirs").await, "operator").await;
    let theirs = other.get(TOKENS).await.expect(200).body;
    let theirs = theirs["tokens"][0]["id"].as_str().unwrap();
    operator.delete(&format!("{TOKENS}/{theirs}")).await.problem(404);
    operator
        .post(&format!("{TOKENS}/{theirs}/rotate"), json!({}))
        .await
        .problem(404);
    operator.delete(&format!("{TOKENS}/nonsense")).await.problem(404);
    assert_eq!(
        operator.get(TOKENS).await.body["tokens"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn action_of_an_operator_is_in_the_audit_log_with_its_outcome_and_without_values() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let asked = json!({ "name": "Okta", "scope": "scim" });
    let token = operator.post(TOKENS, asked).await.expect(201).body;
    let id = token["id"].as_str().unwrap();
    operator.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    operator
        .post("/ops/v1/people/ada@example.com/links/retry", json!({}))
        .await
        .problem(404);
    operator.get(TOKENS).await.expect(200);
    app.client(app.tenant("theirs").await, "operator")
        .await
        .post("/ops/v1/runs", json!({ "scope": "full" }))
        .await
        .expect(202);

    let log = operator.get("/ops/v1/audit").await.expect(200).body;
    let rows: Vec<Value> = log["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["action"], row["target"], row["status"]]))
        .collect();
    assert_eq!(
        rows,
        [
            json!(["POST /ops/v1/people/{id}/links/retry", null, 404]),
            json!(["DELETE /ops/v1/tokens/{id}", id, 204]),
            json!(["POST /ops/v1/tokens", null, 201]),
        ]
    );
    assert!(log["actions"][0]["token"]["name"].is_string(), "{log}");
    assert_eq!(log["nextCursor"], Value::Null);

    let first = operator.get("/ops/v1/audit?count=2").await.expect(200).body;
    let next = format!(
        "/ops/v1/audit?count=2&cursor={}",
        first["nextCursor"].as_str().unwrap()
    );
    let second = operator.get(&next).await.expect(200).body;
    assert_eq!(second["actions"][0]["action"], "POST /ops/v1/tokens");
    operator.get("/ops/v1/audit?cursor=x").await.problem(400);
}

#[tokio::test]
async fn audit_log_refuses_to_be_changed_or_emptied() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    operator
        .post(TOKENS, json!({ "name": "x", "scope": "scim" }))
        .await
        .expect(201);
    for statement in [
        "update audit set action = 'nothing'",
        "update audit set status = 500",
        "delete from audit",
        "truncate audit",
    ] {
        let refused = sqlx::query(statement).execute(&app.pool).await.unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{statement}: {refused}"
        );
    }
}
