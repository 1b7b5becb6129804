//! RFC 7643 §3: what every resource has.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, GROUP, USER, operation, user_with};
use serde_json::json;

/// RFC 7643 §3: schemas of a resource names its core schema and the extensions it has values of, and no others.
/// RFC 7643 §3.3: attributes of an extension stand in an object under the URN of the extension.
#[tokio::test]
async fn schemas_follow_the_extensions_that_have_values() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "schemas": [USER, ENTERPRISE], "userName": "a" });
    let path = user_with(&client, body).await;
    let schemas = async || client.get(&path).await.body["schemas"].take();
    assert_eq!(schemas().await, json!([USER]));
    let number = format!("{ENTERPRISE}:employeeNumber");
    let patched = client.patch(&path, operation("add", &number, json!("7"))).await;
    assert_eq!(
        patched.expect(200).body[ENTERPRISE],
        json!({ "employeeNumber": "7" })
    );
    assert_eq!(schemas().await, json!([USER, ENTERPRISE]));
    let remove = json!([{ "op": "remove", "path": number }]);
    client.patch(&path, remove).await.expect(200);
    assert_eq!(schemas().await, json!([USER]));
    let group = client
        .post("/Groups", json!({ "displayName": "g" }))
        .await
        .expect(201);
    assert_eq!(group.body["schemas"], json!([GROUP]));
}

/// RFC 7643 §3.1: id is a unique, non-empty identifier of the service provider, the same in every representation, and never reassigned.
/// RFC 7643 §3.1: the text bulkId is no part of an id.
#[tokio::test]
async fn id_is_unique_stable_and_not_reassigned() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let first = client.user("a").await;
    let path = format!("/Users/{}", first.id());
    let renamed = client.put(&path, json!({ "userName": "b" })).await.expect(200);
    assert_eq!(renamed.id(), first.id());
    let second = client.user("a").await;
    assert_ne!(second.id(), first.id());
    assert!(!first.id().is_empty() && !first.id().contains("bulkId"));
    client.delete(&path).await.expect(204);
    let body = json!({ "userName": "b", "id": first.id() });
    let third = client.post("/Users", body).await.expect(201);
    assert_ne!(third.id(), first.id());
}

/// RFC 7643 §3.1: externalId is the client's identifier, is case-exact and reads back as sent.
/// RFC 7643 §3.1: externalId is no replacement of id, and may be filtered by.
#[tokio::test]
async fn external_id_is_the_clients_and_case_exact() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let upper = user_with(&client, json!({ "userName": "a", "externalId": "ID-1" })).await;
    let lower = user_with(&client, json!({ "userName": "b", "externalId": "id-1" })).await;
    assert_eq!(client.get(&upper).await.body["externalId"], "ID-1");
    assert_eq!(client.get(&lower).await.body["externalId"], "id-1");
    assert_eq!(crate::rfc::users(&client, r#"externalId eq "ID-1""#).await, ["a"]);
}

/// RFC 7643 §3.1: meta.location is the same as the Content-Location of the answer.
#[tokio::test]
async fn location_of_a_representation_is_its_content_location() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = client.user("a").await;
    let path = format!("/Users/{}", created.id());
    let read = client.get(&path).await;
    let put = client.put(&path, json!({ "userName": "b" })).await;
    let patched = client
        .patch(&path, operation("add", "title", json!("Countess")))
        .await;
    for answer in [created, read, put, patched] {
        assert_eq!(answer.header("content-location"), answer.body["meta"]["location"]);
    }
    let group = client.post("/Groups", json!({ "displayName": "g" })).await;
    let change = operation("replace", "displayName", json!("h"));
    let without_body = client
        .patch(&format!("/Groups/{}", group.id()), change)
        .await
        .expect(204);
    assert_eq!(without_body.header("content-location"), "");
}

/// RFC 7643 §3.1: meta has resourceType, created, lastModified, location and version, all set by the service provider.
/// RFC 7643 §3.1: lastModified of a resource that never changed is created.
/// RFC 7643 §3.1: a change moves lastModified and version, and leaves created and location as they are.
#[tokio::test]
async fn meta_is_complete_and_follows_changes() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = client.user("a").await;
    let path = format!("/Users/{}", created.id());
    let before = &created.body["meta"];
    let mut names: Vec<&String> = before.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["created", "lastModified", "location", "resourceType", "version"]
    );
    assert_eq!(before["lastModified"], before["created"]);
    let patched = client.patch(&path, operation("add", "title", json!("t"))).await;
    let after = &patched.expect(200).body["meta"];
    assert_ne!(after["version"], before["version"]);
    assert!(after["lastModified"].as_str() > before["lastModified"].as_str());
    for same in ["created", "location", "resourceType"] {
        assert_eq!(after[same], before[same]);
    }
}

/// RFC 7643 §3.3: attributes of an extension no schema describes are kept and returned under its URN.
#[tokio::test]
async fn unknown_extension_is_kept_and_returned() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let custom = "urn:example:params:scim:schemas:extension:badge:2.0:User";
    let values = json!({ "Badge no": 5, "areas": ["lab", "roof"], "issued": { "by": "x" } });
    let body = json!({ "schemas": [USER, custom], "userName": "a", custom: values });
    let path = user_with(&client, body).await;
    let read = client.get(&path).await.expect(200).body;
    assert_eq!(read[custom], values);
    assert_eq!(read["schemas"], json!([USER, custom]));
    let replaced = client
        .put(&path, json!({ "userName": "a" }))
        .await
        .expect(200)
        .body;
    assert!(replaced.get(custom).is_none());
}
