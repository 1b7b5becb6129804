//! PATCH requests of a strict token.

use crate::app::{TestApp, send};
use crate::strict::{refused, user};
use reqwest::Method;
use rollcall_shared::scim::schema::{ENTERPRISE_USER, GROUP, USER};
use serde_json::{Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// RFC 7644 §3.5.2: `op` is one of `add`, `remove`, or `replace`, and the body names the message it is.
/// RFC 7644 §3.5.2: an operation on a read-only attribute is 400 `mutability`.
/// RFC 7644 §3.5.2.3: a value path that matches nothing is 400 `noTarget`.
#[tokio::test]
async fn patch_in_the_dialects_of_clients_by_a_strict_token_is_400() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let made = client
        .post("/Users", user(json!({"title": "Lead"})))
        .await
        .expect(201);
    let path = format!("/Users/{}", made.id());
    let raw = |body: Value| send(client.request(Method::PATCH, &path).json(&body));
    let replace = json!([{"op": "replace", "path": "title", "value": "x"}]);
    refused(&raw(json!({ "title": "x" })).await, "invalidSyntax", "schemas");
    refused(
        &raw(json!({ "schemas": [USER], "title": "x" })).await,
        "invalidSyntax",
        "schemas",
    );
    refused(
        &raw(json!({ "schemas": [PATCH_OP], "title": "x" })).await,
        "invalidSyntax",
        "Operations",
    );
    refused(
        &raw(json!({ "Operations": replace })).await,
        "invalidSyntax",
        "schemas",
    );
    for (operation, scim_type, named) in [
        (
            json!({"op": "Replace", "path": "title", "value": "x"}),
            "invalidSyntax",
            "op",
        ),
        (
            json!({"op": "replace", "path": "", "value": {"title": "x"}}),
            "invalidPath",
            "path",
        ),
        (
            json!({"op": "replace", "path": "active", "value": "False"}),
            "invalidValue",
            "active",
        ),
        (
            json!({"op": "replace", "path": "title", "value": ["x"]}),
            "invalidValue",
            "title",
        ),
        (json!({"op": "replace", "value": {"id": "x"}}), "mutability", "id"),
        (
            json!({"op": "replace", "value": {"groups": []}}),
            "mutability",
            "groups",
        ),
        (
            json!({"op": "replace", "path": "meta", "value": {}}),
            "mutability",
            "meta",
        ),
        (
            json!({"op": "replace", "value": {"name.givenName": "x"}}),
            "invalidSyntax",
            "name.givenName",
        ),
        (
            json!({"op": "replace", "path": "level", "value": "x"}),
            "invalidPath",
            "level",
        ),
        (
            json!({"op": "replace", "path": "manager", "value": "x"}),
            "invalidPath",
            "manager",
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "x"}),
            "noTarget",
            "emails",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}),
            "noTarget",
            "emails",
        ),
        (
            json!({"op": "remove", "path": "emails[type eq work]"}),
            "invalidFilter",
            "type",
        ),
        (
            json!({"op": "remove", "path": "emails", "value": [{"value": "x"}]}),
            "invalidValue",
            "emails",
        ),
    ] {
        refused(&client.patch(&path, json!([operation])).await, scim_type, named);
    }
    let read = client.get(&path).await.expect(200);
    assert_eq!(
        (read.header("etag"), &read.body["title"]),
        (r#"W/"1""#, &json!("Lead"))
    );
}

/// RFC 7643 §4.2: the sub-attributes of members are immutable.
/// RFC 7644 §3.5.2: a value path that finds no member to remove is 400 `noTarget`.
#[tokio::test]
async fn patch_of_members_by_a_strict_token_is_literal() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let members = json!([{"value": "a@example.com", "display": "A", "type": "User"}]);
    let group = json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
    let group = client.post("/Groups", group).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    let add = |member: Value| json!([{"op": "add", "path": "members", "value": [member]}]);
    for (operations, scim_type) in [
        (
            add(json!({"value": "a@example.com", "display": "B"})),
            "mutability",
        ),
        (
            add(json!({"value": "a@example.com", "type": "Group"})),
            "mutability",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"b@example.com\"]"}]),
            "noTarget",
        ),
        (
            json!([{"op": "remove", "path": "members[type eq \"Group\"]"}]),
            "noTarget",
        ),
        (
            json!([{"op": "remove", "path": "members", "value": [{"value": "a@example.com"}]}]),
            "invalidValue",
        ),
    ] {
        refused(&client.patch(&path, operations).await, scim_type, "members");
    }
    client
        .patch(&path, add(json!({"value": "a@example.com"})))
        .await
        .expect(200);
    let read = client.get(&path).await.expect(200);
    assert_eq!(
        (read.header("etag"), &read.body["members"]),
        (r#"W/"1""#, &members)
    );
    let remove = json!([{"op": "remove", "path": "members[value eq \"a@example.com\"]"}]);
    let emptied = client.patch(&path, remove).await.expect(200);
    assert!(emptied.body.get("members").is_none());
    assert!(client.get(&path).await.body.get("members").is_none());
}

/// RFC 7644 §3.5.2.3: a value path without a sub-attribute replaces the values it selects by one value.
/// RFC 7644 §3.5.2.1: a value path without a sub-attribute adds to the values it selects.
#[tokio::test]
async fn patch_of_selected_values_by_a_strict_token_takes_one_object() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let phones = json!([{"value": "tel:1", "type": "work"}]);
    let made = client
        .post("/Users", user(json!({"phoneNumbers": phones})))
        .await
        .expect(201);
    let path = format!("/Users/{}", made.id());
    for (op, value, expected) in [
        (
            "add",
            json!({"display": "desk"}),
            json!([{"value": "tel:1", "type": "work", "display": "desk"}]),
        ),
        (
            "replace",
            json!({"value": "tel:2", "type": "work"}),
            json!([{"value": "tel:2", "type": "work"}]),
        ),
    ] {
        let operation = json!({"op": op, "path": "phoneNumbers[type eq \"work\"]", "value": value});
        client.patch(&path, json!([operation])).await.expect(200);
        assert_eq!(client.get(&path).await.body["phoneNumbers"], expected);
    }
}

/// RFC 7644 §3.5.2: a path may name a sub-attribute of a complex attribute of an extension.
#[tokio::test]
async fn patch_of_the_value_of_the_manager_by_a_strict_token_takes_a_text() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let made = client.post("/Users", user(json!({}))).await.expect(201);
    let path = format!("/Users/{}", made.id());
    for (op, manager) in [("add", "boss"), ("replace", "chief")] {
        let operation =
            json!({"op": op, "path": format!("{ENTERPRISE_USER}:manager.value"), "value": manager});
        client.patch(&path, json!([operation])).await.expect(200);
        let read = client.get(&path).await.expect(200);
        assert_eq!(read.body[ENTERPRISE_USER]["manager"]["value"], manager);
    }
}

/// RFC 7644 §3.5.2.2: a required attribute that becomes unassigned is 400 `mutability`.
#[tokio::test]
async fn patch_that_replaces_a_required_attribute_by_null_is_400_mutability() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let made = client.post("/Users", user(json!({}))).await.expect(201);
    let path = format!("/Users/{}", made.id());
    let operation = json!({"op": "replace", "path": "userName", "value": null});
    refused(
        &client.patch(&path, json!([operation])).await,
        "mutability",
        "userName",
    );
}

/// RFC 7644 §3.5.2.1: adding a value that is there in other case changes nothing where case does not count.
#[tokio::test]
async fn patch_that_adds_a_value_in_other_case_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let roles = json!([{"value": "Lead"}]);
    let made = client
        .post("/Users", user(json!({"roles": roles})))
        .await
        .expect(201);
    let path = format!("/Users/{}", made.id());
    let operation = json!({"op": "add", "path": "roles", "value": [{"value": "lead"}]});
    client.patch(&path, json!([operation])).await.expect(200);
    let read = client.get(&path).await.expect(200);
    assert_eq!((read.header("etag"), &read.body["roles"]), (r#"W/"1""#, &roles));
}
