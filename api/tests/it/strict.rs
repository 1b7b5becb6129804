//! A strict token's requests are read as the RFCs say: what `docs/scim-clients.md` lists as
//! tolerated is refused, and nothing is written.

use crate::app::{Answer, Client, TestApp};
use rollcall_shared::scim::schema::{ENTERPRISE_USER, GROUP, ROLLCALL_USER, USER};
use serde_json::{Value, json};

pub(crate) fn user(values: Value) -> Value {
    let mut user = json!({ "schemas": [USER], "userName": uuid::Uuid::new_v4().to_string() });
    user.as_object_mut()
        .unwrap()
        .extend(values.as_object().unwrap().clone());
    user
}

#[track_caller]
pub(crate) fn refused(answer: &Answer, scim_type: &str, named: &str) {
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

/// RFC 7644 §3.10: an attribute of an extension is named with the URN of its schema.
/// RFC 7644 §3.4.2.2: a filter names a sub-attribute of a complex attribute, fully qualified.
/// RFC 7644 §3.4.2.2: a comparison with the value of a boolean is one with true or false, without quotes.
/// RFC 7644 §3.4.2.3: sortBy names a sub-attribute of a complex attribute.
#[tokio::test]
async fn filter_and_order_of_a_strict_token_name_attributes_and_values_exactly() {
    let app = TestApp::start().await;
    let client = app.strict_scim().await;
    let mut body = user(json!({
        "active": true, "emails": [{"value": "a@example.com", "primary": true}],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "boss"}},
    }));
    body["schemas"] = json!([USER, ENTERPRISE_USER]);
    client.post("/Users", body).await.expect(201);
    for (filter, named) in [
        ("department eq \"Sales\"".to_owned(), "department"),
        ("manager.value eq \"boss\"".to_owned(), "manager"),
        ("level pr".to_owned(), "level"),
        (format!("{ENTERPRISE_USER}:manager eq \"boss\""), "manager"),
        ("name eq \"x\"".to_owned(), "name"),
        ("active eq \"true\"".to_owned(), "active"),
        ("emails.primary eq \"true\"".to_owned(), "primary"),
        ("emails[primary eq \"true\"]".to_owned(), "primary"),
    ] {
        refused(&client.find("/Users", &filter).await, "invalidFilter", named);
    }
    for sort in [
        "department",
        "manager",
        "name",
        &format!("{ENTERPRISE_USER}:manager"),
    ] {
        let sorted = client.get(&format!("/Users?sortBy={sort}")).await;
        refused(&sorted, "invalidPath", sort);
    }
    for filter in [
        format!("{ENTERPRISE_USER}:department eq \"sales\" and {ENTERPRISE_USER}:manager.value eq \"boss\""),
        format!("{ENTERPRISE_USER}:manager pr and active eq true"),
        // The multi-valued attributes of the RFC's own examples.
        "emails co \"example.com\" and emails eq \"a@example.com\"".to_owned(),
        "emails[primary eq true]".to_owned(),
    ] {
        let found = client.find("/Users", &filter).await.expect(200);
        assert_eq!(found.body["totalResults"], 1, "{filter}");
    }
    let sorted = client
        .get(&format!("/Users?sortBy={ENTERPRISE_USER}:manager.value"))
        .await;
    sorted.expect(200);
}

#[tokio::test]
async fn filter_and_order_of_a_tolerant_token_are_read_as_meant() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "anna", "active": true, "emails": [{"value": "a@example.com", "primary": true}],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "boss"}},
    });
    client.post("/Users", body).await.expect(201);
    for filter in [
        "department eq \"Sales\" and manager eq \"boss\"",
        "active eq \"True\"",
        "emails[primary eq \"true\"]",
    ] {
        let found = client.find("/Users", filter).await.expect(200);
        assert_eq!(found.body["totalResults"], 1, "{filter}");
    }
    client.get("/Users?sortBy=manager").await.expect(200);
}

/// RFC 7644 §3.7: the method of an operation is one of POST, PUT, PATCH, or DELETE.
#[tokio::test]
async fn bulk_method_in_lower_case_is_taken_from_tolerant_tokens_only() {
    let app = TestApp::start().await;
    for (client, status) in [(app.scim().await, "201"), (app.strict_scim().await, "400")] {
        let operation = json!({"method": "post", "path": "/Users", "bulkId": "q", "data": user(json!({}))});
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [operation],
        });
        let answer = client.post("/Bulk", body).await.expect(200);
        assert_eq!(answer.body["Operations"][0]["status"], status, "{answer:?}");
    }
}
