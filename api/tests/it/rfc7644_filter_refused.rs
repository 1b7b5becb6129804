//! RFC 7644 §3.4.2.2: filters that are refused.

use crate::app::TestApp;
use crate::rfc::{get_with, refused};
use serde_json::json;

/// RFC 7644 §3.4.2.2: a filter the service provider cannot read is refused with 400 invalidFilter.
/// RFC 7644 §3.12: an invalid filter, or an attribute and comparison that are not supported, are 400 with scimType invalidFilter.
#[tokio::test]
async fn filter_that_is_none_is_400_invalid_filter() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("bjensen").await;
    for filter in [
        "userName",
        "userName eq",
        r#"userName like "b""#,
        r#"userName eq "b" and"#,
        r#"(userName eq "b""#,
        r#"userName eq "b")"#,
        r#"not userName eq "b""#,
        r#"emails[type eq "work""#,
        r#"emails[type[value eq "x"]]"#,
        r#"nonsense eq "x""#,
        r#"userName.sub eq "x""#,
        r#"emails.nonsense eq "x""#,
        r#"userName eq "unfinished"#,
        r#"eq "x""#,
        r#"userName eq "a" userName eq "b""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x""#,
    ] {
        let answer = get_with(&client, "/Users", &[("filter", filter)]).await;
        assert_eq!(answer.status, 400, "{filter}: {answer:?}");
        refused(&answer, 400, "invalidFilter");
    }
}

/// RFC 7643 §4.1.1: password is never returned and cannot be filtered by.
/// RFC 7644 §7.5.2: a filter on a password, which is never to be compared, is refused.
#[tokio::test]
async fn filter_by_password_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "a", "password": "t1meMa$heen" });
    let created = client.post("/Users", body).await.expect(201);
    for filter in [
        r#"password eq "t1meMa$heen""#,
        r#"password sw "t""#,
        "password pr",
    ] {
        refused(
            &get_with(&client, "/Users", &[("filter", filter)]).await,
            400,
            "invalidFilter",
        );
    }
    let path = format!("/Users/{}?attributes=password,userName", created.id());
    let read = client.get(&path).await.expect(200);
    assert!(!read.body.to_string().contains("t1meMa$heen"));
}
