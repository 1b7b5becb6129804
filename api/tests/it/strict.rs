//! A strict token's requests are read as the RFCs say: what `docs/scim-clients.md` lists as
//! tolerated is refused, and nothing is written.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use rollcall_shared::scim::schema::{ENTERPRISE_USER, GROUP, ROLLCALL_USER, USER};
use serde_json::{Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn user(values: Value) -> Value {
    let mut user = json!({ "schemas": [USER], "userName": uuid::Uuid::new_v4().to_string() });
    user.as_object_mut()
        .unwrap()
        .extend(values.as_object().unwrap().clone());
    user
}

#[track_caller]
fn refused(answer: &Answer, scim_type: &str, named: &str) {
    let detail = answer.scim_error(400);
    assert!(detail.contains(named), "{detail}");
    assert_eq!(answer.body["scimType"], scim_type, "{answer:?}");
}

async fn count(client: &Client<'_>, path: &str) -> Value {
    client.get(path).await.expect(200).body["totalResults"].clone()
}

/// RFC 7643 §2.3: values have the type that the schema defines for them.
/// RFC 7644 §3.12: a body that does not conform to the schema is 400 `invalidSyntax`.
#[tokio::test]
async fn create_in_the_dialects_of_clients_by_a_strict_token_is_400() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    for (body, scim_type, named) in [
        (json!({ "userName": "anna" }), "invalidSyntax", "schemas"),
        (
            json!({ "schemas": [GROUP], "userName": "anna" }),
            "invalidSyntax",
            "schemas",
        ),
        (
            user(json!({ ENTERPRISE_USER: {"department": "Sales"} })),
            "invalidSyntax",
            ENTERPRISE_USER,
        ),
        (user(json!({ "active": "True" })), "invalidValue", "active"),
        (
            user(json!({ "emails": {"value": "a@example.com"} })),
            "invalidValue",
            "emails",
        ),
        (
            user(json!({ "emails": ["a@example.com"] })),
            "invalidValue",
            "emails",
        ),
        (
            user(json!({ "emails": [{"value": "a@example.com", "primary": "True"}] })),
            "invalidValue",
            "emails.primary",
        ),
        (
            user(json!({ "emails": [{"value": "a@example.com", "verified": true}] })),
            "invalidSyntax",
            "emails.verified",
        ),
        (user(json!({ "shirtSize": "L" })), "invalidSyntax", "shirtSize"),
        (
            user(json!({ "name.givenName": "Anna" })),
            "invalidSyntax",
            "name.givenName",
        ),
        (
            user(json!({ "manager": "boss@example.com" })),
            "invalidSyntax",
            "manager",
        ),
        (user(json!({ "level": "3" })), "invalidSyntax", "level"),
    ] {
        refused(&client.post("/Users", body).await, scim_type, named);
    }
    for (extension, scim_type, named) in [
        (
            json!({ "manager": "boss@example.com" }),
            "invalidValue",
            "manager",
        ),
        (
            json!({ "manager": [{"value": "boss@example.com"}] }),
            "invalidValue",
            "manager",
        ),
        (
            json!({ "manager": {"value": 7} }),
            "invalidValue",
            "manager.value",
        ),
        (json!({ "level": "3" }), "invalidSyntax", "level"),
        (
            json!({ "additionalManagers": [{"value": "a"}] }),
            "invalidSyntax",
            "additionalManagers",
        ),
    ] {
        let mut body = user(json!({ ENTERPRISE_USER: extension }));
        body["schemas"] = json!([USER, ENTERPRISE_USER]);
        refused(&client.post("/Users", body).await, scim_type, named);
    }
    let mut body = user(json!({ ROLLCALL_USER: {"additionalManagers": "a, b"} }));
    body["schemas"] = json!([USER, ROLLCALL_USER]);
    refused(
        &client.post("/Users", body).await,
        "invalidValue",
        "additionalManagers",
    );
    for members in [
        json!("a"),
        json!(["a"]),
        json!({"value": "a"}),
        json!([{"value": 7}]),
    ] {
        let group = json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
        refused(&client.post("/Groups", group).await, "invalidValue", "members");
    }
    assert_eq!(
        (count(&client, "/Users").await, count(&client, "/Groups").await),
        (json!(0), json!(0))
    );
}

#[tokio::test]
async fn create_as_the_rfc_says_by_a_strict_token_is_201_with_unknown_extensions_kept() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let unknown = "urn:example:unknown:2.0:User";
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER, ROLLCALL_USER, unknown],
        "userName": "anna", "id": "ignored", "meta": {"resourceType": "User"}, "groups": [],
        ENTERPRISE_USER: {"manager": {"value": "boss@example.com", "displayName": "ignored"}},
        ROLLCALL_USER: {"level": "3", "additionalManagers": [{"value": "a"}]},
        unknown: {"Badge no": 5},
    });
    let made = client.post("/Users", body).await.expect(201);
    assert_eq!(
        made.body[ENTERPRISE_USER],
        json!({"manager": {"value": "boss@example.com"}})
    );
    assert_eq!(made.body[unknown]["Badge no"], 5);
    assert_ne!(made.id(), "ignored");
}

/// RFC 7644 §3.5.1: a PUT clears the read-write attributes that it omits.
#[tokio::test]
async fn replace_by_a_strict_token_clears_active_and_members_when_omitted() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let made = client
        .post("/Users", user(json!({"active": false, "title": "Lead"})))
        .await
        .expect(201);
    let body = json!({ "schemas": [USER], "userName": made.body["userName"] });
    let path = format!("/Users/{}", made.id());
    let replaced = client.put(&path, body).await.expect(200);
    assert!(replaced.body.get("active").is_none() && replaced.body.get("title").is_none());
    let group = json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{"value": made.id()}] });
    let group = client.post("/Groups", group).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    client
        .put(&path, json!({ "schemas": [GROUP], "displayName": "Sales" }))
        .await
        .expect(200);
    assert!(client.get(&path).await.body.get("members").is_none());
}

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

/// RFC 7644 §3.1: a message names the schema of messages it is one of.
#[tokio::test]
async fn message_that_does_not_say_what_it_is_by_a_strict_token_is_400() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let operation = json!({"method": "POST", "path": "/Users", "bulkId": "q", "data": user(json!({}))});
    let bulk = client.post("/Bulk", json!({ "Operations": [operation] })).await;
    refused(&bulk, "invalidSyntax", "BulkRequest");
    let search = client.post("/Users/.search", json!({ "count": 1 })).await;
    refused(&search, "invalidSyntax", "SearchRequest");
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"];
    let search = client
        .post("/.search", json!({ "schemas": schemas, "count": 1 }))
        .await;
    assert_eq!(search.expect(200).body["totalResults"], 0);
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

/// RFC 7644 §3.4.2.2: a value in a filter is JSON.
/// RFC 7644 §3.4.1: a resource is read under its id.
#[tokio::test]
async fn read_in_the_dialects_of_clients_by_a_strict_token_is_refused() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    client
        .post("/Users", user(json!({"externalId": "ext-1"})))
        .await
        .expect(201);
    for filter in ["externalId eq ext-1", "active eq True"] {
        refused(&client.find("/Users", filter).await, "invalidFilter", "quoted");
    }
    let found = client
        .find("/Users", r#"externalId eq "ext-1" and not (active eq true)"#)
        .await;
    assert_eq!(found.expect(200).body["totalResults"], 1);
    client.get("/Users/ext-1").await.scim_error(404);
    client.delete("/Users/ext-1").await.scim_error(404);
    client.put("/Users/ext-1", user(json!({}))).await.scim_error(404);
    assert_eq!(count(&client, "/Users").await, 1);
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
