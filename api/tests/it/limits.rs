use crate::app::{TestApp, send};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn token_over_its_rate_is_429_with_retry_after_and_others_pass() {
    let app = TestApp::start_with(&["--requests-per-second", "5"]).await;
    let client = app.scim().await;
    let other = app.client(client.tenant, "scim").await;
    let mut limited = None;
    for _ in 0..20 {
        let answer = client.get("/ServiceProviderConfig").await;
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("20 requests at once are more than 5 per second");
    limited.scim_error(429);
    assert_eq!(limited.header("retry-after"), "1");
    other.get("/ServiceProviderConfig").await.expect(200);
}

#[tokio::test]
async fn body_over_the_limit_is_413_whether_announced_or_chunked() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let large = format!(r#"{{"userName":"{}"}}"#, "x".repeat(1024 * 1024));
    let announced = client
        .request(Method::POST, "/Users")
        .header("content-type", "application/scim+json");
    let detail = send(announced.body(large)).await;
    assert!(detail.scim_error(413).contains("1048576 bytes"));

    let bulk = vec![b' '; 10 * 1024 * 1024 + 1];
    let bulk = client
        .request(Method::POST, "/Bulk")
        .header("content-type", "application/scim+json")
        .body(bulk);
    send(bulk).await.scim_error(413);
    client.get("/Users").await.expect(200);
}

#[tokio::test]
async fn bulk_with_too_many_operations_is_413_naming_the_limit() {
    let app = TestApp::start_with(&["--bulk-operations", "2"]).await;
    let client = app.scim().await;
    let operation = |n: u8| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "userName": n.to_string() } });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [operation(1), operation(2), operation(3)],
    });
    let answer = client.post("/Bulk", body).await;
    assert!(answer.scim_error(413).contains('2'), "{answer:?}");
    assert_eq!(client.get("/Users").await.body["totalResults"], 0);
}

#[tokio::test]
async fn bodies_over_the_shared_budget_are_503_with_retry_after() {
    let app = TestApp::start_with(&["--body-budget-bytes", "1024"]).await;
    let client = app.scim().await;
    let body = json!({ "userName": "large", "nickName": "x".repeat(4096) });
    let answer = client.post("/Users", body).await;
    answer.scim_error(503);
    assert!(!answer.header("retry-after").is_empty());
    client.user("small").await;
}

#[tokio::test]
async fn request_over_its_time_is_503_and_the_next_is_served() {
    let app = TestApp::start_with(&["--request-timeout-seconds", "1"]).await;
    let client = app.scim().await;
    // Somebody holds the table that a list reads.
    let mut other = app.pool.begin().await.unwrap();
    sqlx::query("lock table scim_resources in access exclusive mode")
        .execute(&mut *other)
        .await
        .unwrap();
    let answer = client.get("/Users").await;
    answer.scim_error(503);
    other.rollback().await.unwrap();
    client.get("/Users").await.expect(200);
}

#[tokio::test]
async fn body_of_another_media_type_is_415() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let request = |media_type: &str| {
        let request = client
            .request(Method::POST, "/Users")
            .header("content-type", media_type);
        send(request.body(r#"{"userName":"a"}"#))
    };
    request("text/plain").await.scim_error(415);
    request("application/x-www-form-urlencoded").await.scim_error(415);
    request("Application/SCIM+JSON; charset=utf-8").await.expect(201);
}
