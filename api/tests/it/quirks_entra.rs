//! What Microsoft Entra ID sends, literally.

use crate::app::{Answer, Client, TestApp};
use rollcall_shared::scim::schema::{ENTERPRISE_USER, GROUP, USER};
use serde_json::json;

/// The user that Entra creates by its default mapping.
async fn provisioned(client: &Client<'_>) -> Answer {
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER],
        "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
        "userName": "Test_User_dfeef4c5-5681-4387-b016-bdf221e82081@testuser.com",
        "active": true,
        "displayName": "lennay",
        "emails": [{"primary": true, "type": "work", "value": "Test_User_11bb11bb-cc22-dd33-ee44-55ff55ff55ff@testuser.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [],
    });
    client.post("/Users", body).await.expect(201)
}

#[tokio::test]
async fn entra_test_connection_with_a_random_user_name_is_200_and_an_empty_list() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let path = "/Users?filter=userName+eq+%22dfeef4c5-5681-4387-b016-bdf221e82081%22";
    let answer = client.get(path).await.expect(200);
    assert_eq!(answer.body["totalResults"], 0);
    assert_eq!(answer.body["Resources"], json!([]));
    assert_eq!(answer.body["startIndex"], 1);
}

#[tokio::test]
async fn entra_user_with_an_empty_array_reads_back_unchanged() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let read = client.get(&format!("/Users/{}", made.id())).await.expect(200);
    for (name, value) in [
        ("externalId", json!("58342554-38d6-4ec8-948c-50044d0a33fd")),
        (
            "userName",
            json!("Test_User_dfeef4c5-5681-4387-b016-bdf221e82081@testuser.com"),
        ),
        ("active", json!(true)),
        ("displayName", json!("lennay")),
        (
            "name",
            json!({"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"}),
        ),
    ] {
        assert_eq!(read.body[name], value, "{name}");
    }
    assert!(read.body.get("roles").is_none());
}

#[tokio::test]
async fn entra_user_with_nulls_and_an_unknown_extension_is_created() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let custom = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User";
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER, custom, "urn:ietf:params:scim:schemas:extension:unused:2.0:User"],
        "externalId": "1", "userName": "bjensen@testuser.com", "active": true, "displayName": null,
        "title": null, "emails": [], "phoneNumbers": null, "name": {"givenName": null, "familyName": "Jensen"},
        custom: {"tag": "701984"},
        ENTERPRISE_USER: {"department": null, "manager": null},
    });
    let made = client.post("/Users", body).await.expect(201);
    assert_eq!(made.body[custom], json!({"tag": "701984"}));
    assert_eq!(made.body["name"], json!({"familyName": "Jensen"}));
    for unassigned in ["displayName", "title", "emails", "phoneNumbers", ENTERPRISE_USER] {
        assert!(made.body.get(unassigned).is_none(), "{unassigned}");
    }
}

#[tokio::test]
async fn entra_operations_in_title_case_are_taken() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let operations = json!([
        {"op": "Replace", "path": "displayName", "value": "Jane"},
        {"op": "Add", "path": "title", "value": "Lead"},
        {"op": "Remove", "path": "name.formatted"},
    ]);
    let answer = client
        .patch(&format!("/Users/{}", made.id()), operations)
        .await
        .expect(200);
    assert_eq!(
        (&answer.body["displayName"], &answer.body["title"]),
        (&json!("Jane"), &json!("Lead"))
    );
    assert!(answer.body["name"].get("formatted").is_none());
}

#[tokio::test]
async fn entra_disabling_with_a_boolean_as_text_deactivates_and_deletes_much_later() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let path = format!("/Users/{}", made.id());
    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let answer = client.patch(&path, off).await.expect(200);
    assert_eq!(answer.body["active"], false);
    let on = json!([{"op": "Add", "path": "active", "value": "True"}]);
    let answer = client.patch(&path, on).await.expect(200);
    assert_eq!(answer.body["active"], true);
    client.delete(&path).await.expect(204);
    client.get(&path).await.scim_error(404);
}

#[tokio::test]
async fn entra_value_path_on_an_absent_element_creates_it() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let operations = json!([
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555"},
        {"op": "Replace", "path": "emails[type eq \"home\"].value", "value": "home@example.com"},
        {"op": "Replace", "path": "addresses[type eq \"work\"].locality", "value": "Oslo"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "User"},
    ]);
    let answer = client
        .patch(&format!("/Users/{}", made.id()), operations)
        .await
        .expect(200);
    assert_eq!(
        answer.body["phoneNumbers"],
        json!([{"type": "mobile", "value": "+1 555"}])
    );
    assert_eq!(
        answer.body["emails"][1],
        json!({"type": "home", "value": "home@example.com"})
    );
    assert_eq!(
        answer.body["addresses"],
        json!([{"type": "work", "locality": "Oslo"}])
    );
    assert_eq!(answer.body["roles"], json!([{"primary": true, "value": "User"}]));
}

#[tokio::test]
async fn entra_dotted_and_urn_keys_in_a_value_object_are_paths() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let operations = json!([{"op": "Replace", "value": {
        "displayName": "Anna",
        "name.givenName": "Anna",
        "name.familyName": "Ö",
        "emails[type eq \"work\"].value": "anna@example.com",
        format!("{ENTERPRISE_USER}:employeeNumber"): "701984",
        format!("{ENTERPRISE_USER}:department"): "Sales",
    }}]);
    let answer = client
        .patch(&format!("/Users/{}", made.id()), operations)
        .await
        .expect(200);
    assert_eq!(answer.body["name"]["givenName"], "Anna");
    assert_eq!(answer.body["name"]["familyName"], "Ö");
    assert_eq!(answer.body["emails"][0]["value"], "anna@example.com");
    let extension = json!({"employeeNumber": "701984", "department": "Sales"});
    assert_eq!(answer.body[ENTERPRISE_USER], extension);
}

#[tokio::test]
async fn entra_manager_as_text_object_or_array_of_one_is_the_manager() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let path = format!("/Users/{}", made.id());
    let at = format!("{ENTERPRISE_USER}:manager");
    for value in [
        json!("boss-1"),
        json!({"value": "boss-2"}),
        json!([{"value": "boss-3"}]),
        json!([{"$ref": "boss-4", "value": "boss-4"}]),
    ] {
        let operations = json!([{"op": "Add", "path": at, "value": value}]);
        let answer = client.patch(&path, operations).await.expect(200);
        let wanted = value
            .as_str()
            .or(value["value"].as_str())
            .or(value[0]["value"].as_str());
        assert_eq!(answer.body[ENTERPRISE_USER]["manager"]["value"].as_str(), wanted);
    }
    let removed = json!([{"op": "Remove", "path": at}]);
    let answer = client.patch(&path, removed).await.expect(200);
    assert!(answer.body.get(ENTERPRISE_USER).is_none());
}

#[tokio::test]
async fn entra_filters_find_by_name_by_unquoted_external_id_by_email_and_by_id_and_manager() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = provisioned(&client).await;
    let path = format!("/Users/{}", made.id());
    let manager = json!([{"op": "Add", "path": format!("{ENTERPRISE_USER}:manager"), "value": "boss-1"}]);
    client.patch(&path, manager).await.expect(200);
    for filter in [
        r#"userName eq "test_user_DFEEF4C5-5681-4387-b016-bdf221e82081@testuser.com""#.to_owned(),
        r#"externalId eq "58342554-38d6-4ec8-948c-50044d0a33fd""#.to_owned(),
        "externalId eq 58342554-38d6-4ec8-948c-50044d0a33fd".to_owned(),
        r#"emails[type eq "work"].value eq "Test_User_11bb11bb-cc22-dd33-ee44-55ff55ff55ff@testuser.com""#
            .to_owned(),
        format!(r#"id eq "{}" and manager eq "boss-1""#, made.id()),
    ] {
        let answer = client.find("/Users", &filter).await.expect(200);
        assert_eq!(answer.body["totalResults"], 1, "{filter}");
        assert_eq!(answer.body["Resources"][0]["id"], made.id());
    }
    let other = format!(r#"id eq "{}" and manager eq "boss-2""#, made.id());
    assert_eq!(client.find("/Users", &other).await.body["totalResults"], 0);
}

#[tokio::test]
async fn entra_group_is_found_by_name_without_members_and_patched_with_204() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, anna) = (client.user("jane").await, client.user("anna").await);
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "displayName",
        "meta": {"resourceType": "Group"},
    });
    let group = client.post("/Groups", body).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": jane.id()}, {"$ref": null, "value": anna.id()}]}]);
    let answer = client.patch(&path, add).await.expect(204);
    assert!(answer.body.is_null());
    let query = "/Groups?excludedAttributes=members&filter=displayName+eq+%22DisplayName%22";
    let found = client.get(query).await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
    assert_eq!(found.body["Resources"][0]["id"], group.id());
    assert!(found.body["Resources"][0].get("members").is_none());
    let rename = json!([{"op": "Replace", "path": "displayName", "value": "1879db59-3bdf-4490-ad68-ab880a269474updatedDisplayName"}]);
    client.patch(&path, rename).await.expect(204);
}

#[tokio::test]
async fn entra_remove_of_members_with_values_removes_only_those() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, anna) = (client.user("jane").await, client.user("anna").await);
    let members = json!([{"value": jane.id()}, {"value": anna.id()}]);
    let group = client
        .post("/Groups", json!({ "displayName": "Sales", "members": members }))
        .await
        .expect(201);
    let path = format!("/Groups/{}", group.id());
    let remove = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": jane.id()}]}]);
    client.patch(&path, remove.clone()).await.expect(204);
    client.patch(&path, remove).await.expect(204);
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.body["members"], json!([{"value": anna.id()}]));
    let last = json!([{"op": "Remove", "path": format!("members[value eq \"{}\"]", anna.id())}]);
    client.patch(&path, last).await.expect(204);
    assert!(client.get(&path).await.body.get("members").is_none());
}
