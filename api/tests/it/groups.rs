use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn group_patched_is_204_unless_attributes_are_asked_for() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let group = client
        .post("/Groups", json!({ "displayName": "Sales" }))
        .await
        .expect(201);
    let path = format!("/Groups/{}", group.id());
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": jane.id() }] }]);
    let patched = client.patch(&path, add).await.expect(204);
    assert!(patched.body.is_null());
    assert!(!patched.txn().is_empty());
    assert_eq!(patched.header("etag"), r#"W/"2""#);
    let rename = json!([{ "op": "replace", "value": { "id": group.id(), "displayName": "Sales EMEA" } }]);
    let patched = client
        .patch(&format!("{path}?attributes=displayName"), rename)
        .await
        .expect(200);
    assert_eq!(patched.body["displayName"], "Sales EMEA");
    assert!(patched.body.get("members").is_none());
}

#[tokio::test]
async fn group_members_are_shown_on_both_sides_and_left_out_when_excluded() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let body = json!({ "displayName": "Sales", "members": [{ "value": jane.id() }, { "value": "later@example.com" }] });
    let group = client.post("/Groups", body).await.expect(201);
    assert_eq!(group.body["members"].as_array().map(Vec::len), Some(2));
    let path = format!("/Groups/{}", group.id());
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.body["members"].as_array().map(Vec::len), Some(2));
    let without = client
        .get(&format!("{path}?excludedAttributes=members"))
        .await
        .expect(200);
    assert!(without.body.get("members").is_none());
    let user = client.get(&format!("/Users/{}", jane.id())).await.expect(200);
    assert_eq!(user.body["groups"][0]["value"], group.id());
    assert_eq!(user.body["groups"][0]["display"], "Sales");

    let remove = json!([{ "op": "Remove", "path": "members", "value": [{ "value": jane.id() }] }]);
    client.patch(&path, remove).await.expect(204);
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.body["members"][0]["value"], "later@example.com");
    client
        .put(&path, json!({ "displayName": "Sales" }))
        .await
        .expect(200);
    assert_eq!(
        client.get(&path).await.body["members"].as_array().map(Vec::len),
        Some(1)
    );
    client
        .put(&path, json!({ "displayName": "Sales", "members": [] }))
        .await
        .expect(200);
    assert!(
        client
            .get(&path)
            .await
            .body
            .get("members")
            .is_none_or(|members| members == &json!([]))
    );
}

#[tokio::test]
async fn group_deleted_is_gone_from_its_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane").await;
    let group = client
        .post(
            "/Groups",
            json!({ "displayName": "Sales", "members": [{ "value": jane.id() }] }),
        )
        .await
        .expect(201);
    client
        .delete(&format!("/Groups/{}", group.id()))
        .await
        .expect(204);
    client
        .get(&format!("/Groups/{}", group.id()))
        .await
        .scim_error(404);
    let user = client.get(&format!("/Users/{}", jane.id())).await.expect(200);
    assert!(
        user.body.get("groups").is_none_or(|groups| groups == &json!([])),
        "{user:?}"
    );
    client
        .post("/Groups", json!({ "displayName": "sales" }))
        .await
        .expect(201);
}

#[tokio::test]
async fn group_patched_with_too_many_operations_on_all_members_is_400_and_unchanged() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let members = json!([{ "value": "a", "type": "User" }, { "value": "b", "type": "User" }]);
    let group = client
        .post("/Groups", json!({ "displayName": "big", "members": members }))
        .await
        .expect(201);
    let path = format!("/Groups/{}", group.id());
    let removal = json!({ "op": "remove", "path": "members[type eq \"User\"]" });
    let refused = client.patch(&path, json!(vec![removal.clone(); 17])).await;
    refused.scim_error(400);
    assert_eq!(refused.body["scimType"], "tooMany");
    assert_eq!(
        client.get(&path).await.body["members"].as_array().unwrap().len(),
        2
    );
    client.patch(&path, json!(vec![removal; 16])).await.expect(204);
}
