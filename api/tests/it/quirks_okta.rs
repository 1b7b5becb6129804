//! What Okta sends, literally.

use crate::app::{Answer, Client, TestApp};
use rollcall_shared::scim::schema::{GROUP, USER};
use serde_json::json;

async fn provisioned(client: &Client<'_>) -> Answer {
    let body = json!({
        "schemas": [USER],
        "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    });
    client.post("/Users", body).await.expect(201)
}

#[tokio::test]
async fn okta_lookup_by_user_name_answers_json_numbers() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let query = "/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100";
    let none = client.get(query).await.expect(200);
    let numbers = |answer: &Answer| {
        let number = |name: &str| answer.body[name].as_i64();
        (
            number("totalResults"),
            number("startIndex"),
            number("itemsPerPage"),
        )
    };
    assert_eq!(numbers(&none), (Some(0), Some(1), Some(0)));
    let made = provisioned(&client).await;
    let found = client.get(query).await.expect(200);
    assert_eq!(numbers(&found), (Some(1), Some(1), Some(1)));
    assert_eq!(found.body["Resources"][0]["id"], made.id());
}

#[tokio::test]
async fn okta_created_user_never_shows_its_password() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    assert!(made.body.get("password").is_none());
    let document = "select document::text from scim_resources where tenant_id = $1";
    let document: String = sqlx::query_scalar(document)
        .bind(client.tenant)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert!(!document.contains("1mz050nq") && !document.contains("password"));
}

#[tokio::test]
async fn okta_put_of_the_whole_user_with_groups_password_and_id_inside_replaces_it() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let path = format!("/Users/{}", made.id());
    let body = json!({
        "schemas": [USER],
        "id": made.id(),
        "userName": "test.user@okta.local",
        "name": {"givenName": "Another", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work", "display": "test.user@okta.local"}],
        "active": true,
        "groups": [],
        "password": "1mz050nq",
        "meta": {"resourceType": "User"},
    });
    let replaced = client.put(&path, body).await.expect(200);
    assert_eq!(replaced.id(), made.id());
    assert_eq!(replaced.body["name"]["givenName"], "Another");
    for gone in ["locale", "displayName", "externalId", "password", "groups"] {
        assert!(replaced.body.get(gone).is_none(), "{gone}");
    }
}

#[tokio::test]
async fn okta_deactivation_without_path_deactivates() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let answer = client
        .patch(&format!("/Users/{}", made.id()), off)
        .await
        .expect(200);
    assert_eq!(answer.body["active"], false);
    assert_eq!(answer.body["userName"], "test.user@okta.local");
}

#[tokio::test]
async fn okta_group_rename_that_carries_the_id_renames() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "schemas": [GROUP], "displayName": "Test SCIMv2", "members": [] });
    let group = client.post("/Groups", body).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    let rename =
        json!([{"op": "replace", "value": {"id": group.id(), "displayName": "Test SCIMv2 renamed"}}]);
    client.patch(&path, rename).await.expect(204);
    let read = client.get(&path).await.expect(200);
    assert_eq!(
        (read.id(), &read.body["displayName"]),
        (group.id(), &json!("Test SCIMv2 renamed"))
    );
}

#[tokio::test]
async fn okta_members_removed_by_filter_and_added_in_one_patch_are_exchanged() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, anna) = (
        client.user("jane@okta.local").await,
        client.user("anna@okta.local").await,
    );
    let members = json!([{"value": jane.id(), "display": "jane@okta.local"}]);
    let body = json!({ "schemas": [GROUP], "displayName": "Test SCIMv2", "members": members });
    let group = client.post("/Groups", body).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    let exchange = json!([
        {"op": "remove", "path": format!("members[value eq \"{}\"]", jane.id())},
        {"op": "add", "path": "members", "value": [{"value": anna.id(), "display": "anna@okta.local"}]},
    ]);
    client.patch(&path, exchange).await.expect(204);
    let read = client.get(&path).await.expect(200);
    assert_eq!(
        read.body["members"],
        json!([{"value": anna.id(), "display": "anna@okta.local"}])
    );
}

#[tokio::test]
async fn okta_put_of_a_group_with_a_member_renamed_since_is_taken() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let jane = client.user("jane@okta.local").await;
    let group = |display: &str| json!({ "schemas": [GROUP], "displayName": "Test SCIMv2", "members": [{"value": jane.id(), "display": display}] });
    let made = client.post("/Groups", group("jane@okta.local")).await.expect(201);
    let path = format!("/Groups/{}", made.id());
    client.put(&path, group("jane.doe@okta.local")).await.expect(200);
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.body["members"][0]["display"], "jane.doe@okta.local");
}
