//! RFC 7644 §3.5.2.2: the operation remove.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, group_with, members, operation, refused, user_with};
use serde_json::{Value, json};

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const JAMES: &str = "08e1d05d-121c-4561-8b96-473d93df9210";

/// RFC 7644 §3.5.2.2: the examples of the RFC remove one member, all members, one while adding another, and all while adding two.
#[tokio::test]
async fn patch_remove_examples_of_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "Employees", &[BABS, "other"]).await;
    let one = json!([
        {
            "op": "remove",
            "path": "members[value eq \"2819c223-7f76-453a-919d-413861904646\"]"
        }
    ]);
    client.patch(&group, one).await.expect(204);
    assert_eq!(members(&client, &group).await, ["other"]);

    let all = json!([{ "op": "remove", "path": "members" }]);
    client.patch(&group, all).await.expect(204);
    assert!(members(&client, &group).await.is_empty());
    assert!(client.get(&group).await.body.get("members").is_none());

    let again = operation("add", "members", json!([{ "value": BABS }, { "value": "other" }]));
    client.patch(&group, again).await.expect(204);
    let exchange = json!([
        {
            "op": "remove",
            "path": "members[value eq \"2819c223-7f76-453a-919d-413861904646\"]"
        },
        {
            "op": "add",
            "path": "members",
            "value": [
                {
                    "display": "James Smith",
                    "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210",
                    "value": "08e1d05d-121c-4561-8b96-473d93df9210"
                }
            ]
        }
    ]);
    client.patch(&group, exchange).await.expect(204);
    assert_eq!(members(&client, &group).await, [JAMES, "other"]);

    let all_for_two = json!([
        { "op": "remove", "path": "members" },
        {
            "op": "add",
            "path": "members",
            "value": [
                {
                    "display": "Babs Jensen",
                    "$ref": "https://example.com/v2/Users/2819c223...413861904646",
                    "value": "2819c223-7f76-453a-919d-413861904646"
                },
                {
                    "display": "James Smith",
                    "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210",
                    "value": "08e1d05d-121c-4561-8b96-473d93df9210"
                }
            ]
        }
    ]);
    client.patch(&group, all_for_two).await.expect(204);
    assert_eq!(members(&client, &group).await, [JAMES, BABS]);
}

/// RFC 7644 §3.5.2.2: the example of the RFC removes the e-mail addresses that a complex filter selects.
#[tokio::test]
async fn patch_remove_example_of_a_complex_filter() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let emails = json!([
        { "type": "work", "value": "bjensen@example.com" },
        { "type": "work", "value": "bjensen@example.org" },
        { "type": "home", "value": "babs@example.com" },
    ]);
    let user = user_with(&client, json!({ "userName": "a", "emails": emails })).await;
    let operations = json!([
        {
            "op": "remove",
            "path": "emails[type eq \"work\" and value ew \"example.com\"]"
        }
    ]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(patched["emails"], json!([emails[1], emails[2]]));
}

/// RFC 7644 §3.5.2.2: a remove without a path is 400 with scimType noTarget.
/// RFC 7644 §3.12: a path that yields nothing to operate on is 400 with scimType noTarget.
#[tokio::test]
async fn patch_remove_without_path_is_400_no_target() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a", "title": "t" })).await;
    let answer = client.patch(&user, json!([{ "op": "remove" }])).await;
    refused(&answer, 400, "noTarget");
    assert_eq!(client.get(&user).await.body["title"], "t");
}

/// RFC 7644 §3.5.2.2: a single-valued attribute that is removed is unassigned.
/// RFC 7644 §3.5.2.2: a multi-valued attribute without a filter loses all its values.
/// RFC 7644 §3.5.2.2: a filter removes the values that match, and the attribute is unassigned when none is left.
/// RFC 7644 §3.5.2.2: a sub-attribute behind a filter is removed from the values that match.
#[tokio::test]
async fn patch_remove_by_kind_of_target() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "a", "title": "t", "name": { "familyName": "F", "givenName": "G" },
        "emails": [{ "type": "work", "value": "a@example.com" }],
        "phoneNumbers": [{ "type": "work", "value": "1", "display": "one" }, { "type": "home", "value": "2", "display": "two" }],
        "ims": [{ "type": "xmpp", "value": "x" }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "boss" } },
    });
    let user = user_with(&client, body).await;
    let remove = async |path: &str| {
        let operations = json!([{ "op": "remove", "path": path }]);
        client.patch(&user, operations).await.expect(200).body
    };
    let missing = |body: &Value, name: &str| body.get(name).is_none();
    assert!(missing(&remove("title").await, "title"));
    assert!(missing(&remove("emails").await, "emails"));
    assert_eq!(
        remove("name.givenName").await["name"],
        json!({ "familyName": "F" })
    );
    assert!(missing(&remove("name.familyName").await, "name"));
    let phones = remove(r#"phoneNumbers[type eq "work"].display"#).await;
    assert_eq!(
        phones["phoneNumbers"],
        json!([{ "type": "work", "value": "1" }, { "type": "home", "value": "2", "display": "two" }])
    );
    let phones = remove(r#"phoneNumbers[type eq "work"]"#).await;
    assert_eq!(phones["phoneNumbers"].as_array().unwrap().len(), 1);
    assert!(missing(
        &remove(r#"phoneNumbers[value eq "2"]"#).await,
        "phoneNumbers"
    ));
    assert!(missing(&remove(r#"ims[type eq "xmpp"]"#).await, "ims"));
    let body = remove(&format!("{ENTERPRISE}:manager")).await;
    assert_eq!(body[ENTERPRISE], json!({ "department": "Sales" }));
    let body = remove(&format!("{ENTERPRISE}:department")).await;
    assert!(missing(&body, ENTERPRISE));
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User"])
    );
}

/// RFC 7644 §3.5.2.2: removing a required or readOnly attribute is 400 with scimType mutability.
#[tokio::test]
async fn patch_remove_of_required_or_read_only_is_400_mutability() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let group = group_with(&client, "g", &[]).await;
    for (resource, path) in [
        (&user, "userName"),
        (&user, "id"),
        (&user, "meta"),
        (&user, "groups"),
        (&group, "displayName"),
        (&group, "id"),
    ] {
        let answer = client
            .patch(resource, json!([{ "op": "remove", "path": path }]))
            .await;
        assert_eq!(answer.body["scimType"], "mutability", "{path}: {answer:?}");
        answer.scim_error(400);
    }
}

/// RFC 7644 §3.5.2.2: removing an attribute that has no value changes nothing.
#[tokio::test]
async fn patch_remove_of_what_is_not_there_keeps_the_version() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let before = client.get(&user).await.expect(200).body;
    let operations = json!([
        { "op": "remove", "path": "title" },
        { "op": "remove", "path": "emails" },
        { "op": "remove", "path": format!("{ENTERPRISE}:manager") },
    ]);
    let patched = client.patch(&user, operations).await.expect(200);
    assert_eq!(patched.body, before);
}
