//! The keys of completion events, as a receiver of events meets them.

use crate::app::{TestApp, send};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devstack::{TestDatabase, TestRedis};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

async fn jwks(app: &TestApp) -> Vec<Value> {
    let answer = send(app.request(Method::GET, "/.well-known/jwks.json")).await;
    let keys = answer.expect(200).body["keys"].clone();
    keys.as_array().unwrap().clone()
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// Checks a token as a receiver does, with nothing but the published keys; answers its claims.
pub(crate) async fn verified(app: &TestApp, token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("no compact JWS: {token}")
    };
    let fields: Value = serde_json::from_slice(&decoded(header)).unwrap();
    assert_eq!(fields["alg"], "ES256");
    assert_eq!(fields["typ"], "secevent+jwt");
    let keys = jwks(app).await;
    let key = keys.iter().find(|key| key["kid"] == fields["kid"]).unwrap();
    let mut point = vec![4];
    point.extend(decoded(key["x"].as_str().unwrap()));
    point.extend(decoded(key["y"].as_str().unwrap()));
    let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    key.verify(format!("{header}.{payload}").as_bytes(), &signature)
        .unwrap();
    serde_json::from_slice(&decoded(payload)).unwrap()
}

/// The one event of a token.
pub(crate) fn event_of(claims: &Value) -> &Value {
    let events = claims["events"].as_object().unwrap();
    assert_eq!(
        events.keys().collect::<Vec<_>>(),
        ["urn:ietf:params:scim:event:misc:asyncresp"]
    );
    events.values().next().unwrap()
}

fn ids(keys: &[Value]) -> Vec<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

/// A completion event of a write that changed nothing: there at once, without a worker.
async fn some_event(app: &TestApp) -> String {
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let request = client.request(Method::PUT, &format!("/Users/{}", jane.id()));
    let request = request
        .header("Prefer", "respond-async")
        .json(&json!({ "userName": "jane" }));
    let answer = send(request).await.expect(202);
    let token = client.get(&format!("/AsyncResults/{}", answer.txn())).await;
    token.expect(200).body.as_str().unwrap().to_owned()
}

fn signer(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice::<Value>(&decoded(header)).unwrap()["kid"].clone()
}

fn rotate(database_url: &str, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall-api"))
        .args([&["event-key", "rotate"], arguments].concat())
        .env_clear()
        .env("DATABASE_URL", database_url)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("signs from"), "{errors}");
}

/// RFC 9967 §5: receivers must be able to verify the originator of an event by its signature: the public keys are there without a token, may be cached, and are no more than public.
#[tokio::test]
async fn keys_are_published_without_authentication_and_cacheable() {
    let app = TestApp::start().await;
    let answer = send(app.request(Method::GET, "/.well-known/jwks.json"))
        .await
        .expect(200);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let keys = answer.body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let members: BTreeSet<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        BTreeSet::from(["alg", "crv", "kid", "kty", "use", "x", "y"])
    );
}

#[tokio::test]
async fn replicas_that_start_together_sign_with_one_key() {
    let database = TestDatabase::create().await.unwrap();
    let redis = TestRedis::new().unwrap();
    let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let start = || TestApp::start_on(database.url(), &redis);
    let (one, two, three) = tokio::join!(start(), start(), start());
    let keys = tokio::join!(jwks(&one), jwks(&two), jwks(&three));
    assert_eq!(keys.0.len(), 1);
    assert!(keys.0 == keys.1 && keys.1 == keys.2);
    let token = some_event(&one).await;
    verified(&two, &token).await;
    for mut app in [one, two, three] {
        app.stop().await;
        app.pool.close().await;
    }
}

/// A process reads the keys when it starts, then once a minute: the tests start new ones.
#[tokio::test]
async fn rotation_publishes_the_new_key_first_and_keeps_the_old_one() {
    let mut app = TestApp::start().await;
    let before = jwks(&app).await;
    let url = app.database_url().to_owned();
    rotate(&url, &[]);
    let redis = TestRedis::new().unwrap();
    let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];

    let mut next = TestApp::start_on(&url, &redis).await;
    let published = jwks(&next).await;
    assert_eq!(published.len(), 2);
    assert_eq!(published[1], before[0]);
    let token = some_event(&next).await;
    assert_eq!(signer(&token), before[0]["kid"], "the new key does not sign yet");
    next.stop().await;
    next.pool.close().await;

    let come = "update event_keys set signs_from = signs_from - interval '10 minutes'";
    sqlx::query(come).execute(&app.pool).await.unwrap();
    let mut later = TestApp::start_on(&url, &redis).await;
    let token = some_event(&later).await;
    assert_eq!(signer(&token), published[0]["kid"]);
    assert_eq!(ids(&jwks(&later).await), ids(&published));
    later.stop().await;
    later.pool.close().await;

    let long_ago = "update event_keys set signs_from = signs_from - interval '31 days'";
    sqlx::query(long_ago).execute(&app.pool).await.unwrap();
    let mut last = TestApp::start_on(&url, &redis).await;
    assert_eq!(ids(&jwks(&last).await), [published[0]["kid"].as_str().unwrap()]);
    last.stop().await;
    last.pool.close().await;
    app.stop().await;
}

#[tokio::test]
async fn rotation_of_a_compromised_key_withdraws_it_at_once() {
    let mut app = TestApp::start().await;
    let before = jwks(&app).await;
    let url = app.database_url().to_owned();
    rotate(&url, &["--compromised"]);
    let redis = TestRedis::new().unwrap();
    let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let mut next = TestApp::start_on(&url, &redis).await;
    let after = jwks(&next).await;
    assert_eq!(after.len(), 1);
    assert_ne!(ids(&after), ids(&before));
    let token = some_event(&next).await;
    assert_eq!(signer(&token), after[0]["kid"]);
    next.stop().await;
    next.pool.close().await;
    app.stop().await;
}

#[tokio::test]
async fn keys_file_signs_with_its_first_key_and_stores_none() {
    use p256::elliptic_curve::Generate as _;
    let [ours, old] = [(); 2].map(|()| p256::SecretKey::try_generate().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    let private = ours.to_pkcs8_pem(LineEnding::LF).unwrap();
    let public = old.public_key().to_public_key_pem(LineEnding::LF).unwrap();
    std::fs::write(&file, format!("{}{public}", *private)).unwrap();
    let app = TestApp::start_with(&["--event-keys-file", file.to_str().unwrap()]).await;
    let keys = jwks(&app).await;
    assert_eq!(keys.len(), 2);
    let token = some_event(&app).await;
    verified(&app, &token).await;
    assert_eq!(signer(&token), keys[0]["kid"]);
    let stored: i64 = sqlx::query_scalar("select count(*) from event_keys")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn keys_file_that_cannot_be_used_keeps_the_server_from_starting_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    let content = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    std::fs::write(&file, content).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall-api"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .env("ROLLCALL_EVENT_KEYS_FILE", &file)
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        said.contains("ROLLCALL_EVENT_KEYS_FILE") && said.contains("block 1"),
        "{said}"
    );
    assert!(!said.contains("c2VjcmV0"), "{said}");
}
