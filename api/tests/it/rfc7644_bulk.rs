//! RFC 7644 §3.7: bulk operations.

use crate::app::{Answer, Client, TestApp};
use crate::rfc::{members, users};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn bulk(client: &Client<'_>, mut body: Value) -> Answer {
    body["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]);
    client.post("/Bulk", body).await
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let operations = answer.body["Operations"].as_array().unwrap();
    let statuses = operations.iter().map(|operation| operation["status"].as_str());
    statuses.map(Option::unwrap).collect()
}

/// The path below `/scim/v2` of what an operation answered.
fn path_of(operation: &Value) -> &str {
    let location = operation["location"].as_str().unwrap();
    location.split_once("/scim/v2").unwrap().1
}

fn post(bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

/// RFC 7644 §3.7: the example of the RFC with POST, PUT, PATCH and DELETE is 200 with one answer for each operation.
/// RFC 7644 §3.7.3: each successful operation is answered with method, location, version and status, and a POST with its bulkId.
/// RFC 7644 §3.7.3: the status of an operation is a string.
#[tokio::test]
async fn bulk_example_of_every_method() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let b7 = client.user("Bob0").await;
    let five = client.user("Dave").await;
    let e9 = client.user("Jane").await;
    let body = json!({
        "failOnErrors": 1,
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": { "schemas": [USER], "userName": "Alice" } },
            { "method": "PUT", "path": format!("/Users/{}", b7.id()), "version": b7.header("etag"),
              "data": { "schemas": [USER], "userName": "Bob" } },
            { "method": "PATCH", "path": format!("/Users/{}", five.id()), "version": five.header("etag"),
              "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
                { "op": "remove", "path": "nickName" },
                { "op": "replace", "path": "userName", "value": "Dave2" },
              ] } },
            { "method": "DELETE", "path": format!("/Users/{}", e9.id()), "version": e9.header("etag") },
        ]
    });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(
        answer.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"])
    );
    assert_eq!(statuses(&answer), ["201", "200", "200", "204"]);
    let operations = answer.body["Operations"].as_array().unwrap();
    for (operation, method) in operations.iter().zip(["POST", "PUT", "PATCH", "DELETE"]) {
        assert_eq!(operation["method"], method);
        assert!(path_of(operation).starts_with("/Users/"));
    }
    assert_eq!(operations[0]["bulkId"], "qwerty");
    assert_eq!(operations[0]["version"], r#"W/"1""#);
    assert_eq!(operations[1]["version"], r#"W/"2""#);
    let alice = client.get(path_of(&operations[0])).await.expect(200);
    assert_eq!(alice.body["userName"], "Alice");
    assert_eq!(users(&client, "id pr").await, ["Alice", "Bob", "Dave2"]);
}

/// RFC 7644 §3.7.1: the example of the RFC with two groups that are members of each other resolves both references.
/// RFC 7644 §3.7.1: the service provider resolves references between operations in any order, circular ones too.
#[tokio::test]
async fn bulk_example_of_a_circular_reference() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = |bulk_id: &str, name: &str, member: &str| {
        json!({
            "method": "POST", "path": "/Groups", "bulkId": bulk_id,
            "data": { "schemas": [GROUP], "displayName": name,
                      "members": [{ "type": "Group", "value": format!("bulkId:{member}") }] },
        })
    };
    let body =
        json!({ "Operations": [group("qwerty", "Group A", "ytrewq"), group("ytrewq", "Group B", "qwerty")] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "201"]);
    let operations = &answer.body["Operations"];
    let id = |index: usize| path_of(&operations[index]).rsplit_once('/').unwrap().1.to_owned();
    assert_eq!(members(&client, path_of(&operations[0])).await, [id(1)]);
    assert_eq!(members(&client, path_of(&operations[1])).await, [id(0)]);
}

/// RFC 7644 §3.7.2: the example of the RFC creates a user and a group whose member is the user's bulkId.
/// RFC 7644 §3.7.2: a bulkId stands for the new resource's id wherever a reference is expected, in data and in paths.
#[tokio::test]
async fn bulk_example_of_a_temporary_identifier() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": { "schemas": [USER], "userName": "Alice" } },
            { "method": "POST", "path": "/Groups", "bulkId": "ytrewq", "data": {
                "schemas": [GROUP], "displayName": "Tour Guides",
                "members": [{ "type": "User", "value": "bulkId:qwerty" }],
            } },
            { "method": "PATCH", "path": "/Users/bulkId:qwerty", "data": {
                "Operations": [{ "op": "add", "path": "title", "value": "Guide" }],
            } },
        ]
    });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "201", "200"]);
    let operations = &answer.body["Operations"];
    let alice = client.get(path_of(&operations[0])).await.expect(200);
    assert_eq!(members(&client, path_of(&operations[1])).await, [alice.id()]);
    assert_eq!(alice.body["title"], "Guide");
    assert_eq!(alice.body["groups"][0]["display"], "Tour Guides");
}

/// RFC 7644 §3.7.2: a POST in a bulk request must have a bulkId.
/// RFC 7644 §3.7.2: a bulkId is unique within the request.
#[tokio::test]
async fn bulk_post_without_or_with_a_repeated_bulk_id_fails_alone() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "Operations": [
        { "method": "POST", "path": "/Users", "data": { "userName": "none" } },
        post("a", json!({ "userName": "first" })),
        post("a", json!({ "userName": "second" })),
    ] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["400", "201", "400"]);
    assert_eq!(users(&client, "id pr").await, ["first"]);
}

/// RFC 7644 §3.7.3: an operation that fails is answered with its status and a response that is an error message.
/// RFC 7644 §3.7.3: a location is answered for every operation but a POST that failed.
/// RFC 7644 §3.7.3: without failOnErrors the service provider carries out all operations, whatever fails.
#[tokio::test]
async fn bulk_failures_are_answered_with_an_error_response() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("taken").await;
    let path = format!("/Users/{}", user.id());
    let body = json!({ "Operations": [
        post("a", json!({ "userName": "taken" })),
        { "method": "PUT", "path": path, "version": "W/\"9\"", "data": { "userName": "taken" } },
        { "method": "PATCH", "path": path, "data": { "Operations": [{ "op": "remove", "path": "userName" }] } },
        { "method": "DELETE", "path": "/Users/2819c223-7f76-453a-919d-413861904646" },
        post("b", json!({ "userName": "new" })),
    ] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["409", "412", "400", "404", "201"]);
    let operations = answer.body["Operations"].as_array().unwrap();
    for (operation, scim_type) in operations
        .iter()
        .zip([Some("uniqueness"), None, Some("mutability"), None])
    {
        let response = &operation["response"];
        assert_eq!(
            response["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(response["status"], operation["status"]);
        assert_eq!(response["scimType"].as_str(), scim_type);
    }
    assert!(operations[0].get("location").is_none());
    assert_eq!(operations[0]["bulkId"], "a");
    assert_eq!(path_of(&operations[1]), path);
    assert!(operations[4].get("response").is_none());
}

/// RFC 7644 §3.7.3: after failOnErrors errors the service provider stops and answers what it did so far.
#[tokio::test]
async fn bulk_stops_after_fail_on_errors() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "failOnErrors": 2, "Operations": [
        post("a", json!({})),
        post("b", json!({ "userName": "b" })),
        post("c", json!({})),
        post("d", json!({ "userName": "d" })),
    ] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["400", "201", "400"]);
    assert_eq!(users(&client, "id pr").await, ["b"]);
}

/// RFC 7644 §3.7.1: an operation that refers to one that failed, or to a bulkId nobody has, fails with 409.
#[tokio::test]
async fn bulk_reference_that_cannot_be_resolved_is_409() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = |bulk_id: &str, member: &str| {
        json!({
            "method": "POST", "path": "/Groups", "bulkId": bulk_id,
            "data": { "displayName": bulk_id, "members": [{ "value": format!("bulkId:{member}") }] },
        })
    };
    let body = json!({ "Operations": [post("bad", json!({})), group("g", "bad"), group("h", "nobody")] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["400", "409", "409"]);
    assert_eq!(client.get("/Groups").await.body["totalResults"], 0);
}

#[tokio::test]
async fn bulk_operation_that_refers_to_a_refused_one_leaves_its_value_to_a_later_one() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = |bulk_id: &str, members: Value| {
        let data = json!({ "displayName": "wanted", "members": members });
        json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
    };
    let body = json!({ "Operations": [
        post("long", json!({ "userName": "x".repeat(600) })),
        group("refers", json!([{ "value": "bulkId:long" }])),
        group("alone", json!([])),
    ] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["400", "409", "201"]);
    assert_eq!(client.get("/Groups").await.body["totalResults"], 1);
}

/// RFC 7644 §3.7.4: maxOperations and maxPayloadSize are advertised by the service provider configuration.
/// RFC 7644 §3.7.4: more operations than maxOperations are 413 with an error that names the limit, and nothing is written.
/// RFC 7644 §3.12: a request over a limit of bulk requests is 413 with maxOperations or maxPayloadSize in the detail.
#[tokio::test]
async fn bulk_of_more_operations_than_advertised_is_413() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200);
    let most = config.body["bulk"]["maxOperations"].as_u64().unwrap();
    assert_eq!(most, 1_000);
    let operations = |count: u64| {
        let one = |number: u64| post(&number.to_string(), json!({ "userName": number.to_string() }));
        json!({ "Operations": (0..count).map(one).collect::<Vec<_>>() })
    };
    let answer = bulk(&client, operations(most + 1)).await;
    assert!(answer.scim_error(413).contains("1000"), "{answer:?}");
    assert_eq!(client.get("/Users?count=0").await.body["totalResults"], 0);
    bulk(&client, operations(most)).await.expect(200);
    assert_eq!(client.get("/Users?count=0").await.body["totalResults"], most);
}

/// RFC 7644 §3.7.4: a body larger than maxPayloadSize is 413 with an error that names the limit, and nothing is written.
#[tokio::test]
async fn bulk_larger_than_advertised_is_413() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200);
    let most = config.body["bulk"]["maxPayloadSize"].as_u64().unwrap();
    assert_eq!(most, 10 * 1024 * 1024);
    let title = "x".repeat(usize::try_from(most).unwrap());
    let body = json!({ "Operations": [post("a", json!({ "userName": "a", "title": title }))] });
    let answer = bulk(&client, body).await;
    assert!(answer.scim_error(413).contains(&most.to_string()));
    assert_eq!(client.get("/Users").await.body["totalResults"], 0);
}

/// RFC 7644 §3.7: a bulk request that is none is 400 with scimType invalidSyntax.
/// RFC 7644 §3.7: an operation with another method or a path that is no endpoint fails alone.
#[tokio::test]
async fn bulk_malformed_requests_and_operations() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for body in [
        json!([]),
        json!({}),
        json!({ "Operations": 5 }),
        json!({ "failOnErrors": "x", "Operations": [] }),
    ] {
        let answer = client.post("/Bulk", body).await;
        answer.scim_error(400);
        assert_eq!(answer.body["scimType"], "invalidSyntax");
    }
    let body = json!({ "Operations": [
        { "method": "GET", "path": "/Users" },
        { "method": "POST", "path": "/Robots", "bulkId": "r", "data": {} },
        { "method": "POST", "path": "/Bulk", "bulkId": "s", "data": {} },
        5,
        post("a", json!({ "userName": "a" })),
    ] });
    let answer = bulk(&client, body).await.expect(200);
    assert_eq!(statuses(&answer), ["400", "400", "400", "400", "201"]);
}
