//! RFC 7643 §4: User, Group and the enterprise extension.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, GROUP, get_with, group_with, operation, refused, user_with};
use serde_json::{Value, json};

fn every_user_attribute() -> Value {
    let values = |value: &str| json!([{ "value": value, "display": "d", "type": "work", "primary": true }]);
    json!({
        "userName": "bjensen", "displayName": "Babs", "nickName": "Babs", "profileUrl": "https://example.com/babs",
        "title": "Guide", "userType": "Employee", "preferredLanguage": "en-US,en;q=0.7", "locale": "en-US",
        "timezone": "America/Los_Angeles", "active": true, "externalId": "701984",
        "name": {
            "formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara",
            "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III",
        },
        "emails": values("bjensen@example.com"), "phoneNumbers": values("tel:+1-201-555-0123"), "ims": values("x"),
        "photos": values("https://example.com/p.jpg"), "entitlements": values("e"), "roles": values("r"),
        "x509Certificates": values("MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"),
        "addresses": [{
            "type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "region": "CA",
            "postalCode": "91608", "country": "US", "formatted": "100 Universal City Plaza", "primary": true,
        }],
        ENTERPRISE: {
            "employeeNumber": "701984", "costCenter": "4130", "organization": "Universal Studios",
            "division": "Theme Park", "department": "Tour Operations", "manager": { "value": "m" },
        },
    })
}

/// RFC 7643 §4.1.1: every single-valued attribute of a User is kept and read back as sent.
/// RFC 7643 §4.1.2: every multi-valued attribute of a User is kept and read back as sent.
/// RFC 7643 §4.3: every attribute of the enterprise extension is kept and read back as sent.
#[tokio::test]
async fn user_with_every_attribute_reads_back_as_sent() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = every_user_attribute();
    let path = user_with(&client, body.clone()).await;
    let read = client.get(&path).await.expect(200).body;
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
}

/// RFC 7643 §4.1: every attribute a User schema advertises as readWrite is one the server keeps.
#[tokio::test]
async fn user_attributes_advertised_are_those_of_the_rfc() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let sent = every_user_attribute();
    for urn in ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE] {
        let schema = client.get(&format!("/Schemas/{urn}")).await.expect(200).body;
        let holder = sent.get(urn).unwrap_or(&sent);
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            let writable = attribute["mutability"] == "readWrite";
            assert_eq!(writable, holder.get(name).is_some(), "{name}");
        }
    }
}

/// RFC 7643 §4.1.1: userName is required and unique without regard to case.
#[tokio::test]
async fn user_name_is_required_and_unique() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for body in [
        json!({ "displayName": "x" }),
        json!({ "userName": "" }),
        json!({ "userName": "  " }),
    ] {
        let answer = client.post("/Users", body).await;
        assert!(refused(&answer, 400, "invalidValue").contains("userName"));
    }
    client.user("bjensen").await;
    let answer = client.post("/Users", json!({ "userName": "BJensen" })).await;
    refused(&answer, 409, "uniqueness");
}

/// RFC 7643 §4.1.1: password is write-only: accepted in POST, PUT and PATCH and never returned, whatever is asked for.
/// RFC 7643 §2.2: an attribute with returned never is in no representation.
#[tokio::test]
async fn password_is_accepted_and_never_returned() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "a", "password": "t1meMa$heen" });
    let created = client.post("/Users", body.clone()).await.expect(201);
    let path = format!("/Users/{}", created.id());
    let replaced = client.put(&path, body).await.expect(200);
    let patched = client
        .patch(&path, operation("replace", "password", json!("t1meMa$heen")))
        .await
        .expect(200);
    let asked = get_with(&client, &path, &[("attributes", "password")])
        .await
        .expect(200);
    let listed = client.get("/Users").await.expect(200);
    for answer in [created, replaced, patched, asked, listed] {
        let text = answer.body.to_string();
        assert!(!text.contains("password") && !text.contains("t1meMa"), "{text}");
    }
    let stored: i64 =
        sqlx::query_scalar("select count(*) from scim_resources where document::text like '%t1meMa%'")
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert_eq!(stored, 0);
}

/// RFC 7643 §4.1.2: groups of a User is read-only and follows from the members of Groups, with type direct.
/// RFC 7643 §4.2: the member of a Group names a User by its id.
#[tokio::test]
async fn groups_of_a_user_follow_from_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    let path = format!("/Users/{}", user.id());
    let group = group_with(&client, "Tour Guides", &[user.id()]).await;
    let groups = async || client.get(&path).await.body["groups"].take();
    let id = group.rsplit_once('/').unwrap().1;
    let reference = format!("{}/scim/v2{group}", app.url);
    assert_eq!(
        groups().await,
        json!([{ "value": id, "$ref": reference, "display": "Tour Guides", "type": "direct" }])
    );
    let answer = client
        .patch(&path, operation("add", "groups", json!([{ "value": id }])))
        .await;
    refused(&answer, 400, "mutability");
    client.delete(&group).await.expect(204);
    assert!(groups().await.is_null());
}

/// RFC 7643 §4.2: a Group has a required displayName and members with value, $ref and type, which read back.
#[tokio::test]
async fn group_has_a_display_name_and_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let answer = client
        .post("/Groups", json!({ "schemas": [GROUP], "members": [] }))
        .await;
    assert!(refused(&answer, 400, "invalidValue").contains("displayName"));
    let members = json!([
        { "value": "2819c223-7f76-453a-919d-413861904646", "$ref": "https://example.com/v2/Users/2819c223", "display": "Babs Jensen" },
        { "value": "e9e30dba-f08f-4109-8486-d5c6a331660a", "type": "Group", "display": "Tours" },
    ]);
    let body = json!({ "schemas": [GROUP], "displayName": "Tour Guides", "members": members });
    let created = client.post("/Groups", body).await.expect(201);
    let read = client.get(&format!("/Groups/{}", created.id())).await.expect(200);
    let mut found = read.body["members"].as_array().unwrap().clone();
    found.sort_by_key(|member| member["value"].to_string());
    for (found, sent) in found.iter().zip(members.as_array().unwrap()) {
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&found[name], value, "{name}");
        }
    }
}

/// RFC 7643 §4.3: manager.value is kept as sent, manager.displayName is read-only and dropped when a client sends it.
#[tokio::test]
async fn manager_value_reads_back_and_its_display_name_is_the_servers() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let manager = json!({ "value": "26118915-6090-4610-87e4-49d8ca9f808d", "displayName": "John Smith" });
    let body = json!({ "userName": "a", ENTERPRISE: { "manager": manager } });
    let path = user_with(&client, body).await;
    let read = client.get(&path).await.expect(200).body;
    let read = &read[ENTERPRISE]["manager"];
    assert_eq!(read["value"], manager["value"]);
    assert!(read.get("displayName").is_none());
    let answer = client
        .patch(
            &path,
            operation(
                "replace",
                &format!("{ENTERPRISE}:manager.displayName"),
                json!("x"),
            ),
        )
        .await;
    refused(&answer, 400, "mutability");
}
