//! How asynchronous requests (RFC 9967) are answered, with the worker's part written straight into
//! its tables. What a real worker does is in the end-to-end tests of the worker.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) async fn prefer(
    client: &Client<'_>,
    preference: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let mut request = client.request(method, path).header("Prefer", preference);
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

pub(crate) async fn create(client: &Client<'_>, preference: &str, user_name: &str) -> Answer {
    let body = json!({ "userName": user_name, "externalId": format!("x-{user_name}") });
    prefer(client, preference, Method::POST, "/Users", Some(body)).await
}

/// What a worker does to the outbox when it has applied a request.
pub(crate) async fn apply(client: &Client<'_>, txn: &str) {
    let delete = "delete from pending p using changes c
         where c.tenant_id = $1 and c.txn = $2::uuid and p.tenant_id = c.tenant_id and p.seq = c.seq";
    let delete = sqlx::query(delete).bind(client.tenant).bind(txn);
    delete.execute(&client.app.pool).await.unwrap();
}

pub(crate) async fn result(client: &Client<'_>, txn: &str) -> Answer {
    client.get(&format!("/AsyncResults/{txn}")).await
}

#[track_caller]
pub(crate) fn assert_later(answer: &Answer, app: &TestApp) {
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.body, Value::Null);
    assert_eq!(answer.header("preference-applied"), "respond-async");
    let location = format!("{}/scim/v2/AsyncResults/{}", app.url, answer.txn());
    assert_eq!(answer.header("location"), location);
    assert!(answer.headers.get("content-type").is_none());
}

/// RFC 9967 §2.5.1.1: the answer to a request with "Prefer: respond-async" is 202 without a body, with Set-Txn, Preference-Applied and the URI where the completion event will be.
/// RFC 9967 §3: Set-Txn is in every 202 without a body.
#[tokio::test]
async fn respond_async_is_answered_202_with_the_place_of_the_result_for_every_method() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let asked = "respond-async";
    let created = create(&client, asked, "jane").await;
    assert_later(&created, &app);
    // Committed before the answer: whoever reads finds it.
    let found = client.get("/Users?filter=userName eq \"jane\"").await.expect(200);
    let id = found.body["Resources"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/Users/{id}");

    let body = json!({ "userName": "jane", "title": "Engineer" });
    let replaced = prefer(&client, asked, Method::PUT, &path, Some(body)).await;
    assert_later(&replaced, &app);
    let operation = json!({ "op": "replace", "path": "title", "value": "Director" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    let patched = prefer(&client, asked, Method::PATCH, &path, Some(body)).await;
    assert_later(&patched, &app);
    assert_eq!(client.get(&path).await.expect(200).body["title"], "Director");
    let deleted = prefer(&client, asked, Method::DELETE, &path, None).await;
    assert_later(&deleted, &app);
    client.get(&path).await.expect(404);
    let operation = json!({ "method": "POST", "path": "/Users", "data": { "userName": "bulky" } });
    let body = json!({ "Operations": [operation] });
    assert_later(
        &prefer(&client, asked, Method::POST, "/Bulk", Some(body)).await,
        &app,
    );
}

/// RFC 9967 §2.5.1.1: the Accept header is ignored for an asynchronous answer.
#[tokio::test]
async fn respond_async_with_any_accept_header_is_answered_202() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let request = client.request(Method::POST, "/Users");
    let request = request
        .header("Accept", "text/html")
        .header("Prefer", "respond-async");
    assert_later(&send(request.json(&json!({ "userName": "jane" }))).await, &app);
}

/// RFC 9967 §2.5.1.1: without "respond-async" the answer is the normal one, never a 202, also where the client would wait.
#[tokio::test]
async fn answer_202_is_never_given_unasked() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for (number, preference) in ["wait=0", "wait=5", "return=minimal", "foo=\"respond-async\"", ""]
        .into_iter()
        .enumerate()
    {
        let user = create(&client, preference, &format!("user-{number}"))
            .await
            .expect(201);
        assert!(user.headers.get("preference-applied").is_none(), "{preference}");
        let path = format!("/Users/{}", user.id());
        let body = json!({ "userName": format!("renamed-{number}") });
        prefer(&client, preference, Method::PUT, &path, Some(body))
            .await
            .expect(200);
        let operation = json!({ "op": "replace", "path": "title", "value": "Director" });
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        prefer(&client, preference, Method::PATCH, &path, Some(body))
            .await
            .expect(200);
        prefer(&client, preference, Method::DELETE, &path, None)
            .await
            .expect(204);
        let body = json!({ "Operations": [] });
        prefer(&client, preference, Method::POST, "/Bulk", Some(body))
            .await
            .expect(200);
    }
    // Nor is a result kept that nobody asked for.
    let user = client.user("jane").await;
    apply(&client, user.txn()).await;
    result(&client, user.txn()).await.scim_error(404);
}

/// RFC 9967 §2.5.1.1: a service provider may return the normal response to a request for an asynchronous one; a refused request is refused at once.
#[tokio::test]
async fn respond_async_of_a_refused_request_is_answered_with_the_error() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let asked = "respond-async, wait=5";
    create(&client, asked, "jane").await.scim_error(409);
    let nameless = json!({ "title": "Director" });
    prefer(&client, asked, Method::POST, "/Users", Some(nameless))
        .await
        .scim_error(400);
    let nowhere = format!("/Users/{}", uuid::Uuid::nil());
    prefer(&client, asked, Method::DELETE, &nowhere, None)
        .await
        .scim_error(404);
    let stale = client.request(Method::DELETE, &format!("/Users/{}", jane.id()));
    send(stale.header("Prefer", asked).header("If-Match", "W/\"7\""))
        .await
        .scim_error(412);
    let operations = vec![json!({ "method": "DELETE", "path": "/Users/1" }); 1001];
    let too_many = json!({ "Operations": operations });
    prefer(&client, asked, Method::POST, "/Bulk", Some(too_many))
        .await
        .scim_error(413);
    let kept: i64 = sqlx::query_scalar("select count(*) from async_results")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}

/// RFC 9967 §2.5.1.1: with "wait" the normal answer is given when the request is complete in time.
#[tokio::test]
async fn wait_until_applied_is_answered_in_full() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let worker = async {
        let txn = devstack::wait::until_some("the write", devstack::wait::SOON, async || {
            let txn = sqlx::query_scalar::<_, String>("select txn::text from changes where tenant_id = $1");
            let txn = txn.bind(client.tenant).fetch_optional(&app.pool);
            txn.await.unwrap()
        })
        .await
        .unwrap();
        apply(&client, &txn).await;
    };
    let (answer, ()) = tokio::join!(create(&client, "respond-async, wait=30", "jane"), worker);
    let answer = answer.expect(201);
    assert_eq!(answer.body["userName"], "jane");
    assert_eq!(answer.header("preference-applied"), "wait=30");
}

/// RFC 9967 §2.5.1.1: with "wait" the answer is asynchronous when the request is not complete within that time.
#[tokio::test]
async fn wait_that_ends_before_the_write_is_applied_is_answered_202() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let started = Instant::now();
    let answer = create(&client, "respond-async, wait=1", "jane").await;
    assert_later(&answer, &app);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(900), "it did not wait: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn wait_longer_than_a_request_may_take_ends_with_202_before_the_time_limit() {
    let app = TestApp::start_with(&["--request-timeout-seconds", "7"]).await;
    let client = app.scim().await;
    let started = Instant::now();
    let answer = create(&client, "respond-async, wait=86400", "jane").await;
    assert_later(&answer, &app);
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(1900) && took < Duration::from_secs(6),
        "{took:?}"
    );
}

/// Four connections and 300 who would wait: were a connection held while waiting, nobody else would
/// be served. 256 wait, the others are told at once.
#[tokio::test]
async fn waiting_requests_are_bounded_and_leave_others_served() {
    let app = TestApp::start_with(&["--requests-per-second", "0"]).await;
    let client = app.scim().await;
    let waiting = async {
        let waiters = (0..300).map(|number| {
            let client = &client;
            async move {
                let started = Instant::now();
                let answer = create(client, "respond-async, wait=6", &format!("user-{number}")).await;
                (answer, started.elapsed())
            }
        });
        futures::future::join_all(waiters).await
    };
    let serving = async {
        let mut slowest = Duration::ZERO;
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            let started = Instant::now();
            client.get("/Users?count=1").await.expect(200);
            slowest = slowest.max(started.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(waiting, serving);
    assert!(slowest < Duration::from_secs(5), "others waited too: {slowest:?}");
    answers.iter().for_each(|(answer, _)| assert_later(answer, &app));
    let waited = answers
        .iter()
        .filter(|(_, took)| *took > Duration::from_millis(5900));
    assert_eq!(waited.count(), 256);
}

/// RFC 9967 §2.5.1.1: a bulk request that is complete within the time to wait gets the normal bulk response.
#[tokio::test]
async fn bulk_complete_within_the_wait_is_answered_in_full() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("taken").await;
    let body = json!({ "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "taken" } },
    ] });
    let answer = prefer(
        &client,
        "respond-async, wait=10",
        Method::POST,
        "/Bulk",
        Some(body),
    )
    .await
    .expect(200);
    assert_eq!(answer.body["Operations"][0]["status"], "409");
}

/// RFC 9967 §4: securityEvents of ServiceProviderConfig says that requests are asynchronous when the client asks, and which events there are.
#[tokio::test]
async fn service_provider_config_advertises_asynchronous_requests() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200).body;
    let expected = json!({
        "asyncRequest": "request",
        "eventUris": ["urn:ietf:params:scim:event:misc:asyncresp"],
    });
    assert_eq!(config["securityEvents"], expected);
}
