//! RFC 7644 §3.5.2.1: the operation add.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, group_with, members, operation, refused, user_with};
use serde_json::json;

/// RFC 7644 §3.5.2.1: the example of the RFC adds a member to a group.
#[tokio::test]
async fn patch_add_example_of_a_member() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "Employees", &["other"]).await;
    let operations = json!([
        {
            "op": "add",
            "path": "members",
            "value": [
                {
                    "display": "Babs Jensen",
                    "$ref": "https://example.com/v2/Users/2819c223...413861904646",
                    "value": "2819c223-7f76-453a-919d-413861904646"
                }
            ]
        }
    ]);
    client.patch(&group, operations).await.expect(204);
    assert_eq!(
        members(&client, &group).await,
        ["2819c223-7f76-453a-919d-413861904646", "other"]
    );
}

/// RFC 7644 §3.5.2.1: the example of the RFC adds several attributes without a path.
/// RFC 7644 §3.5.2.1: without a path the value is a set of attributes to be added to the resource.
#[tokio::test]
async fn patch_add_example_without_path() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "bjensen", "title": "t" })).await;
    let operations = json!([{
        "op": "add",
        "value": {
            "emails": [
                {
                    "value": "babs@jensen.org",
                    "type": "home"
                }
            ],
            "nickname": "Babs"
        }
    }]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(
        patched["emails"],
        json!([{ "value": "babs@jensen.org", "type": "home" }])
    );
    assert_eq!(patched["nickName"], "Babs");
    assert_eq!(patched["title"], "t");
}

/// RFC 7644 §3.5.2.1: an attribute that does not exist is added with the new value.
/// RFC 7644 §3.5.2.1: the value of a single-valued attribute that exists is replaced.
/// RFC 7644 §3.5.2.1: a value is added to those a multi-valued attribute has.
/// RFC 7644 §3.5.2.1: the sub-attributes of a complex attribute are added to those it has.
#[tokio::test]
async fn patch_add_by_kind_of_target() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "a", "title": "old", "name": { "familyName": "F", "givenName": "G" },
        "emails": [{ "type": "work", "value": "a@example.com" }],
    });
    let user = user_with(&client, body).await;
    let operations = json!([
        { "op": "add", "path": "nickName", "value": "new" },
        { "op": "add", "path": "title", "value": "replaced" },
        { "op": "add", "path": "emails", "value": [{ "type": "home", "value": "b@example.com" }] },
        { "op": "add", "path": "name", "value": { "givenName": "H", "middleName": "M" } },
        { "op": "add", "path": ENTERPRISE, "value": { "department": "Sales" } },
    ]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(patched["nickName"], "new");
    assert_eq!(patched["title"], "replaced");
    assert_eq!(
        patched["emails"],
        json!([{ "type": "work", "value": "a@example.com" }, { "type": "home", "value": "b@example.com" }])
    );
    assert_eq!(
        patched["name"],
        json!({ "familyName": "F", "givenName": "H", "middleName": "M" })
    );
    assert_eq!(patched[ENTERPRISE], json!({ "department": "Sales" }));
    assert_eq!(
        patched["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE])
    );
}

/// RFC 7644 §3.5.2.1: adding a value that is already there changes nothing, neither the version nor the time of modification.
#[tokio::test]
async fn patch_add_of_what_is_there_keeps_version_and_last_modified() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body =
        json!({ "userName": "a", "title": "t", "emails": [{ "type": "work", "value": "a@example.com" }] });
    let user = user_with(&client, body).await;
    let before = client.get(&user).await.expect(200).body;
    let operations = json!([
        { "op": "add", "path": "title", "value": "t" },
        { "op": "add", "path": "emails", "value": [{ "type": "work", "value": "a@example.com" }] },
        { "op": "add", "value": { "userName": "a" } },
    ]);
    let patched = client.patch(&user, operations).await.expect(200);
    assert_eq!(patched.body, before);
    let group = group_with(&client, "g", &["a"]).await;
    let before = client.get(&group).await.expect(200).body;
    let patched = client
        .patch(&group, operation("add", "members", json!([{ "value": "a" }])))
        .await;
    patched.expect(204);
    assert_eq!(client.get(&group).await.body, before);
}

/// RFC 7644 §3.5.2.1: an add without a value is refused with 400.
#[tokio::test]
async fn patch_add_without_a_value_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let answer = client
        .patch(&user, json!([{ "op": "add", "path": "title" }]))
        .await;
    assert!(refused(&answer, 400, "invalidValue").contains("title"));
    let answer = client.patch(&user, json!([{ "op": "add" }])).await;
    refused(&answer, 400, "invalidValue");
}

/// RFC 7644 §3.5.2.1: adding to a single-valued attribute of an extension replaces it, and the other attributes stay.
#[tokio::test]
async fn patch_add_within_an_extension() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "a", ENTERPRISE: { "department": "Sales", "costCenter": "4130" } });
    let user = user_with(&client, body).await;
    let path = format!("{ENTERPRISE}:department");
    let patched = client.patch(&user, operation("add", &path, json!("Tours"))).await;
    assert_eq!(
        patched.expect(200).body[ENTERPRISE],
        json!({ "department": "Tours", "costCenter": "4130" })
    );
}
