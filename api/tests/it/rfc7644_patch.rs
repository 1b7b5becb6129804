//! RFC 7644 §3.5.2: what holds for every PATCH, whatever its operations.

use crate::app::{TestApp, send};
use crate::rfc::{ENTERPRISE, group_with, members, operation, refused, user_with};
use reqwest::Method;
use serde_json::{Value, json};

/// RFC 7644 §3.5.2: a PATCH is a message of the schema PatchOp with an array of Operations; a successful one is 200 with the resource or 204.
#[tokio::test]
async fn patch_of_a_user_is_200_and_of_a_group_204() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let patched = client
        .patch(&user, operation("replace", "title", json!("CEO")))
        .await;
    assert_eq!(patched.expect(200).body, client.get(&user).await.expect(200).body);
    let group = group_with(&client, "g", &[]).await;
    let patched = client
        .patch(&group, operation("replace", "displayName", json!("h")))
        .await;
    assert!(patched.expect(204).body.is_null());
}

/// RFC 7644 §3.5.2: a PATCH with the parameter attributes is answered with 200 and these attributes.
#[tokio::test]
async fn patch_with_attributes_is_200_with_them() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "g", &["a"]).await;
    let path = format!("{group}?attributes=displayName");
    let patched = client
        .patch(&path, operation("replace", "displayName", json!("h")))
        .await;
    let body = patched.expect(200).body;
    assert_eq!(body["displayName"], "h");
    assert!(body.get("members").is_none() && body.get("meta").is_none());
}

/// RFC 7644 §3.5.2: op is one of add, remove and replace; anything else is 400 invalidSyntax.
/// RFC 7644 §3.12: a message whose structure is not that of the request is 400 invalidSyntax.
#[tokio::test]
async fn patch_that_is_no_patch_is_400_invalid_syntax() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
    for body in [
        json!([]),
        json!({ "schemas": schemas }),
        json!({ "schemas": schemas, "Operations": {} }),
        json!({ "schemas": schemas, "Operations": [] }),
        json!({ "schemas": schemas, "Operations": ["add"] }),
        json!({ "schemas": schemas, "Operations": [{ "path": "title", "value": "x" }] }),
        json!({ "schemas": schemas, "Operations": [{ "op": "test", "path": "title", "value": "x" }] }),
        json!({ "schemas": schemas, "Operations": [{ "op": 1, "path": "title", "value": "x" }] }),
    ] {
        let request = client.request(Method::PATCH, &user).json(&body);
        refused(&send(request).await, 400, "invalidSyntax");
    }
}

/// RFC 7644 §3.5.2: a path that does not follow the grammar is 400 invalidPath.
/// RFC 7644 §3.12: a path that is malformed or names no attribute is 400 with scimType invalidPath.
/// RFC 7644 §3.5.2: a filter in a path that does not follow the grammar is 400 invalidFilter.
#[tokio::test]
async fn patch_malformed_paths_are_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    for (path, scim_type) in [
        ("a b", "invalidPath"),
        ("name.", "invalidPath"),
        ("name.givenName.first", "invalidPath"),
        ("emails[type eq \"work\"", "invalidPath"),
        ("emails[type eq \"work\"]value", "invalidPath"),
        ("nonsense", "invalidPath"),
        ("name.nonsense", "invalidPath"),
        ("emails[type like \"work\"]", "invalidFilter"),
        ("emails[]", "invalidFilter"),
    ] {
        let answer = client.patch(&user, operation("add", path, json!("x"))).await;
        assert_eq!(answer.body["scimType"], scim_type, "{path}: {answer:?}");
        answer.scim_error(400);
    }
}

/// RFC 7644 §3.5.2: a PATCH is atomic: when one operation fails, the resource is as it was.
/// RFC 7644 §3.5.2: operations are applied in the order they appear, each to the result of those before.
#[tokio::test]
async fn patch_is_applied_in_order_and_as_a_whole_or_not_at_all() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a", "title": "t" })).await;
    let before = client.get(&user).await.expect(200).body;
    let operations = json!([
        { "op": "replace", "path": "title", "value": "x" },
        { "op": "add", "path": "emails", "value": [{ "value": "a@example.com" }] },
        { "op": "remove", "path": "userName" },
    ]);
    refused(&client.patch(&user, operations).await, 400, "mutability");
    assert_eq!(client.get(&user).await.body, before);
    let operations = json!([
        { "op": "add", "path": "emails", "value": [{ "value": "a@example.com", "type": "work" }] },
        { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@example.com" },
        { "op": "remove", "path": "title" },
        { "op": "add", "path": "title", "value": "last" },
    ]);
    let patched = client.patch(&user, operations).await.expect(200);
    assert_eq!(patched.body["title"], "last");
    assert_eq!(
        patched.body["emails"],
        json!([{ "value": "b@example.com", "type": "work" }])
    );
}

/// RFC 7644 §3.5.2: a group whose PATCH fails keeps its name and its members.
#[tokio::test]
async fn patch_of_a_group_that_fails_keeps_its_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "g", &["a"]).await;
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": "b" }] },
        { "op": "replace", "path": "displayName", "value": "h" },
        { "op": "remove", "path": "displayName" },
    ]);
    refused(&client.patch(&group, operations).await, 400, "mutability");
    assert_eq!(members(&client, &group).await, ["a"]);
    assert_eq!(client.get(&group).await.body["displayName"], "g");
}

/// RFC 7644 §3.5.2: setting primary to true on one value sets it to false on the one that had it.
#[tokio::test]
async fn patch_that_sets_primary_takes_it_from_the_other_value() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let emails = json!([
        { "value": "a@example.com", "type": "work", "primary": true },
        { "value": "a@home.example", "type": "home" },
    ]);
    let user = user_with(&client, json!({ "userName": "a", "emails": emails })).await;
    let path = r#"emails[type eq "home"].primary"#;
    let patched = client
        .patch(&user, operation("replace", path, json!(true)))
        .await
        .expect(200);
    let primary = |body: &Value, index: usize| body["emails"][index]["primary"].as_bool() == Some(true);
    assert!(!primary(&patched.body, 0) && primary(&patched.body, 1));
    let added = json!([{ "value": "n@example.com", "type": "other", "primary": true }]);
    let patched = client.patch(&user, operation("add", "emails", added)).await;
    let body = patched.expect(200).body;
    assert!(!primary(&body, 0) && !primary(&body, 1) && primary(&body, 2));
}

/// RFC 7644 §3.5.2: an operation on an attribute that is readOnly is 400 with scimType mutability.
/// RFC 7644 §3.12: changing a readOnly attribute is 400 with scimType mutability.
#[tokio::test]
async fn patch_of_a_read_only_attribute_is_400_mutability() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    for path in ["id", "meta", "meta.created", "groups", "groups.value"] {
        let answer = client.patch(&user, operation("replace", path, json!("x"))).await;
        assert_eq!(answer.body["scimType"], "mutability", "{path}: {answer:?}");
        answer.scim_error(400);
    }
    let before = client.get(&user).await.expect(200);
    assert_eq!(before.header("etag"), r#"W/"1""#);
}

/// RFC 7644 §3.5.2: a sub-attribute of a member, which is immutable, cannot be changed in place.
#[tokio::test]
async fn patch_of_an_immutable_sub_attribute_is_400_mutability() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "g", &["a"]).await;
    let answer = client
        .patch(
            &group,
            operation("replace", r#"members[value eq "a"].value"#, json!("b")),
        )
        .await;
    refused(&answer, 400, "mutability");
    assert_eq!(members(&client, &group).await, ["a"]);
}

/// RFC 7644 §3.5.2: a path may be an attribute, a sub-attribute, a value path and a sub-attribute of a value path, each after the URN of a schema.
/// RFC 7644 §3.5.2: path names and the operation are compared without case where clients write them so.
#[tokio::test]
async fn patch_every_form_of_path() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let operations = json!([
        { "op": "add", "path": "title", "value": "t" },
        { "op": "add", "path": "name.familyName", "value": "F" },
        { "op": "add", "path": format!("{core}:name.givenName"), "value": "G" },
        { "op": "add", "path": format!("{core}:nickName"), "value": "N" },
        { "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Sales" },
        { "op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": "boss" },
        { "op": "add", "path": "emails", "value": [{ "type": "work", "value": "a@example.com" }] },
        { "op": "replace", "path": "EMAILS[TYPE EQ \"work\"].VALUE", "value": "b@example.com" },
        { "op": "replace", "path": format!("{core}:emails[type eq \"work\" and value co \"b@\"]"), "value": { "type": "work", "value": "c@example.com" } },
        { "op": "replace", "path": "emails[not (type ne \"work\")].display", "value": "C" },
    ]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(
        (&patched["title"], &patched["nickName"]),
        (&json!("t"), &json!("N"))
    );
    assert_eq!(patched["name"], json!({ "familyName": "F", "givenName": "G" }));
    assert_eq!(
        patched[ENTERPRISE],
        json!({ "department": "Sales", "manager": { "value": "boss" } })
    );
    assert_eq!(
        patched["emails"],
        json!([{ "type": "work", "value": "c@example.com", "display": "C" }])
    );
}

/// RFC 7644 §3.5.2: a PATCH under an outdated If-Match is 412 and changes nothing.
#[tokio::test]
async fn patch_under_another_version_is_412() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = user_with(&client, json!({ "userName": "a" })).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operation("add", "title", json!("x")),
    });
    let patch = |version: &str| {
        let request = client.request(Method::PATCH, &user).json(&body);
        send(request.header("if-match", version))
    };
    patch(r#"W/"2""#).await.scim_error(412);
    assert!(client.get(&user).await.body.get("title").is_none());
    patch(r#"W/"1""#).await.expect(200);
}

/// RFC 7644 §3.5.2: a PATCH of a resource that does not exist is 404.
#[tokio::test]
async fn patch_of_an_unknown_resource_is_404() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let path = "/Users/2819c223-7f76-453a-919d-413861904646";
    client
        .patch(path, operation("add", "title", json!("x")))
        .await
        .scim_error(404);
}
