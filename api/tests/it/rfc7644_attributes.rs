//! RFC 7644 §3.9 and §3.10: which attributes are answered, and how they are named.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, get_with, refused, user_with};
use serde_json::json;

/// RFC 7644 §3.9: attributes returns the minimum set and what is named; excludedAttributes the default set without what is named.
/// RFC 7644 §3.9: excludedAttributes has no effect on attributes that are always returned.
/// RFC 7644 §3.9: the two parameters exclude each other.
#[tokio::test]
async fn attributes_and_excluded_attributes_of_every_read() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "a", "title": "t", "name": { "familyName": "F", "givenName": "G" },
        "emails": [{ "value": "a@example.com", "type": "work" }], ENTERPRISE: { "department": "D", "costCenter": "C" },
    });
    let user = user_with(&client, body).await;
    let chosen = format!("USERNAME,name.familyName,emails.value,{ENTERPRISE}:department");
    for read in [
        get_with(&client, &user, &[("attributes", &chosen)]).await.body,
        get_with(&client, "/Users", &[("attributes", &chosen)]).await.body["Resources"][0].take(),
    ] {
        let mut keys: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let mut wanted = ["schemas", "id", "userName", "name", "emails", ENTERPRISE];
        wanted.sort_unstable();
        assert_eq!(keys, wanted);
        assert_eq!(read["name"], json!({ "familyName": "F" }));
        assert_eq!(read["emails"], json!([{ "value": "a@example.com" }]));
        assert_eq!(read[ENTERPRISE], json!({ "department": "D" }));
    }
    let excluded = format!("id,schemas,title,name.familyName,{ENTERPRISE}:costCenter,meta");
    let read = get_with(&client, &user, &[("excludedAttributes", &excluded)])
        .await
        .expect(200)
        .body;
    assert!(read.get("id").is_some() && read.get("schemas").is_some() && read.get("userName").is_some());
    assert!(read.get("title").is_none() && read.get("meta").is_none());
    assert_eq!(read["name"], json!({ "givenName": "G" }));
    assert_eq!(read[ENTERPRISE], json!({ "department": "D" }));
    let both = [("attributes", "userName"), ("excludedAttributes", "title")];
    refused(&get_with(&client, &user, &both).await, 400, "invalidValue");
}

/// RFC 7644 §3.9: attributes and excludedAttributes shape the answers of POST, PUT and PATCH too.
#[tokio::test]
async fn attributes_of_every_write() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "a", "title": "t" });
    let created = client.post("/Users?attributes=title", body.clone()).await;
    let created = created.expect(201);
    let path = format!("/Users/{}?attributes=title", created.id());
    let replaced = client.put(&path, body).await.expect(200);
    let operations = json!([{ "op": "replace", "path": "title", "value": "u" }]);
    let patched = client.patch(&path, operations).await.expect(200);
    for (answer, title) in [(&created, "t"), (&replaced, "t"), (&patched, "u")] {
        assert_eq!(answer.body["title"], title);
        assert!(answer.body.get("userName").is_none() && answer.body.get("meta").is_none());
    }
}

/// RFC 7644 §3.10: attributes are named with the URN of their schema, a sub-attribute after a dot, and names are compared without case.
/// RFC 7644 §3.10: the URN of the core schema may be left out.
#[tokio::test]
async fn attribute_notation_with_and_without_urn() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body =
        json!({ "userName": "a", "name": { "givenName": "G" }, ENTERPRISE: { "manager": { "value": "m" } } });
    let user = user_with(&client, body).await;
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (name, pointer) in [
        ("name.givenName".to_owned(), "/name/givenName".to_owned()),
        (format!("{core}:name.givenName"), "/name/givenName".to_owned()),
        ("NAME.GIVENNAME".to_owned(), "/name/givenName".to_owned()),
        (
            format!("{ENTERPRISE}:manager.value"),
            format!("/{ENTERPRISE}/manager/value"),
        ),
        (
            format!("{ENTERPRISE}:manager"),
            format!("/{ENTERPRISE}/manager/value"),
        ),
        (ENTERPRISE.to_owned(), format!("/{ENTERPRISE}/manager/value")),
    ] {
        let read = get_with(&client, &user, &[("attributes", &name)])
            .await
            .expect(200);
        assert!(read.body.pointer(&pointer).is_some(), "{name}: {read:?}");
    }
}
