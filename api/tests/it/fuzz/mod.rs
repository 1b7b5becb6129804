//! Random malformed and odd requests: whatever is sent, the answer is one of the protocol.

mod odd;

use crate::app::{Answer, Client, TestApp, send};
use crate::rfc::ENTERPRISE;
use odd::Odd;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const REQUESTS: u32 = 1_000;
/// The choices of a run are repeatable: a failure names the request's number.
const SEED: u64 = 7;
const SOON: Duration = Duration::from_secs(20);

/// 2xx and 3xx, or a refusal as the protocol has it; `/Me` alone is answered with 501.
fn check(told: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    let me = status == 501 && told.contains("/Me");
    assert!(status < 500 || me, "{told}: {answer:?}");
    if status >= 400 && !told.starts_with("HEAD") {
        let detail = answer.scim_error(status);
        assert!(!detail.is_empty(), "{told}: {answer:?}");
    }
}

async fn answered(told: &str, request: reqwest::RequestBuilder) -> Answer {
    let answer = tokio::time::timeout(SOON, send(request)).await;
    answer.unwrap_or_else(|_| panic!("not answered: {told}"))
}

async fn known(client: &Client<'_>) -> Vec<String> {
    let user = json!({
        "userName": "bjensen", "title": "t", "emails": [{ "value": "a@example.com", "type": "work", "primary": true }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "boss" } },
    });
    let user = client.post("/Users", user).await.expect(201);
    let group = json!({ "displayName": "g", "members": [{ "value": user.id() }] });
    let group = client.post("/Groups", group).await.expect(201);
    vec![format!("/Users/{}", user.id()), format!("/Groups/{}", group.id())]
}

#[tokio::test]
async fn odd_requests_are_never_answered_with_5xx_and_always_in_scim() {
    let app = TestApp::start_with(&["--requests-per-second", "100000"]).await;
    let client = app.scim().await;
    let known = known(&client).await;
    let mut odd = Odd::new(SEED);
    let mut refused = 0;
    for number in 0..REQUESTS {
        let (told, request) = odd.request(&client, &known);
        let told = format!("{told} (request {number})");
        let answer = answered(&told, request).await;
        check(&told, &answer);
        refused += u32::from(answer.status.is_client_error());
    }
    assert!(
        (1..REQUESTS).contains(&refused),
        "{refused} refused: the requests are not as odd as they should be"
    );
    client.user("still-here").await;
}

#[tokio::test]
async fn patch_refused_leaves_the_resource_byte_for_byte() {
    let app = TestApp::start_with(&["--requests-per-second", "100000"]).await;
    let client = app.scim().await;
    let known = known(&client).await;
    let mut odd = Odd::new(SEED + 1);
    let read = async |path: &str| {
        client
            .request(Method::GET, path)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
    };
    let (mut refused, mut accepted) = (0, 0);
    for number in 0..REQUESTS / 2 {
        let path = &known[number as usize % known.len()];
        let before = read(path).await;
        let mut body = odd.patch();
        // What is good alone must not stay when something after it fails.
        let good = json!({ "op": "replace", "path": "externalId", "value": number.to_string() });
        body["Operations"].as_array_mut().unwrap().insert(0, good);
        let told = format!("PATCH {path} {body} (request {number})");
        let answer = answered(&told, client.request(Method::PATCH, path).json(&body)).await;
        check(&told, &answer);
        match answer.status.is_success() {
            true => accepted += 1,
            false => {
                refused += 1;
                assert_eq!(read(path).await, before, "{told}");
            }
        }
    }
    assert!(
        refused > 20 && accepted > 20,
        "{refused} refused, {accepted} accepted"
    );
}
