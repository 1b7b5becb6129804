//! Asynchronous requests (RFC 9967) from the 202 to the completion event, with real workers.

use crate::harness::{Options, Stack, Tenant, within};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// For a write to be applied.
const SOON: Duration = Duration::from_secs(30);

async fn send(tenant: &Tenant, method: Method, path: &str, preference: &str, body: &Value) -> Response {
    let (base, token) = tenant.scim.credentials();
    let request = reqwest::Client::new().request(method, format!("{base}{path}"));
    let request = request.bearer_auth(token).header("Prefer", preference);
    request.json(body).send().await.unwrap()
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

/// The body of the result once it is there, as a client gets it that follows `Location`.
async fn result(tenant: &Tenant, location: &str) -> String {
    let (_, token) = tenant.scim.credentials();
    let http = reqwest::Client::new();
    within(SOON, "the result", async || {
        let response = http.get(location).bearer_auth(&token).send().await.unwrap();
        match response.status().as_u16() {
            200 => Some(response.text().await.unwrap()),
            202 => {
                assert_eq!(header(&response, "retry-after"), "1");
                None
            }
            other => panic!("{other}: {}", response.text().await.unwrap()),
        }
    })
    .await
}

/// Checks a token as a receiver does, with the keys its issuer publishes; answers its claims.
async fn verified(token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("no compact JWS: {token}")
    };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let fields: Value = serde_json::from_slice(&decoded(header)).unwrap();
    let claims: Value = serde_json::from_slice(&decoded(payload)).unwrap();
    let url = format!("{}/.well-known/jwks.json", claims["iss"].as_str().unwrap());
    let keys: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == fields["kid"]).unwrap();
    let mut point = vec![4];
    point.extend(decoded(key["x"].as_str().unwrap()));
    point.extend(decoded(key["y"].as_str().unwrap()));
    let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    key.verify(format!("{header}.{payload}").as_bytes(), &signature)
        .unwrap();
    claims
}

fn event(claims: &Value) -> &Value {
    &claims["events"]["urn:ietf:params:scim:event:misc:asyncresp"]
}

async fn people(stack: &Stack, tenant: &Tenant) -> i64 {
    let count = "select count(*) from people where tenant_id = $1";
    let count = sqlx::query_scalar(count).bind(tenant.id);
    count.fetch_one(&stack.db).await.unwrap()
}

/// RFC 9967 §2.5.1.3: the completion event signals that the request is complete: when it is there, so is the person in the directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_event_is_issued_when_the_change_is_applied_and_not_before() {
    let mut stack = Stack::prepare(Options::default()).await;
    stack.apis[0].start();
    stack.apis[0].ready().await;
    let tenant = stack.tenant("acme").await;
    let body = json!({ "userName": "jane", "externalId": "x1" });
    let asked = send(&tenant, Method::POST, "/Users", "respond-async", &body).await;
    assert_eq!(asked.status(), 202);
    let (location, txn) = (header(&asked, "location"), header(&asked, "set-txn"));
    assert_eq!(header(&asked, "preference-applied"), "respond-async");
    assert!(asked.bytes().await.unwrap().is_empty());
    // No worker runs: the time to wait passes, and the result is not there.
    let body = json!({ "userName": "joan" });
    let waited = send(&tenant, Method::POST, "/Users", "respond-async, wait=1", &body).await;
    assert_eq!(waited.status(), 202);
    let path = format!("/AsyncResults/{txn}");
    assert_eq!(tenant.scim.get(&path).await.status, 202);
    assert_eq!(people(&stack, &tenant).await, 0);

    stack.workers[0].start();
    stack.ready().await;
    let claims = verified(&result(&tenant, &location).await).await;
    assert!(people(&stack, &tenant).await >= 1);
    assert_eq!(claims["txn"], txn);
    assert_eq!(claims["sub_id"]["externalId"], "x1");
    assert_eq!(event(&claims)["method"], "POST");
    assert_eq!(event(&claims)["status"], "201");
    let uri = claims["sub_id"]["uri"].as_str().unwrap();
    assert_eq!(tenant.scim.get(uri).await.expect(200).body["userName"], "jane");

    // Now the wait is long enough for the normal answer.
    let body = json!({ "userName": "jane", "title": "Director" });
    let replaced = send(&tenant, Method::PUT, uri, "respond-async, wait=30", &body).await;
    assert_eq!(replaced.status(), 200);
    let position = "select position from people where tenant_id = $1 and login = 'jane'";
    let position: Option<String> = sqlx::query_scalar(position)
        .bind(tenant.id)
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(position.as_deref(), Some("Director"));
    let deleted = send(&tenant, Method::DELETE, uri, "respond-async", &Value::Null).await;
    assert_eq!(deleted.status(), 202);
    let claims = verified(&result(&tenant, &header(&deleted, "location")).await).await;
    assert_eq!(event(&claims)["status"], "204");
    assert_eq!(claims["sub_id"]["uri"], uri);
}

/// RFC 9967 §2.5.1.2: each operation of an asynchronous bulk request has its own completion event, whose txn is that of Set-Txn with the operation's index, also where operations refer to each other in a circle or wait for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_bulk_request_completes_with_an_event_per_operation() {
    let mut stack = Stack::start(Options {
        apis: 2,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("acme").await;
    let operations: Vec<Value> = (0..300)
        .map(|number| {
            let (data, id) = (
                json!({ "userName": format!("user-{number}") }),
                format!("u{number}"),
            );
            json!({ "method": "POST", "path": "/Users", "bulkId": id, "data": data })
        })
        .chain([
            // Its members are there, one of them is nobody yet; the second is in use.
            json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "displayName": "G", "members": [{ "value": "bulkId:u7" }, { "value": "nobody" }] } }),
            json!({ "method": "POST", "path": "/Users", "bulkId": "x", "data": { "userName": "user-7" } }),
        ])
        .collect();
    let body = json!({ "Operations": operations });
    let asked = send(&tenant, Method::POST, "/Bulk", "respond-async", &body).await;
    assert_eq!(asked.status(), 202);
    let (location, txn) = (header(&asked, "location"), header(&asked, "set-txn"));
    let all: Value = serde_json::from_str(&result(&tenant, &location).await).unwrap();
    let sets = all["sets"].as_object().unwrap();
    assert_eq!(sets.len(), 302);
    assert_eq!(people(&stack, &tenant).await, 300);
    for (index, (jti, token)) in sets.iter().enumerate() {
        // Every signature is checked in another test; here a few of many.
        if index % 50 != 0 && index < 300 {
            continue;
        }
        let claims = verified(token.as_str().unwrap()).await;
        assert_eq!(claims["txn"], format!("{txn}:{index}"));
        assert_eq!(claims["jti"], *jti);
        let status = if index == 301 { "409" } else { "201" };
        assert_eq!(event(&claims)["status"], status);
        // The other API process signs with the same key, and issues the same event.
        let path = format!("/AsyncResults/{txn}:{index}");
        let other = tenant.scim.only(1).get(&path).await.expect(200);
        let parts = |token: &str| token.split('.').next().map(str::to_owned);
        assert_eq!(
            parts(other.body.as_str().unwrap()),
            parts(token.as_str().unwrap())
        );
    }
    stack.converged(SOON).await;
}
