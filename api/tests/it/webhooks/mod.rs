//! Webhooks: what operators may set up, and what they are shown of it.

mod place;

use crate::app::{Answer, Client, TestApp, send};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const WEBHOOKS: &str = "/ops/v1/webhooks";

fn directory() -> Value {
    json!({ "url": "https://hooks.example/rollcall", "description": "Directory", "types": ["person.created"] })
}

fn path(webhook: &Answer) -> String {
    format!("{WEBHOOKS}/{}", webhook.id())
}

async fn operator(app: &TestApp) -> Client<'_> {
    let tenant = app.tenant(&Uuid::new_v4().to_string()).await;
    app.client(tenant, "operator").await
}

/// A JSON merge patch.
async fn merge(client: &Client<'_>, path: &str, body: Value) -> Answer {
    send(client.request(Method::PATCH, path).json(&body)).await
}

/// The bytes of a secret in the form of Standard Webhooks.
fn secret(answer: &Answer) -> Vec<u8> {
    let secret = answer.body["secret"].as_str().unwrap();
    BASE64_STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap()
}

/// A delivery of changes as a worker leaves it.
async fn delivery(client: &Client<'_>, webhook: &Answer, state: &str) -> Uuid {
    let id = Uuid::now_v7();
    let webhook: Uuid = webhook.id().parse().unwrap();
    sqlx::query(
        "insert into webhook_deliveries (tenant_id, webhook_id, id, kind, in_order, changes, changed_at, body, state,
             attempts, next_attempt_at, status, error, finished_at)
         select $1, $2, $3, 'changes', true, 1, now(), '{\"type\":\"directory.changed\"}', $4, 9,
             case when $4 = 'pending' then now() end, 500, 'status', case when $4 <> 'pending' then now() end",
    )
    .bind(client.tenant)
    .bind(webhook)
    .bind(id)
    .bind(state)
    .execute(&client.app.pool)
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn webhook_shows_its_secret_when_it_is_created_and_never_again() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    assert_eq!(created.header("location"), path(&created));
    assert_eq!(
        (created.header("etag"), created.header("cache-control")),
        (r#"W/"1""#, "no-store")
    );
    assert_eq!(secret(&created).len(), 32);
    assert_eq!(created.body["enabled"], true);

    let found = operator.get(&path(&created)).await.expect(200);
    assert_eq!(
        (found.header("etag"), &found.body["secret"]),
        (r#"W/"1""#, &Value::Null)
    );
    assert_eq!(found.body["url"], "https://hooks.example/rollcall");
    assert_eq!(found.body["types"], json!(["person.created"]));
    let listed = operator.get(WEBHOOKS).await.expect(200);
    assert_eq!(listed.body["webhooks"], json!([found.body]));
    let another = operator.post(WEBHOOKS, directory()).await.expect(201);
    assert_ne!(secret(&another), secret(&created));
}

#[tokio::test]
async fn webhook_that_makes_no_sense_is_refused_by_the_name_of_the_attribute() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    for (name, value) in [
        ("url", json!("")),
        ("url", json!("hooks.example")),
        ("url", json!("http://hooks.example/")),
        ("url", json!("https://user:hunter2@hooks.example/")),
        ("url", json!("https://127.0.0.1/")),
        ("url", json!("https://[::ffff:169.254.169.254]/")),
        ("url", json!("https://localhost/")),
        ("url", json!("https://hooks.example/#x")),
        ("url", json!(7)),
        ("description", json!("x".repeat(501))),
        ("description", json!("a\nb")),
        ("types", json!("person.created")),
        ("types", json!(["person.created", "person.promoted"])),
        ("enabled", json!("perhaps")),
        ("resumeAt", json!("earliest")),
        ("unheardOf", json!(1)),
    ] {
        let mut body = directory();
        body[name] = value;
        for answer in [
            operator.post(WEBHOOKS, body.clone()).await,
            merge(&operator, &path(&created), body.clone()).await,
        ] {
            let detail = answer.problem(400);
            assert!(detail.starts_with(name), "{name}: {detail}");
            assert!(
                !detail.contains("hunter2") && !detail.contains("promoted"),
                "{detail}"
            );
        }
    }
    operator.post(WEBHOOKS, json!({})).await.problem(400);
    operator.post(WEBHOOKS, json!([])).await.problem(400);
    let listed = operator.get(WEBHOOKS).await.expect(200);
    assert_eq!(listed.body["webhooks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn webhook_on_this_machine_is_taken_where_a_setting_allows_it() {
    let app = TestApp::start_with(&["--webhooks-allow-loopback", "true"]).await;
    let operator = operator(&app).await;
    let local = json!({ "url": "http://127.0.0.1:9/hook" });
    operator.post(WEBHOOKS, local).await.expect(201);
    let elsewhere = json!({ "url": "http://10.0.0.1/hook" });
    operator.post(WEBHOOKS, elsewhere).await.problem(400);
}

#[tokio::test]
async fn webhook_is_changed_and_deleted_in_the_version_the_request_wants_only() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    let path = path(&created);
    let tagged = async |method: Method, tag: &str| {
        let request = operator.request(method, &path).header("if-match", tag);
        send(request.json(&json!({ "enabled": false, "types": null }))).await
    };
    tagged(Method::PATCH, r#"W/"7""#).await.problem(412);
    let paused = tagged(Method::PATCH, r#"W/"1""#).await.expect(200);
    assert_eq!(
        (&paused.body["enabled"], &paused.body["disabledReason"]),
        (&json!(false), &json!("operator"))
    );
    assert_eq!(
        (&paused.body["types"], &paused.body["description"]),
        (&json!([]), &json!("Directory"))
    );
    let resumed = merge(&operator, &path, json!({ "enabled": true }))
        .await
        .expect(200);
    assert_eq!(
        (&resumed.body["disabledReason"], resumed.header("etag")),
        (&Value::Null, r#"W/"3""#)
    );
    tagged(Method::DELETE, r#"W/"1""#).await.problem(412);
    tagged(Method::DELETE, r#"W/"3""#).await.expect(204);
    operator.get(&path).await.problem(404);
    operator.delete(&path).await.problem(404);
}

#[tokio::test]
async fn rotated_secret_is_another_and_the_old_one_ends_when_it_was_said() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    let rotate = format!("{}/rotate", path(&created));
    for seconds in [json!(-1), json!(2_592_001), json!("long")] {
        operator
            .post(&rotate, json!({ "overlapSeconds": seconds }))
            .await
            .problem(400);
    }
    let rotated = operator.post(&rotate, json!({})).await.expect(200);
    assert_ne!(secret(&rotated), secret(&created));
    assert!(rotated.body["oldSecretEndsAt"].is_string(), "{rotated:?}");
    assert_eq!(rotated.header("cache-control"), "no-store");
    let at_once = operator
        .post(&rotate, json!({ "overlapSeconds": 0 }))
        .await
        .expect(200);
    assert_eq!(at_once.body["oldSecretEndsAt"], Value::Null);
    let kept: (Vec<u8>, Option<Vec<u8>>) = sqlx::query_as("select secret, old_secret from webhooks")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(kept, (secret(&at_once), None), "an ended secret is not kept");
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_and_by_state() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let webhook = operator.post(WEBHOOKS, directory()).await.expect(201);
    let path = path(&webhook);
    let mut expected = vec![];
    for state in ["delivered", "dead", "delivered", "dead", "pending"] {
        expected.insert(0, delivery(&operator, &webhook, state).await.to_string());
    }
    let mut found = vec![];
    let mut cursor = String::new();
    loop {
        let page = operator
            .get(&format!("{path}/deliveries?limit=2&cursor={cursor}"))
            .await
            .expect(200);
        found.extend(
            page.body["deliveries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned()),
        );
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, expected);
    let dead = operator
        .get(&format!("{path}/deliveries?state=dead"))
        .await
        .expect(200);
    let dead = dead.body["deliveries"].as_array().unwrap();
    assert_eq!(dead.len(), 2);
    assert_eq!(
        (&dead[0]["attempts"], &dead[0]["status"], &dead[0]["error"]),
        (&json!(9), &json!(500), &json!("status"))
    );
    let shown = operator.get(&path).await.expect(200);
    assert_eq!(
        (&shown.body["pending"], &shown.body["deadLetters"]),
        (&json!(1), &json!(2))
    );
    let one = operator
        .get(&format!("{path}/deliveries/{}", expected[0]))
        .await
        .expect(200);
    assert_eq!(one.body["body"]["type"], "directory.changed");
    assert_eq!(
        one.body["webhookId"],
        format!("msg_{}", expected[0].replace('-', ""))
    );
    for wrong in ["state=lost", "cursor=x", "limit=x"] {
        operator
            .get(&format!("{path}/deliveries?{wrong}"))
            .await
            .problem(400);
    }
    operator
        .get(&format!("{path}/deliveries/{}", Uuid::nil()))
        .await
        .problem(404);
}

#[tokio::test]
async fn deliveries_that_are_over_are_sent_again_one_by_one_or_since_a_time() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let webhook = operator.post(WEBHOOKS, directory()).await.expect(201);
    let path = path(&webhook);
    let delivered = delivery(&operator, &webhook, "delivered").await;
    let dead = delivery(&operator, &webhook, "dead").await;
    delivery(&operator, &webhook, "dead").await;
    let one = format!("{path}/deliveries/{dead}/replay");
    let again = operator.post(&one, json!({})).await.expect(202);
    assert_eq!(
        (&again.body["state"], &again.body["attempts"]),
        (&json!("pending"), &json!(0))
    );
    assert_eq!(
        (&again.body["id"], &again.body["error"]),
        (&json!(dead), &Value::Null)
    );
    operator.post(&one, json!({})).await.problem(409);
    let replay = format!("{path}/replay");
    let since = |time: &str| json!({ "since": time });
    let later = operator
        .post(&replay, since("2999-01-01T00:00:00Z"))
        .await
        .expect(202);
    assert_eq!(later.body["replayed"], 0);
    let all = operator
        .post(&replay, since("2000-01-01T00:00:00+01:00"))
        .await
        .expect(202);
    assert_eq!(all.body["replayed"], 1, "what was delivered is left alone");
    let body = json!({ "since": "2000-01-01T00:00:00Z", "delivered": true });
    assert_eq!(operator.post(&replay, body).await.expect(202).body["replayed"], 1);
    let state = operator
        .get(&format!("{path}/deliveries/{delivered}"))
        .await
        .expect(200);
    assert_eq!(state.body["state"], "pending");
    for body in [
        json!({}),
        since("yesterday"),
        json!({ "since": "2000-01-01T00:00:00Z", "all": 1 }),
    ] {
        operator.post(&replay, body).await.problem(400);
    }
    let nobody = format!("{path}/deliveries/{}/replay", Uuid::nil());
    operator.post(&nobody, json!({})).await.problem(404);
}

#[tokio::test]
async fn test_of_a_webhook_is_a_ping_that_no_change_waits_for() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let webhook = operator.post(WEBHOOKS, directory()).await.expect(201);
    let ping = operator
        .post(&format!("{}/test", path(&webhook)), json!({}))
        .await
        .expect(202);
    assert_eq!(
        (&ping.body["kind"], &ping.body["state"]),
        (&json!("ping"), &json!("pending"))
    );
    let in_order: bool = sqlx::query_scalar("select in_order from webhook_deliveries")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert!(!in_order);
}

#[tokio::test]
async fn webhook_of_another_tenant_is_as_good_as_none() {
    let app = TestApp::start().await;
    let (owner, stranger) = (operator(&app).await, operator(&app).await);
    let webhook = owner.post(WEBHOOKS, directory()).await.expect(201);
    let dead = delivery(&owner, &webhook, "dead").await;
    let path = path(&webhook);
    let since = json!({ "since": "2000-01-01T00:00:00Z" });
    for answer in [
        stranger.get(&path).await,
        stranger.delete(&path).await,
        merge(&stranger, &path, json!({ "enabled": false })).await,
        stranger.post(&format!("{path}/rotate"), json!({})).await,
        stranger.post(&format!("{path}/test"), json!({})).await,
        stranger.post(&format!("{path}/replay"), since).await,
        stranger.get(&format!("{path}/deliveries")).await,
        stranger.get(&format!("{path}/deliveries/{dead}")).await,
        stranger
            .post(&format!("{path}/deliveries/{dead}/replay"), json!({}))
            .await,
    ] {
        answer.problem(404);
    }
    assert_eq!(stranger.get(WEBHOOKS).await.body["webhooks"], json!([]));
    let shown = owner.get(&path).await.expect(200);
    assert_eq!(
        (&shown.body["deadLetters"], &shown.body["version"]),
        (&json!(1), &json!(r#"W/"1""#))
    );
    app.client(owner.tenant, "content")
        .await
        .get(WEBHOOKS)
        .await
        .problem(403);
}

#[tokio::test]
async fn webhooks_of_a_tenant_are_counted() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    for _ in 0..20 {
        operator.post(WEBHOOKS, directory()).await.expect(201);
    }
    let detail = operator.post(WEBHOOKS, directory()).await;
    assert!(detail.problem(409).contains("20"));
}
