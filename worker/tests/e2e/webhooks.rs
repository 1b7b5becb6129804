//! Webhooks over HTTP, with real processes.

use super::harness::{Options, Stack, Tenant, within};
use super::receiver::{Received, Receiver, Reply};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

fn options(workers: usize) -> Options {
    Options {
        workers,
        environment: vec![("ROLLCALL_WEBHOOKS_ALLOW_LOOPBACK", "true".to_owned())],
        ..Options::default()
    }
}

/// A webhook; answers its path and its secret.
async fn webhook(tenant: &Tenant, receiver: &Receiver) -> (String, Vec<u8>) {
    let created = tenant
        .ops
        .post("/webhooks", &json!({ "url": receiver.url }))
        .await
        .expect(201);
    let secret = created.body["secret"].as_str().unwrap();
    let secret = BASE64_STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    (format!("/webhooks/{}", created.id()), secret)
}

async fn hire(tenant: &Tenant, name: &str) {
    let body = json!({ "userName": name, "title": "Secret title" });
    tenant.scim.post("/Users", &body).await.expect(201);
}

fn types(received: &[Received]) -> Vec<String> {
    let name = |change: Value| change["type"].as_str().unwrap().to_owned();
    received.iter().flat_map(Received::changes).map(name).collect()
}

async fn all_delivered(tenant: &Tenant, path: &str) -> Vec<Value> {
    within(SOON, "everything is delivered", async || {
        let listed = tenant.ops.get(&format!("{path}/deliveries")).await.expect(200);
        let deliveries = listed.body["deliveries"].as_array().unwrap().clone();
        deliveries
            .iter()
            .all(|delivery| delivery["state"] == "delivered")
            .then_some(deliveries)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_whose_worker_is_killed_meanwhile_arrives_again_and_nothing_is_lost() {
    let receiver = Receiver::start().await;
    receiver.answer(Reply::Hold);
    let mut stack = Stack::start(options(1)).await;
    let tenant = stack.tenant("hooked").await;
    let (path, secret) = webhook(&tenant, &receiver).await;
    hire(&tenant, "ada").await;
    receiver.until(1).await;
    stack.workers[0].kill();
    hire(&tenant, "bob").await;
    receiver.answer(Reply::status(204));
    stack.workers[0].start();
    stack.ready().await;
    let received = receiver.until(3).await;
    assert_eq!(
        (&received[1].id, &received[1].body),
        (&received[0].id, &received[0].body)
    );
    assert!(
        received
            .iter()
            .all(|delivery| delivery.signed_with(&secret) == [true]),
        "{received:?}"
    );
    assert_eq!(types(&received[1..]), ["person.created", "person.created"]);
    let deliveries = all_delivered(&tenant, &path).await;
    assert_eq!(deliveries.len(), 2, "{deliveries:?}");
    tenant
        .ops
        .post(&format!("{path}/test"), &json!({}))
        .await
        .expect(202);
    let received = receiver.until(4).await;
    assert_eq!(received[3].json()["type"], "ping");
    stack.converged(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn person_who_was_erased_has_nothing_in_what_was_delivered_and_the_receiver_is_told() {
    let receiver = Receiver::start().await;
    let mut stack = Stack::start(options(2)).await;
    let tenant = stack.tenant("forgetful").await;
    let (path, _) = webhook(&tenant, &receiver).await;
    hire(&tenant, "zqx-ada@example.com").await;
    let received = receiver.until(1).await;
    let person = received[0].changes()[0]["personId"].as_str().unwrap().to_owned();
    let erase = format!("/people/{person}/data");
    tenant.ops.call(Method::DELETE, &erase, None).await.expect(200);
    let told = within(SOON, "the erasure is told", async || {
        let received = receiver.received();
        types(&received)
            .contains(&"person.erased".to_owned())
            .then_some(received)
    })
    .await;
    all_delivered(&tenant, &path).await;
    for delivery in told {
        assert!(
            !delivery.body.contains("zqx") && !delivery.body.contains("ecret"),
            "{}",
            delivery.body
        );
        assert!(
            delivery
                .changes()
                .iter()
                .all(|change| change["personId"] == json!(person))
        );
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from webhook_deliveries where body like '%zqx%'")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    stack.converged(SOON).await;
}
