//! Results of asynchronous requests (RFC 9967): completion events, and who gets them when.

use crate::app::{TestApp, send};
use crate::async_requests::{apply, assert_later, create, prefer, result};
use crate::event_keys::{event_of, verified};
use reqwest::Method;
use serde_json::{Value, json};

/// RFC 9967 §2.5.1.1: the Location of the 202 is a URI where the completion event can be retrieved with GET.
/// RFC 9967 §2.5.1.3: the event has the txn of Set-Txn and the payload of a bulk response operation.
/// RFC 9967 §2.1: the subject's externalId is given where it is known.
#[tokio::test]
async fn result_is_202_until_applied_then_the_signed_completion_event() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = create(&client, "respond-async", "jane").await.expect(202);
    let before = result(&client, created.txn()).await.expect(202);
    assert_eq!(before.body, Value::Null);
    assert_eq!(before.header("retry-after"), "1");
    assert_eq!(before.txn(), created.txn());

    apply(&client, created.txn()).await;
    let location = created.header("location").strip_prefix(&app.url).unwrap();
    let request = app.request(Method::GET, location).bearer_auth(&client.secret);
    let after = send(request).await.expect(200);
    assert_eq!(after.header("content-type"), "application/secevent+jwt");
    let claims = verified(&app, after.body.as_str().unwrap()).await;
    assert_eq!(claims["iss"], app.url);
    assert_eq!(claims["txn"], created.txn());
    let age = seconds(&app).await - claims["iat"].as_i64().unwrap();
    assert!((-5..60).contains(&age), "{claims}");
    let found = client.get("/Users?filter=userName eq \"jane\"").await.expect(200);
    let user = &found.body["Resources"][0];
    let uri = format!("/Users/{}", user["id"].as_str().unwrap());
    let subject = json!({ "format": "scim", "uri": uri, "externalId": "x-jane" });
    assert_eq!(claims["sub_id"], subject);
    let expected = json!({
        "method": "POST",
        "location": user["meta"]["location"],
        "version": user["meta"]["version"],
        "status": "201",
    });
    assert_eq!(event_of(&claims), &expected);
}

/// Who asks again gets the same event, to the byte, whatever became of the resource meanwhile: a
/// receiver tells a repetition by its `jti` (RFC 8417 §2.2).
#[tokio::test]
async fn result_fetched_again_is_the_same_token() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = create(&client, "respond-async", "jane").await.expect(202);
    apply(&client, created.txn()).await;
    let first = result(&client, created.txn()).await.expect(200).body;
    let claims = verified(&app, first.as_str().unwrap()).await;
    let path = claims["sub_id"]["uri"].as_str().unwrap();
    let renamed = json!({ "userName": "jane", "externalId": "another" });
    client.put(path, renamed).await.expect(200);
    // A second later the clock would show in `iat`.
    devstack::wait::until("the next second", devstack::wait::SOON, async || {
        seconds(&app).await > claims["iat"].as_i64().unwrap() + 1
    })
    .await
    .unwrap();
    assert_eq!(result(&client, created.txn()).await.expect(200).body, first);
}

/// Since 1970, as in `iat`, on the clock of Postgres.
async fn seconds(app: &TestApp) -> i64 {
    sqlx::query_scalar("select extract(epoch from now())::bigint")
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn result_of_a_write_that_changed_nothing_is_there_at_once() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let path = format!("/Users/{}", jane.id());
    let body = json!({ "userName": "jane" });
    let again = prefer(&client, "respond-async", Method::PUT, &path, Some(body))
        .await
        .expect(202);
    let answer = result(&client, again.txn()).await.expect(200);
    let claims = verified(&app, answer.body.as_str().unwrap()).await;
    assert_eq!(event_of(&claims)["status"], "200");
    assert_eq!(event_of(&claims)["version"], jane.header("etag"));
}

/// RFC 9967 §5: the URI of a result needs authorization; it is there for the tokens of the tenant that wrote, and for nobody else.
#[tokio::test]
async fn result_is_readable_with_scim_tokens_of_the_same_tenant_only() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = create(&client, "respond-async", "jane").await.expect(202);
    apply(&client, created.txn()).await;
    let path = format!("/AsyncResults/{}", created.txn());
    let colleague = app.client(client.tenant, "scim").await;
    colleague.get(&path).await.expect(200);
    let stranger = app.scim().await;
    stranger.get(&path).await.scim_error(404);
    let operator = app.client(client.tenant, "operator").await;
    operator.get(&path).await.scim_error(403);
    let nobody = app.request(Method::GET, &format!("/scim/v2{path}"));
    send(nobody).await.scim_error(401);
    for unknown in [
        uuid::Uuid::now_v7().to_string(),
        "nonsense".to_owned(),
        // A single request has no operations to tell apart.
        format!("{}:0", created.txn()),
        format!("{}:99999999999", created.txn()),
    ] {
        result(&client, &unknown).await.scim_error(404);
    }
}

/// RFC 9967 §2.5.1.2: an asynchronous bulk request has one completion event per operation, refused ones and those not attempted included, with the txn of Set-Txn, a colon and the operation's zero-based index.
/// RFC 9967 §2.5.1.3: the event of an operation that failed has the SCIM error as its response.
#[tokio::test]
async fn bulk_has_one_completion_event_per_operation() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("taken").await;
    let body = json!({ "failOnErrors": 2, "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "jane", "externalId": "x" } },
        { "method": "post", "path": "/Users", "bulkId": "b", "data": { "userName": "taken" } },
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "G", "members": [{ "value": "bulkId:a" }] } },
        { "method": "PUT", "path": "/Nonsense/1", "data": {} },
        { "method": "POST", "path": "/Users", "bulkId": "c", "data": { "userName": "late" } },
    ] });
    let asked = prefer(&client, "respond-async", Method::POST, "/Bulk", Some(body)).await;
    assert_later(&asked, &app);
    let txn = asked.txn();
    result(&client, txn).await.expect(202);
    // A refused operation is complete, whatever the others are.
    let refused = result(&client, &format!("{txn}:1")).await.expect(200);
    assert_eq!(refused.header("content-type"), "application/secevent+jwt");
    result(&client, &format!("{txn}:0")).await.expect(202);
    result(&client, &format!("{txn}:5")).await.scim_error(404);

    apply(&client, txn).await;
    let all = result(&client, txn).await.expect(200);
    assert_eq!(all.header("content-type"), "application/json");
    let sets = all.body["sets"].as_object().unwrap();
    assert_eq!(sets.len(), 5);
    let mut events = vec![];
    for (index, (jti, token)) in sets.iter().enumerate() {
        let alone = result(&client, &format!("{txn}:{index}")).await.expect(200);
        assert_eq!(alone.body, *token, "the same token alone and among the others");
        let claims = verified(&app, token.as_str().unwrap()).await;
        assert_eq!(claims["jti"], *jti);
        assert_eq!(claims["txn"], format!("{txn}:{index}"));
        events.push((
            claims["sub_id"]["uri"].as_str().unwrap().to_owned(),
            event_of(&claims).clone(),
            claims["sub_id"]["externalId"].clone(),
        ));
    }
    let statuses: Vec<&Value> = events.iter().map(|(_, event, _)| &event["status"]).collect();
    assert_eq!(statuses, ["201", "409", "201", "400", "424"]);
    let bulk_ids: Vec<&Value> = events.iter().map(|(_, event, _)| &event["bulkId"]).collect();
    assert_eq!(
        bulk_ids,
        [&json!("a"), &json!("b"), &json!("g"), &Value::Null, &json!("c")]
    );
    assert_eq!(events[0].2, "x");
    assert!(events[0].1["location"].as_str().unwrap().ends_with(&events[0].0));
    assert_eq!(events[0].1["version"], "W/\"1\"");
    assert_eq!(events[1].0, "/Users");
    assert_eq!(events[1].1["method"], "POST");
    assert_eq!(events[1].1["response"]["scimType"], "uniqueness");
    assert_eq!(events[3].0, "/Bulk");
    assert_eq!(events[3].1["response"]["status"], "400");
    assert_eq!(events[4].1["response"]["status"], "424");
    assert_eq!(
        client.get("/Users?filter=userName eq \"late\"").await.body["totalResults"],
        0
    );
}

#[tokio::test]
async fn result_older_than_seven_days_is_gone() {
    let mut app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let secret = app.token(tenant, "scim").await;
    let (old, young) = {
        let client = app.client(tenant, "scim").await;
        let old = create(&client, "respond-async", "old").await.expect(202);
        let young = create(&client, "respond-async", "young").await.expect(202);
        (old.txn().to_owned(), young.txn().to_owned())
    };
    let age =
        "update async_results set accepted_at = now() - interval '7 days 1 minute' where txn = $1::uuid";
    sqlx::query(age).bind(&old).execute(&app.pool).await.unwrap();
    // The last thing a process does is its housekeeping.
    app.stop().await;
    let left: Vec<String> = sqlx::query_scalar("select txn::text from async_results")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert_eq!(left, [young]);
    drop(secret);
}
