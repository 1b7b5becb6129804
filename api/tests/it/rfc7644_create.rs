//! RFC 7644 §3.3 and §3.6: creating and deleting resources.

use crate::app::{TestApp, send};
use crate::rfc::{ENTERPRISE, GROUP, USER, refused, users};
use reqwest::Method;
use serde_json::json;

/// RFC 7644 §3.3: a POST of the example of the RFC is answered with 201 and the service provider's representation of the new resource.
/// RFC 7644 §3.3: the URI of the created resource is in the Location header and in meta.location alike.
/// RFC 7644 §3.3: the answer to a creation carries the ETag of the new resource.
#[tokio::test]
async fn create_example_of_the_rfc_is_201_with_representation_location_and_etag() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "bjensen",
        "externalId": "bjensen",
        "name": {
            "formatted": "Ms. Barbara J Jensen III",
            "familyName": "Jensen",
            "givenName": "Barbara"
        }
    });
    let created = client.post("/Users", body.clone()).await.expect(201);
    for attribute in ["schemas", "userName", "externalId", "name"] {
        assert_eq!(created.body[attribute], body[attribute]);
    }
    let location = format!("{}/scim/v2/Users/{}", app.url, created.id());
    assert_eq!(created.header("location"), location);
    assert_eq!(created.body["meta"]["location"], location);
    assert_eq!(created.header("etag"), created.body["meta"]["version"]);
    let read = send(app.http.get(location).bearer_auth(&client.secret)).await;
    assert_eq!(read.expect(200).body, created.body);
}

/// RFC 7644 §3.3: attributes of a POST whose mutability is readOnly are ignored.
/// RFC 7644 §3.3: the service provider assigns id, whatever the client sent.
#[tokio::test]
async fn create_read_only_attributes_sent_are_ignored() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "bjensen",
        "id": "mine",
        "meta": { "created": "2001-01-01T00:00:00Z", "resourceType": "Robot", "location": "http://x", "version": "W/\"9\"" },
        "groups": [{ "value": "admins" }],
    });
    let created = client.post("/Users", body).await.expect(201);
    assert_ne!(created.id(), "mine");
    let meta = &created.body["meta"];
    assert_eq!(meta["resourceType"], "User");
    assert_eq!(meta["version"], r#"W/"1""#);
    assert_ne!(meta["created"], "2001-01-01T00:00:00Z");
    assert!(meta["location"].as_str().unwrap().ends_with(created.id()));
    assert!(created.body.get("groups").is_none());
}

/// RFC 7644 §3.3: a creation that conflicts with an existing resource is 409 with scimType uniqueness.
#[tokio::test]
async fn create_of_what_exists_is_409_uniqueness_and_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let first = client.user("bjensen").await;
    let again = client
        .post("/Users", json!({ "userName": "bjensen", "title": "x" }))
        .await;
    assert!(refused(&again, 409, "uniqueness").contains("userName"));
    let group = json!({ "displayName": "Employees" });
    client.post("/Groups", group.clone()).await.expect(201);
    let again = client.post("/Groups", group).await;
    assert!(refused(&again, 409, "uniqueness").contains("displayName"));
    let read = client.get(&format!("/Users/{}", first.id())).await.expect(200);
    assert_eq!(read.body, first.body);
    assert_eq!(client.get("/Users").await.body["totalResults"], 1);
}

/// RFC 7644 §3.3: a creation without a required attribute is 400 with scimType invalidValue and the name of the attribute.
/// RFC 7644 §3.12: a value that does not fit its attribute is 400 with scimType invalidValue.
#[tokio::test]
async fn create_without_a_required_attribute_or_with_a_wrong_type_is_400_naming_it() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for (path, body, name) in [
        (
            "/Users",
            json!({ "schemas": [USER], "displayName": "x" }),
            "userName",
        ),
        ("/Users", json!({ "userName": null }), "userName"),
        ("/Users", json!({ "userName": ["a", "b"] }), "userName"),
        (
            "/Users",
            json!({ "userName": "a", "active": "perhaps" }),
            "active",
        ),
        ("/Users", json!({ "userName": "a", "name": "A" }), "name"),
        (
            "/Users",
            json!({ "userName": "a", "emails": [{ "value": 5 }] }),
            "emails",
        ),
        (
            "/Users",
            json!({ "userName": "a", ENTERPRISE: { "department": [5, 6] } }),
            "department",
        ),
        ("/Groups", json!({ "schemas": [GROUP] }), "displayName"),
        (
            "/Groups",
            json!({ "displayName": "g", "members": [{ "display": "x" }] }),
            "members",
        ),
    ] {
        let answer = client.post(path, body).await;
        assert!(refused(&answer, 400, "invalidValue").contains(name), "{answer:?}");
    }
    for path in ["/Users", "/Groups"] {
        assert_eq!(client.get(path).await.body["totalResults"], 0);
    }
}

/// RFC 7644 §3.3.1: meta.resourceType is set by the service provider according to the endpoint.
#[tokio::test]
async fn create_sets_resource_type_by_endpoint() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    assert_eq!(user.body["meta"]["resourceType"], "User");
    let body = json!({ "displayName": "g", "meta": { "resourceType": "User" } });
    let group = client.post("/Groups", body).await.expect(201);
    assert_eq!(group.body["meta"]["resourceType"], "Group");
}

/// RFC 7644 §3.6: a successful DELETE is 204 without a body.
/// RFC 7644 §3.6: every operation on a deleted resource is 404.
/// RFC 7644 §3.6: a deleted resource is left out of future query results.
/// RFC 7644 §3.6: a deleted resource is not considered in conflict calculation: its userName may be used again.
#[tokio::test]
async fn delete_is_204_then_404_for_everything_and_the_name_is_free() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    let path = format!("/Users/{}", user.id());
    let deleted = client.delete(&path).await.expect(204);
    assert!(deleted.body.is_null());
    client.get(&path).await.scim_error(404);
    client
        .put(&path, json!({ "userName": "bjensen" }))
        .await
        .scim_error(404);
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    client.patch(&path, operations).await.scim_error(404);
    client.delete(&path).await.scim_error(404);
    assert!(users(&client, r#"userName eq "bjensen""#).await.is_empty());
    let again = client.user("bjensen").await;
    assert_ne!(again.id(), user.id());
    assert_eq!(users(&client, r#"userName eq "bjensen""#).await, ["bjensen"]);
}

/// RFC 7644 §3.6: a DELETE under an outdated version is 412 and deletes nothing.
#[tokio::test]
async fn delete_under_another_version_is_412() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    let path = format!("/Users/{}", user.id());
    let delete = |version: &str| send(client.request(Method::DELETE, &path).header("if-match", version));
    delete(r#"W/"7""#).await.scim_error(412);
    client.get(&path).await.expect(200);
    delete(user.header("etag")).await.expect(204);
    client.get(&path).await.scim_error(404);
}
