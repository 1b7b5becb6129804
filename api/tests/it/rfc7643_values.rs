//! RFC 7643 §2: names, characteristics and types of attributes.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, USER, operation, refused, user_with, users};
use serde_json::json;

/// RFC 7643 §2.1: attribute names are case-insensitive, and representations have the names of the schema.
#[tokio::test]
async fn attribute_names_in_any_case_read_back_as_the_schema_spells_them() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "USERNAME": "a", "Name": { "FAMILYname": "F" }, "eMails": [{ "VALUE": "a@example.com", "Type": "work" }],
        ENTERPRISE.to_uppercase().replace("URN", "urn"): { "Department": "D" },
    });
    let created = client.post("/Users", body).await.expect(201).body;
    assert_eq!(created["userName"], "a");
    assert_eq!(created["name"], json!({ "familyName": "F" }));
    assert_eq!(
        created["emails"],
        json!([{ "value": "a@example.com", "type": "work" }])
    );
    assert_eq!(created[ENTERPRISE], json!({ "department": "D" }));
}

/// RFC 7643 §2.2: uniqueness server is kept for all resources of the tenant, without case where the attribute is not caseExact.
/// RFC 7644 §5: strings that differ only in Unicode normalisation are the same userName.
#[tokio::test]
async fn unique_values_are_compared_without_case_and_normalised() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("J\u{fc}rgen").await;
    for same in ["J\u{fc}rgen", "j\u{fc}rgen", "J\u{dc}RGEN", "Ju\u{308}rgen"] {
        let answer = client.post("/Users", json!({ "userName": same })).await;
        refused(&answer, 409, "uniqueness");
    }
    client.user("Jurgen").await;
}

/// RFC 7643 §2.3.1: a string is a sequence of Unicode characters and reads back unchanged.
#[tokio::test]
async fn strings_read_back_unchanged() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let texts = json!({
        "userName": "a", "displayName": "  two  spaces ", "title": "\u{202e}\u{1f6b2}é\u{301}", "nickName": "\"\\/\t\n",
    });
    let path = user_with(&client, texts.clone()).await;
    let read = client.get(&path).await.expect(200).body;
    for name in ["displayName", "title", "nickName"] {
        assert_eq!(read[name], texts[name]);
    }
}

/// RFC 7643 §2.3.2: a boolean is true or false; another value is refused.
#[tokio::test]
async fn boolean_of_another_type_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for value in [json!(true), json!(false)] {
        let body = json!({ "userName": value.to_string(), "active": value });
        assert_eq!(
            client.post("/Users", body).await.expect(201).body["active"],
            value
        );
    }
    for value in [json!(1), json!("yes"), json!({}), json!([true, false])] {
        let body = json!({ "userName": "a", "active": value });
        let answer = client.post("/Users", body).await;
        if value == json!({}) {
            // An object without attributes is no value: see §2.5.
            continue;
        }
        assert!(
            refused(&answer, 400, "invalidValue").contains("active"),
            "{value}"
        );
    }
}

/// RFC 7643 §2.3.3: numbers in attributes no schema describes keep their JSON type, decimals with their fraction.
/// RFC 7643 §2.3.4: integers keep their value.
#[tokio::test]
async fn numbers_keep_type_and_value() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let custom = "urn:example:params:scim:schemas:extension:numbers:2.0:User";
    let numbers = json!({ "decimal": 1.25, "integer": 9_007_199_254_740_993_i64, "negative": -3, "zero": 0 });
    let path = user_with(&client, json!({ "userName": "a", custom: numbers })).await;
    let read = client.get(&path).await.expect(200).body;
    assert_eq!(read[custom], numbers);
    assert!(read["schemas"].as_array().unwrap().contains(&json!(custom)));
}

/// RFC 7643 §2.3.5: dates are RFC 3339 date-times, as in meta.created and meta.lastModified.
#[tokio::test]
async fn dates_are_rfc_3339() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await.body;
    for name in ["created", "lastModified"] {
        let text = user["meta"][name].as_str().unwrap();
        assert!(text.contains('T'));
        chrono::DateTime::parse_from_rfc3339(text).unwrap();
    }
}

/// RFC 7643 §2.3.6: a binary value is base64; another text is refused with a strict token.
#[tokio::test]
async fn binary_that_is_no_base64_is_400() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let user = |name: &str, value: &str| json!({ "schemas": [USER], "userName": name, "x509Certificates": [{ "value": value }] });
    for (index, value) in ["", "TQ==", "TWE=", "TWFu", "+/+/"].into_iter().enumerate() {
        client
            .post("/Users", user(&index.to_string(), value))
            .await
            .expect(201);
    }
    for value in ["not base64!", "TWF", "T===", "TW=u"] {
        let answer = client.post("/Users", user("a", value)).await;
        assert!(
            refused(&answer, 400, "invalidValue").contains("x509Certificates"),
            "{value}"
        );
    }
}

/// RFC 7643 §2.3.7: a reference in a resource is the URI of a resource that can be read.
#[tokio::test]
async fn references_are_urls_that_can_be_read() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    let body = json!({ "displayName": "g", "members": [{ "value": user.id() }] });
    let group = client.post("/Groups", body).await.expect(201);
    let read = client.get(&format!("/Users/{}", user.id())).await.expect(200);
    let reference = read.body["groups"][0]["$ref"].as_str().unwrap();
    let found = crate::app::send(app.http.get(reference).bearer_auth(&client.secret)).await;
    assert_eq!(found.expect(200).id(), group.id());
}

/// RFC 7643 §2.3.8: a complex attribute is an object of its sub-attributes; anything else is refused.
#[tokio::test]
async fn complex_attribute_of_another_type_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for value in [
        json!("Jensen"),
        json!(5),
        json!([{ "familyName": "a" }, { "familyName": "b" }]),
    ] {
        let body = json!({ "userName": "a", "name": value });
        let answer = client.post("/Users", body).await;
        assert!(refused(&answer, 400, "invalidValue").contains("name"), "{value}");
    }
}

/// RFC 7643 §2.4: a value may have type, primary, display and value, and the types a client uses need not be canonical.
/// RFC 7643 §2.4: primary is true for one value at most.
#[tokio::test]
async fn multi_valued_attribute_has_one_primary_at_most() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let emails = json!([
        { "type": "work", "primary": true, "display": "A", "value": "a@example.com" },
        { "type": "yacht", "value": "b@example.com" },
    ]);
    let path = user_with(&client, json!({ "userName": "a", "emails": emails })).await;
    assert_eq!(client.get(&path).await.body["emails"], emails);
    let emails = json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }]);
    let answer = client
        .post("/Users", json!({ "userName": "b", "emails": emails }))
        .await;
    assert!(refused(&answer, 400, "invalidValue").contains("emails"));
}

/// RFC 7643 §2.5: an attribute that is null or an empty array is unassigned, and is not part of the representation.
/// RFC 7643 §2.5: assigning null or an empty array to an attribute unassigns it.
#[tokio::test]
async fn null_and_empty_are_unassigned() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "a", "title": null, "emails": [], "name": {}, "roles": [null], "photos": [{}],
        "addresses": [{ "country": null }], ENTERPRISE: { "department": null },
    });
    let created = client.post("/Users", body).await.expect(201).body;
    let mut keys: Vec<&String> = created.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["id", "meta", "schemas", "userName"]);
    let path = user_with(
        &client,
        json!({ "userName": "b", "title": "t", "emails": [{ "value": "b@example.com" }] }),
    )
    .await;
    client
        .patch(&path, operation("replace", "title", json!(null)))
        .await
        .expect(200);
    client
        .patch(&path, operation("replace", "emails", json!([])))
        .await
        .expect(200);
    let read = client.get(&path).await.body;
    assert!(read.get("title").is_none() && read.get("emails").is_none());
    assert!(users(&client, "title pr or emails pr").await.is_empty());
    assert_eq!(users(&client, "not (title pr)").await, ["a", "b"]);
}

/// RFC 7643 §2.4: a value of a multi-valued attribute that is sent twice is returned once.
#[tokio::test]
async fn value_sent_twice_is_returned_once() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let emails = json!([
        {"value": "a@example.com", "type": "work"},
        {"type": "work", "value": "a@example.com"},
        {"value": "a@example.com", "type": "home"},
        {"value": "b@example.com", "type": "work"},
    ]);
    let once = json!([emails[0], emails[2], emails[3]]);
    let made = client
        .post("/Users", json!({ "userName": "anna", "emails": emails }))
        .await
        .expect(201);
    assert_eq!(made.body["emails"], once);
    let path = format!("/Users/{}", made.id());
    let put = json!({ "userName": "anna", "emails": emails });
    assert_eq!(client.put(&path, put).await.expect(200).body["emails"], once);
    for op in ["replace", "add"] {
        let operation = json!([{"op": op, "path": "emails", "value": emails}]);
        let patched = client.patch(&path, operation).await.expect(200);
        assert_eq!(patched.body["emails"], once, "{op}");
    }
    assert_eq!(client.get(&path).await.expect(200).header("etag"), r#"W/"1""#);
}
