use crate::app::{TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn body_of_malformed_json_is_400_naming_the_place_and_no_value() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for body in [
        "{\"userName\": \"secret-value\",\n  oops}",
        "",
        "[1, 2",
        "\u{0}",
        "{\"a\":1}}",
        "nul",
    ] {
        let request = client
            .request(Method::POST, "/Users")
            .header("content-type", "application/scim+json");
        let answer = send(request.body(body)).await;
        let detail = answer.scim_error(400);
        assert!(detail.contains("line ") && detail.contains("column "), "{detail}");
        assert!(!detail.contains("secret-value"));
        assert_eq!(answer.body["scimType"], "invalidSyntax");
    }
    let deep = "[".repeat(100_000);
    send(
        client
            .request(Method::POST, "/Users")
            .header("content-type", "application/json")
            .body(deep),
    )
    .await
    .scim_error(400);
}

#[tokio::test]
async fn body_with_bad_attributes_is_400_naming_the_attribute() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let cases: [(Value, &str); 7] = [
        (json!({}), "userName"),
        (json!({ "userName": "" }), "userName"),
        (json!({ "userName": { "first": "object" } }), "userName"),
        (json!({ "userName": "a", "name": "text" }), "name"),
        (json!({ "userName": "a", "active": "perhaps" }), "active"),
        (json!({ "userName": "a\u{0}b" }), "userName"),
        (json!({ "userName": "x".repeat(600) }), "userName"),
    ];
    for (body, attribute) in cases {
        let answer = client.post("/Users", body.clone()).await;
        assert!(answer.scim_error(400).contains(attribute), "{body}: {answer:?}");
        assert!(answer.body["scimType"].is_string(), "{answer:?}");
    }
    for body in [json!([]), json!("text"), json!(null), json!(1)] {
        client.post("/Users", body).await.scim_error(400);
    }
    client.post("/Groups", json!({})).await.scim_error(400);
    client
        .post("/Groups", json!({ "displayName": "x", "members": 7 }))
        .await
        .scim_error(400);
    assert_eq!(client.get("/Users").await.body["totalResults"], 0);
}

#[tokio::test]
async fn patch_that_cannot_be_applied_is_400_and_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let path = format!("/Users/{}", user.id());
    for operations in [
        json!([{ "op": "explode", "path": "title", "value": "x" }]),
        json!([{ "op": "replace", "path": "title[", "value": "x" }]),
        json!([{ "op": "add", "path": "title", "value": "x" }, { "op": "replace", "path": "userName", "value": "" }]),
        json!("text"),
    ] {
        client.patch(&path, operations.clone()).await.scim_error(400);
    }
    let read = client.get(&path).await;
    assert!(read.body.get("title").is_none());
    assert_eq!(read.header("etag"), r#"W/"1""#);
}

#[tokio::test]
async fn query_that_cannot_be_read_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for query in ["startIndex=one", "count=many", "count=99999999999999999999"] {
        let answer = client.get(&format!("/Users?{query}")).await;
        answer.scim_error(400);
        assert_eq!(answer.body["scimType"], "invalidValue");
    }
    for filter in [
        "userName",
        "userName%20eq",
        "nothing%20eq%20%22x%22",
        "userName%20like%20%22x%22",
        "(((",
    ] {
        let answer = client.get(&format!("/Users?filter={filter}")).await;
        answer.scim_error(400);
        assert_eq!(answer.body["scimType"], "invalidFilter", "{filter}");
    }
    client
        .post("/Users/.search", json!({ "count": "many" }))
        .await
        .scim_error(400);
    client.post("/Users/.search", json!([])).await.scim_error(400);
}

#[tokio::test]
async fn id_that_does_not_exist_is_404_for_every_method_and_form() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let long = "x".repeat(5000);
    let unknown = uuid::Uuid::now_v7().to_string();
    for id in [
        unknown.as_str(),
        "42",
        "%00",
        "%ff%fe",
        "a%2Fb",
        "'%20or%201=1--",
        long.as_str(),
    ] {
        for endpoint in ["/Users", "/Groups"] {
            let path = format!("{endpoint}/{id}");
            client.get(&path).await.scim_error(404);
            client.delete(&path).await.scim_error(404);
            let body = json!({ "userName": "a", "displayName": "a" });
            client.put(&path, body).await.scim_error(404);
            let operations = json!([{ "op": "replace", "path": "displayName", "value": "a" }]);
            client.patch(&path, operations).await.scim_error(404);
        }
    }
}

#[tokio::test]
async fn route_or_method_that_does_not_exist_is_an_error_of_its_surface() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    client.get("/Nothing").await.scim_error(404);
    client.get("/Users/1/2").await.scim_error(404);
    client.put("/Users", json!({})).await.scim_error(405);
    client
        .post(&format!("/Users/{}", client.tenant), json!({}))
        .await
        .scim_error(405);
    operator.get("/ops/v1/nothing").await.problem(404);
    operator.post("/ops/v1/overview", json!({})).await.problem(405);
    operator.get("/ops/v1/receipts/not-a-receipt").await.problem(404);
    send(app.request(Method::GET, "/nothing")).await.problem(404);
}
