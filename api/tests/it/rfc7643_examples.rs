//! RFC 7643 §8: the resources of the RFC, literally.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, user_with};
use serde_json::{Value, json};

/// What reads back is what was sent, but for what the server assigns or owns.
#[track_caller]
fn reads_back(read: &Value, sent: &Value, owned: &[&str]) {
    for (name, value) in sent.as_object().unwrap() {
        if !owned.contains(&name.as_str()) {
            assert_eq!(&read[name], value, "{name}");
        }
    }
}

/// RFC 7643 §8.1: the minimal User of the RFC is created and reads back.
#[tokio::test]
async fn example_minimal_user() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "userName": "bjensen@example.com",
        "meta": {
            "resourceType": "User",
            "created": "2010-01-23T04:56:22Z",
            "lastModified": "2011-05-13T04:42:34Z",
            "version": "W/\"3694e05e9dff590\"",
            "location": "https://example.com/v2/Users/2819c223-7f76-453a-919d-413861904646"
        }
    });
    let path = user_with(&client, body.clone()).await;
    let read = client.get(&path).await.expect(200).body;
    reads_back(&read, &body, &["id", "meta"]);
    assert_ne!(read["meta"]["version"], body["meta"]["version"]);
}

fn full_user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "701984",
        "userName": "bjensen@example.com",
        "name": {
            "formatted": "Ms. Barbara J Jensen, III",
            "familyName": "Jensen",
            "givenName": "Barbara",
            "middleName": "Jane",
            "honorificPrefix": "Ms.",
            "honorificSuffix": "III"
        },
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "addresses": [
            {
                "streetAddress": "100 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "USA",
                "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
                "type": "work",
                "primary": true
            },
            {
                "streetAddress": "456 Hollywood Blvd",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "USA",
                "formatted": "456 Hollywood Blvd\nHollywood, CA 91608 USA",
                "type": "home"
            }
        ],
        "phoneNumbers": [
            { "value": "555-555-5555", "type": "work" },
            { "value": "555-555-4444", "type": "mobile" }
        ],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        "photos": [
            { "value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo" },
            { "value": "https://photos.example.com/profilephoto/72930000000Ccne/T", "type": "thumbnail" }
        ],
        "userType": "Employee",
        "title": "Tour Guide",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": true,
        "password": "t1meMa$heen",
        "groups": [
            {
                "value": "e9e30dba-f08f-4109-8486-d5c6a331660a",
                "$ref": "https://example.com/v2/Groups/e9e30dba-f08f-4109-8486-d5c6a331660a",
                "display": "Tour Guides"
            },
            {
                "value": "fc348aa8-3835-40eb-a20b-c726e15c55b5",
                "$ref": "https://example.com/v2/Groups/fc348aa8-3835-40eb-a20b-c726e15c55b5",
                "display": "Employees"
            },
            {
                "value": "71ddacd2-a8e7-49b8-a5db-ae50d0a5bfd7",
                "$ref": "https://example.com/v2/Groups/71ddacd2-a8e7-49b8-a5db-ae50d0a5bfd7",
                "display": "US Employees"
            }
        ],
        "x509Certificates": [{
            "value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMxEzARBgNVBAgMCkNhbGlmb3JuaWExFDASBgNVBAoMC2V4YW1wbGUuY29tMRQwEgYDVQQDDAtleGFtcGxlLmNvbQ=="
        }],
        "meta": {
            "resourceType": "User",
            "created": "2010-01-23T04:56:22Z",
            "lastModified": "2011-05-13T04:42:34Z",
            "version": "W/\"a330bc54f0671c9\"",
            "location": "https://example.com/v2/Users/2819c223-7f76-453a-919d-413861904646"
        }
    })
}

/// RFC 7643 §8.2: the full User of the RFC is created and reads back.
#[tokio::test]
async fn example_full_user() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = full_user();
    let path = user_with(&client, body.clone()).await;
    let read = client.get(&path).await.expect(200).body;
    reads_back(&read, &body, &["id", "meta", "password", "groups"]);
    assert!(read.get("groups").is_none() && read.get("password").is_none());
}

/// RFC 7643 §8.3: the enterprise User of the RFC is created and reads back.
#[tokio::test]
async fn example_enterprise_user() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let mut body = full_user();
    body["schemas"] = json!([
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    ]);
    body[ENTERPRISE] = json!({
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
        "manager": {
            "value": "26118915-6090-4610-87e4-49d8ca9f808d",
            "$ref": "../Users/26118915-6090-4610-87e4-49d8ca9f808d",
            "displayName": "John Smith"
        }
    });
    let path = user_with(&client, body.clone()).await;
    let read = client.get(&path).await.expect(200).body;
    reads_back(&read, &body, &["id", "meta", "password", "groups", ENTERPRISE]);
    let (extension, sent) = (&read[ENTERPRISE], &body[ENTERPRISE]);
    reads_back(extension, sent, &["manager"]);
    assert_eq!(extension["manager"]["value"], sent["manager"]["value"]);
}

/// RFC 7643 §8.4: the Group of the RFC is created and reads back with its members.
#[tokio::test]
async fn example_group() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "e9e30dba-f08f-4109-8486-d5c6a331660a",
        "displayName": "Tour Guides",
        "members": [
            {
                "value": "2819c223-7f76-453a-919d-413861904646",
                "$ref": "https://example.com/v2/Users/2819c223-7f76-453a-919d-413861904646",
                "display": "Babs Jensen"
            },
            {
                "value": "902c246b-6245-4190-8e05-00816be7344a",
                "$ref": "https://example.com/v2/Users/902c246b-6245-4190-8e05-00816be7344a",
                "display": "Mandy Pepperidge"
            }
        ],
        "meta": {
            "resourceType": "Group",
            "created": "2010-01-23T04:56:22Z",
            "lastModified": "2011-05-13T04:42:34Z",
            "version": "W/\"3694e05e9dff592\"",
            "location": "https://example.com/v2/Groups/e9e30dba-f08f-4109-8486-d5c6a331660a"
        }
    });
    let created = client.post("/Groups", body.clone()).await.expect(201);
    let mut read = client
        .get(&format!("/Groups/{}", created.id()))
        .await
        .expect(200)
        .body;
    let members = read["members"].as_array_mut().unwrap();
    members.sort_by_key(|member| member["value"].to_string());
    reads_back(&read, &body, &["id", "meta"]);
}

/// RFC 7643 §8.5: the configuration of this service provider has every attribute of the RFC's example but the optional documentationUri.
/// RFC 7643 §8.6: its resource types have every attribute of the RFC's examples.
#[tokio::test]
async fn example_configuration_and_resource_types() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200).body;
    for name in [
        "schemas",
        "patch",
        "bulk",
        "filter",
        "changePassword",
        "sort",
        "etag",
        "authenticationSchemes",
        "meta",
    ] {
        assert!(config.get(name).is_some(), "{name}");
    }
    let kinds = client.get("/ResourceTypes").await.expect(200).body;
    for kind in kinds["Resources"].as_array().unwrap() {
        for name in [
            "schemas",
            "id",
            "name",
            "endpoint",
            "description",
            "schema",
            "schemaExtensions",
            "meta",
        ] {
            assert!(kind.get(name).is_some(), "{name}");
        }
    }
}
