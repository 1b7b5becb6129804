use crate::app::{TestApp, send};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

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
async fn body_announced_over_the_limit_is_413_and_names_it() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let large = format!(r#"{{"userName":"{}"}}"#, "x".repeat(1024 * 1024));
    let announced = client
        .request(Method::POST, "/Users")
        .header("content-type", "application/scim+json");
    let answer = send(announced.body(large)).await;
    assert!(answer.scim_error(413).contains("1048576 bytes"));

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

#[tokio::test]
async fn body_chunked_beyond_the_limit_is_413_though_the_client_sends_on() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        client.secret
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"10000\r\n", vec![b' '; 0x10000].as_slice(), b"\r\n"].concat();
    for _ in 0..64 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("urn:ietf:params:scim:api:messages:2.0:Error"),
        "{answer}"
    );
}

#[tokio::test]
async fn requests_beyond_those_in_flight_are_503_and_a_stop_lets_the_one_finish() {
    let mut app = TestApp::start_with(&["--requests-in-flight", "1"]).await;
    let client = app.scim().await;
    let list = client.request(Method::GET, "/Users");
    let mut other = app.pool.begin().await.unwrap();
    let lock = "lock table scim_resources in access exclusive mode";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    let under_way = tokio::spawn(send(list));
    let waiting = "select exists (select from pg_locks where not granted and database =
                   (select oid from pg_database where datname = current_database()))";
    devstack::wait::until(
        "the list to wait for the lock",
        devstack::wait::SOON,
        async || sqlx::query_scalar(waiting).fetch_one(&app.pool).await.unwrap(),
    )
    .await
    .unwrap();
    let refused = client.get("/ServiceProviderConfig").await;
    refused.scim_error(503);
    assert!(!refused.header("retry-after").is_empty());
    // Probes are answered all the same.
    send(app.request(Method::GET, "/healthz")).await.expect(200);
    tokio::join!(app.stop(), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        other.rollback().await.unwrap();
    });
    under_way.await.unwrap().expect(200);
}
