//! RFC 7644 §2, §3.1, §3.2, §3.8 and §3.11 to §3.14: what holds for every request.

use crate::app::{TestApp, send};
use crate::rfc::{group_with, refused, user_with};
use reqwest::Method;
use serde_json::json;

/// RFC 7644 §2: a request without valid credentials is 401 and WWW-Authenticate names the scheme.
#[tokio::test]
async fn unauthenticated_request_is_401_with_the_scheme() {
    let app = TestApp::start().await;
    let anonymous = send(app.request(Method::GET, "/scim/v2/Users")).await;
    anonymous.scim_error(401);
    assert!(anonymous.header("www-authenticate").starts_with("Bearer"));
    let unknown = app.request(Method::GET, "/scim/v2/Users").bearer_auth("nonsense");
    let unknown = send(unknown).await;
    unknown.scim_error(401);
    assert!(unknown.header("www-authenticate").contains("invalid_token"));
}

/// RFC 7644 §2: a token that does not permit the request is 403.
#[tokio::test]
async fn token_of_another_scope_is_403() {
    let app = TestApp::start().await;
    let tenant = app.tenant("t").await;
    let client = app.client(tenant, "content").await;
    client.get("/Users").await.scim_error(403);
}

/// RFC 7644 §3.2: each endpoint takes the methods of the table of the RFC and answers others with 405.
/// RFC 7644 §3.2: what is no endpoint is 404.
#[tokio::test]
async fn endpoints_take_their_methods_only() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    for (path, methods) in [
        ("/Users", &["GET", "POST"][..]),
        ("/Groups", &["GET", "POST"]),
        (&user, &["GET", "PUT", "PATCH", "DELETE"]),
        ("/Bulk", &["POST"]),
        ("/.search", &["POST"]),
        ("/Users/.search", &["POST"]),
        ("/ServiceProviderConfig", &["GET"]),
        ("/Schemas", &["GET"]),
        ("/ResourceTypes", &["GET"]),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            // Reading `/Users/.search` reads the user of that externalId.
            let as_id = path.ends_with("/.search") && path.len() > 8;
            if methods.contains(&method) || as_id {
                continue;
            }
            let request = client.request(method.parse().unwrap(), path).json(&json!({}));
            let answer = send(request).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            answer.scim_error(405);
        }
    }
    for path in ["/Robots", "/users", "/Users/a/b", "/"] {
        client.get(path).await.scim_error(404);
    }
}

/// RFC 7644 §3.1: messages have the media type application/scim+json.
/// RFC 7644 §3.8: application/scim+json is accepted and answered, and application/json is accepted too.
/// RFC 7644 §3.8: a body of another media type is refused with 415.
#[tokio::test]
async fn media_types_of_requests_and_answers() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for (index, content_type) in [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "Application/SCIM+JSON",
    ]
    .into_iter()
    .enumerate()
    {
        let request = client
            .request(Method::POST, "/Users")
            .header("content-type", content_type);
        let answer = send(request.body(format!(r#"{{"userName":"{index}"}}"#))).await;
        assert_eq!(answer.status, 201, "{content_type}");
        assert_eq!(answer.header("content-type"), "application/scim+json");
    }
    for accept in ["application/scim+json", "application/json", "*/*"] {
        let answer = send(client.request(Method::GET, "/Users").header("accept", accept)).await;
        assert_eq!(answer.expect(200).header("content-type"), "application/scim+json");
    }
    for content_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
    ] {
        let request = client
            .request(Method::POST, "/Users")
            .header("content-type", content_type);
        send(request.body(r#"{"userName":"x"}"#)).await.scim_error(415);
    }
}

/// RFC 7644 §3.8: messages are JSON in UTF-8; what is not is 400 with scimType invalidSyntax.
#[tokio::test]
async fn body_that_is_no_json_in_utf8_is_400_invalid_syntax() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for body in [
        &b""[..],
        b"{",
        b"userName: a",
        b"{\"userName\":\"\xff\"}",
        b"{\"userName\":\"a\"} {}",
    ] {
        let request = client
            .request(Method::POST, "/Users")
            .header("content-type", "application/scim+json");
        refused(&send(request.body(body)).await, 400, "invalidSyntax");
    }
    let body = json!({ "userName": "Jürgen 王 🚲" });
    let created = client.post("/Users", body.clone()).await.expect(201);
    assert_eq!(created.body["userName"], body["userName"]);
}

/// RFC 7644 §3.11: /Me, which this service provider does not support, is 501 for every method.
#[tokio::test]
async fn me_is_501() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ] {
        let answer = send(client.request(method, "/Me").json(&json!({}))).await;
        assert!(answer.scim_error(501).contains("/Me"));
    }
}

/// RFC 7644 §3.12: errors are messages of the schema Error with status as a string and detail for people.
/// RFC 7644 §3.12: 400, 401, 403, 404, 409, 412, 413 and 501 are answered as the table of the RFC says.
#[tokio::test]
async fn errors_have_the_schema_a_status_string_and_detail() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    let path = format!("/Users/{}", user.id());
    let stale = client
        .request(Method::DELETE, &path)
        .header("if-match", "W/\"5\"");
    let other = app.tenant("other").await;
    let answers = [
        (400, client.post("/Users", json!([])).await),
        (401, send(app.request(Method::GET, "/scim/v2/Users")).await),
        (403, app.client(other, "operator").await.get("/Users").await),
        (404, client.get("/Users/nobody").await),
        (409, client.post("/Users", json!({ "userName": "a" })).await),
        (412, send(stale).await),
        (
            413,
            client
                .post(
                    "/Bulk",
                    json!({ "Operations": vec![json!({ "method": "GET" }); 1_001] }),
                )
                .await,
        ),
        (501, client.get("/Me").await),
    ];
    for (status, answer) in answers {
        assert!(!answer.scim_error(status).is_empty());
        assert_eq!(
            answer.body["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(answer.body["status"], json!(status.to_string()));
    }
}

/// RFC 7644 §3.13: the base URL carries the version of the protocol as /v2.
#[tokio::test]
async fn protocol_version_is_part_of_the_path() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    assert!(user.header("location").contains("/scim/v2/Users/"));
    for version in ["v0", "v3", "v2.0"] {
        let request = app.request(Method::GET, &format!("/scim/{version}/Users"));
        send(request.bearer_auth(&client.secret)).await.scim_error(404);
    }
}

/// RFC 7644 §3.14: the version of a resource is both in the ETag header and in meta.version, and is a weak entity tag.
/// RFC 7644 §3.14: each change of a resource changes its version.
#[tokio::test]
async fn version_is_a_weak_etag_that_changes_with_the_resource() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = client.user("a").await;
    let path = format!("/Users/{}", created.id());
    let body = json!({ "userName": "a", "title": "x" });
    let replaced = client.put(&path, body).await.expect(200);
    let operations = json!([{ "op": "remove", "path": "title" }]);
    let patched = client.patch(&path, operations).await.expect(200);
    let read = client.get(&path).await.expect(200);
    for answer in [&created, &replaced, &patched, &read] {
        assert!(answer.header("etag").starts_with("W/\""));
        assert_eq!(answer.header("etag"), answer.body["meta"]["version"]);
    }
    assert_ne!(created.header("etag"), replaced.header("etag"));
    assert_ne!(replaced.header("etag"), patched.header("etag"));
    assert_eq!(patched.header("etag"), read.header("etag"));
}

/// RFC 7644 §3.14: a GET with If-None-Match of the present version is 304 without a body.
/// RFC 7644 §3.14: a PUT with If-Match of another version is 412, with that of the present version it is carried out.
#[tokio::test]
async fn preconditions_by_version() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "g", &[]).await;
    let get = |tag: &str| {
        let request = client.request(Method::GET, &format!("{group}?excludedAttributes=members"));
        send(request.header("if-none-match", tag))
    };
    let same = get(r#"W/"1""#).await.expect(304);
    assert!(same.body.is_null());
    get(r#"W/"9""#).await.expect(200);
    let put = |tag: &str| {
        let request = client.request(Method::PUT, &group).header("if-match", tag);
        send(request.json(&json!({ "displayName": "h" })))
    };
    put(r#"W/"9""#).await.scim_error(412);
    assert_eq!(client.get(&group).await.body["displayName"], "g");
    put(r#"W/"1""#).await.expect(200);
    put(r#"W/"1""#).await.scim_error(412);
    put("*").await.expect(200);
}
