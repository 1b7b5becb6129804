//! RFC 7644 §3.5.1: replacing resources.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, group_with, members, refused, user_with};
use serde_json::json;

/// RFC 7644 §3.5.1: values of readWrite attributes replace those of the resource, and a readWrite attribute that is left out is cleared.
/// RFC 7644 §3.5.1: the answer to a PUT is 200 with the whole resource.
/// RFC 7644 §3.5.1: the example of the RFC replaces Barbara.
#[tokio::test]
async fn put_example_of_the_rfc_replaces_all_read_write_attributes() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let before = json!({
        "userName": "bjensen", "title": "Clerk", "nickName": "Babs",
        "emails": [{ "value": "old@example.com", "type": "other" }],
        ENTERPRISE: { "department": "Sales" },
    });
    let path = user_with(&client, before).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "userName": "bjensen",
        "externalId": "bjensen",
        "name": {
            "formatted": "Ms. Barbara J Jensen III",
            "familyName": "Jensen",
            "givenName": "Barbara",
            "middleName": "Jane"
        },
        "roles": [],
        "emails": [
            { "value": "bjensen@example.com" },
            { "value": "babs@jensen.org" }
        ]
    });
    let replaced = client.put(&path, body.clone()).await.expect(200);
    for attribute in ["userName", "externalId", "name", "emails"] {
        assert_eq!(replaced.body[attribute], body[attribute]);
    }
    for gone in ["title", "nickName", "roles", ENTERPRISE] {
        assert!(replaced.body.get(gone).is_none(), "{gone}");
    }
    assert_eq!(replaced.body["schemas"], body["schemas"]);
    assert_eq!(replaced.header("location"), replaced.body["meta"]["location"]);
    assert_eq!(client.get(&path).await.expect(200).body, replaced.body);
}

/// RFC 7644 §3.5.1: values of readOnly attributes in a PUT are ignored.
#[tokio::test]
async fn put_read_only_attributes_sent_are_ignored() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    let path = format!("/Users/{}", user.id());
    let body = json!({
        "id": "other", "userName": "bjensen", "title": "x", "groups": [{ "value": "g" }],
        "meta": { "created": "2001-01-01T00:00:00Z", "location": "http://elsewhere" },
    });
    let replaced = client.put(&path, body).await.expect(200);
    assert_eq!(replaced.id(), user.id());
    assert_eq!(replaced.body["meta"]["created"], user.body["meta"]["created"]);
    assert_eq!(replaced.body["meta"]["location"], user.body["meta"]["location"]);
    assert!(replaced.body.get("groups").is_none());
}

/// RFC 7644 §3.5.1: an attribute that is required must be in the body of a PUT.
#[tokio::test]
async fn put_without_a_required_attribute_is_400_and_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    let path = format!("/Users/{}", user.id());
    let answer = client.put(&path, json!({ "title": "x" })).await;
    assert!(refused(&answer, 400, "invalidValue").contains("userName"));
    assert_eq!(client.get(&path).await.body, user.body);
}

/// RFC 7644 §3.5.1: PUT does not create resources.
#[tokio::test]
async fn put_of_an_unknown_id_is_404() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for id in ["2819c223-7f76-453a-919d-413861904646", "bjensen"] {
        let answer = client
            .put(&format!("/Users/{id}"), json!({ "userName": "bjensen" }))
            .await;
        answer.scim_error(404);
    }
    assert_eq!(client.get("/Users").await.body["totalResults"], 0);
}

/// RFC 7644 §3.5.1: null for a single-valued and an empty array for a multi-valued attribute clear them.
#[tokio::test]
async fn put_null_and_empty_array_clear() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body =
        json!({ "userName": "a", "title": "t", "active": false, "emails": [{ "value": "a@example.com" }] });
    let path = user_with(&client, body).await;
    let body = json!({ "userName": "a", "title": null, "active": null, "emails": [] });
    let replaced = client.put(&path, body).await.expect(200);
    for gone in ["title", "active", "emails"] {
        assert!(replaced.body.get(gone).is_none(), "{gone}");
    }
    let group = group_with(&client, "g", &["a", "b"]).await;
    let body = json!({ "displayName": "g", "members": [] });
    client.put(&group, body).await.expect(200);
    assert!(members(&client, &group).await.is_empty());
}

/// RFC 7644 §3.5.1: a PUT to a value that another resource holds is 409 uniqueness.
#[tokio::test]
async fn put_to_a_taken_name_is_409() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("taken").await;
    let user = client.user("free").await;
    let path = format!("/Users/{}", user.id());
    let answer = client.put(&path, json!({ "userName": "Taken" })).await;
    refused(&answer, 409, "uniqueness");
    assert_eq!(client.get(&path).await.body, user.body);
}

/// RFC 7644 §3.5.1: a PUT of a Group replaces its members.
#[tokio::test]
async fn put_of_a_group_replaces_its_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "g", &["a", "b"]).await;
    let body = json!({ "displayName": "h", "members": [{ "value": "b" }, { "value": "c" }] });
    let replaced = client.put(&group, body).await.expect(200);
    assert_eq!(replaced.body["displayName"], "h");
    assert_eq!(members(&client, &group).await, ["b", "c"]);
}
