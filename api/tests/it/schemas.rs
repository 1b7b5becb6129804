//! Extension schemas that operators define: kept, advertised, and enforced like the built-in ones.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use rollcall_shared::scim::schema;
use serde_json::{Value, json};

pub(crate) const BADGE: &str = "urn:example:params:scim:schemas:badge:2.0:User";

pub(crate) fn badge() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": BADGE,
        "name": "Badge",
        "description": "What the door knows",
        "attributes": [
            {"name": "number", "type": "integer", "required": true, "mutability": "immutable"},
            {"name": "colour", "canonicalValues": ["red", "green"]},
            {"name": "code", "caseExact": true},
            {"name": "issued", "type": "dateTime"},
            {"name": "valid", "type": "boolean"},
            {"name": "pin", "mutability": "writeOnly", "returned": "never"},
            {"name": "lastDoor", "mutability": "readOnly"},
            {"name": "note", "returned": "request"},
            {"name": "site", "returned": "always"},
            {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "value", "required": true, "mutability": "immutable"},
                {"name": "floor", "type": "integer", "mutability": "immutable"},
                {"name": "primary", "type": "boolean"},
                {"name": "secret", "mutability": "writeOnly", "returned": "never"},
                {"name": "remark", "returned": "request"},
            ]},
        ],
    })
}

/// A tenant with the schema, seen by its operator and by its provisioning client.
pub(crate) async fn defined(app: &TestApp) -> (Client<'_>, Client<'_>) {
    let tenant = app.tenant(&uuid::Uuid::new_v4().to_string()).await;
    let operator = app.client(tenant, "operator").await;
    operator.put(&ops(BADGE), badge()).await.expect(201);
    (operator, app.client(tenant, "scim").await)
}

pub(crate) fn ops(urn: &str) -> String {
    format!("/ops/v1/schemas/{urn}")
}

/// `values` in the extension of a new user.
pub(crate) async fn create(client: &Client<'_>, values: Value) -> Answer {
    let user_name = uuid::Uuid::new_v4().to_string();
    client
        .post("/Users", json!({ "userName": user_name, BADGE: values }))
        .await
}

#[tokio::test]
async fn schema_put_by_an_operator_is_advertised_to_its_tenant_only() {
    let app = TestApp::start().await;
    let (operator, client) = defined(&app).await;
    let shown = client.get(&format!("/Schemas/{BADGE}")).await.expect(200);
    assert_eq!(shown.body["name"], "Badge");
    assert_eq!(shown.body["attributes"].as_array().map(Vec::len), Some(10));
    let all = client.get("/Schemas").await.expect(200);
    assert_eq!(all.body["totalResults"], 5);
    let user = client.get("/ResourceTypes/User").await.expect(200);
    let extensions = user.body["schemaExtensions"].as_array().unwrap().clone();
    assert_eq!(
        extensions.last(),
        Some(&json!({"schema": BADGE, "required": false}))
    );
    let group = client.get("/ResourceTypes/Group").await.expect(200);
    assert_eq!(group.body["schemaExtensions"], json!([]));

    let listed = operator.get("/ops/v1/schemas").await.expect(200);
    assert_eq!(listed.body["schemas"][0]["id"], BADGE);
    assert_eq!(listed.body["schemas"][0]["extends"], "User");

    let other = app.scim().await;
    other.get(&format!("/Schemas/{BADGE}")).await.scim_error(404);
    let other_operator = app.client(other.tenant, "operator").await;
    other_operator.get(&ops(BADGE)).await.problem(404);
    client.get("/ops/v1/schemas").await.problem(403);
}

#[tokio::test]
async fn schema_as_advertised_can_be_put_again() {
    let app = TestApp::start().await;
    let (operator, client) = defined(&app).await;
    let advertised = client.get(&format!("/Schemas/{BADGE}")).await.expect(200).body;
    let again = operator.put(&ops(BADGE), advertised.clone()).await.expect(200);
    assert_eq!(again.header("etag"), r#"W/"2""#);
    let read = operator.get(&ops(&BADGE.to_uppercase())).await.expect(200);
    assert_eq!(read.body["attributes"], advertised["attributes"]);
}

#[tokio::test]
async fn schema_put_under_an_outdated_tag_is_412_and_deleted_is_gone_at_once() {
    let app = TestApp::start().await;
    let (operator, client) = defined(&app).await;
    let tagged = |method: Method, header: &'static str, tag: &'static str| {
        let request = operator.request(method, &ops(BADGE)).header(header, tag);
        send(request.json(&badge()))
    };
    tagged(Method::PUT, "if-none-match", "*").await.problem(412);
    tagged(Method::PUT, "if-match", r#"W/"7""#).await.problem(412);
    tagged(Method::PUT, "if-match", r#"W/"1""#).await.expect(200);
    tagged(Method::DELETE, "if-match", r#"W/"1""#).await.problem(412);
    tagged(Method::DELETE, "if-match", r#"W/"2""#).await.expect(204);
    operator.delete(&ops(BADGE)).await.problem(404);
    client.get(&format!("/Schemas/{BADGE}")).await.scim_error(404);
}

#[tokio::test]
async fn schema_that_makes_no_sense_is_400_naming_the_attribute() {
    let app = TestApp::start().await;
    let (operator, _) = defined(&app).await;
    let one = |attribute: Value| json!({ "attributes": [attribute] });
    let urn = "urn:example:other:User";
    let group = format!("{}:x", schema::GROUP);
    for (urn, body, named) in [
        ("example", one(json!({"name": "a"})), "id"),
        (schema::ENTERPRISE_USER, one(json!({"name": "a"})), "id"),
        (
            "urn:ietf:params:scim:api:messages:2.0:User",
            one(json!({"name": "a"})),
            "id",
        ),
        (&group, one(json!({"name": "a"})), "id"),
        (
            urn,
            json!({"id": "urn:example:third:User", "attributes": [{"name": "a"}]}),
            "id",
        ),
        ("urn:example:thing", one(json!({"name": "a"})), "extends"),
        (urn, json!({}), "attributes"),
        (urn, json!({"attributes": []}), "attributes"),
        (urn, one(json!({})), "attributes[0]"),
        (urn, one(json!({"name": "shirt size"})), "shirt size"),
        (urn, one(json!({"name": "Meta"})), "Meta"),
        (urn, json!({"attributes": [{"name": "a"}, {"name": "A"}]}), "A"),
        (urn, one(json!({"name": "a", "type": "text"})), "a: type"),
        (
            urn,
            one(json!({"name": "a", "mutability": "never"})),
            "a: mutability",
        ),
        (urn, one(json!({"name": "a", "returned": "no"})), "a: returned"),
        (urn, one(json!({"name": "a", "required": "yes"})), "a: required"),
        (
            urn,
            one(json!({"name": "a", "uniqueness": "server"})),
            "a: uniqueness",
        ),
        (urn, one(json!({"name": "a", "type": "complex"})), "a: "),
        (
            urn,
            one(json!({"name": "a", "subAttributes": [{"name": "b"}]})),
            "a: ",
        ),
        (urn, one(json!({"name": "a", "type": "reference"})), "a: "),
        (urn, one(json!({"name": "a", "referenceTypes": ["User"]})), "a: "),
        (
            urn,
            one(json!({"name": "a", "type": "reference", "referenceTypes": ["Device"]})),
            "a: ",
        ),
        (
            urn,
            one(json!({"name": "a", "type": "integer", "caseExact": true})),
            "a: ",
        ),
        (
            urn,
            one(json!({"name": "a", "type": "boolean", "canonicalValues": ["x"]})),
            "a: ",
        ),
        (urn, one(json!({"name": "a", "canonicalValues": [1]})), "a: "),
        (
            urn,
            one(json!({"name": "a", "mutability": "writeOnly", "returned": "default"})),
            "a: ",
        ),
        (
            urn,
            one(json!({"name": "a", "mutability": "readOnly", "required": true})),
            "a: ",
        ),
        (
            urn,
            one(json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]})),
            "a.b",
        ),
        (
            urn,
            one(json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}, {"name": "B"}]})),
            "a.B",
        ),
    ] {
        let refused = operator.put(&ops(urn), body.clone()).await;
        let detail = refused.problem(400);
        assert!(detail.contains(named), "{body}: {detail}");
    }
    let many: Vec<Value> = (0..101)
        .map(|number| json!({"name": format!("a{number}")}))
        .collect();
    operator
        .put(&ops(urn), json!({ "attributes": many }))
        .await
        .problem(400);
    let long = json!({"name": "a", "canonicalValues": vec!["x".repeat(100); 100]});
    let named = |index: usize| {
        let mut one = long.clone();
        one["name"] = format!("a{index}").into();
        one
    };
    let large: Vec<Value> = (0..20).map(named).collect();
    operator
        .put(&ops(urn), json!({ "attributes": large }))
        .await
        .problem(413);
    assert_eq!(
        operator.get("/ops/v1/schemas").await.body["schemas"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn schema_beside_others_must_be_told_apart_and_a_tenant_has_at_most_twenty() {
    let app = TestApp::start().await;
    let (operator, _) = defined(&app).await;
    let body = || json!({"extends": "User", "attributes": [{"name": "a"}]});
    operator
        .put(&ops(&format!("{BADGE}:inner")), body())
        .await
        .problem(409);
    let mut group = badge();
    group["extends"] = "Group".into();
    operator.put(&ops(BADGE), group).await.problem(409);
    for number in 1..20 {
        operator
            .put(&ops(&format!("urn:example:s{number}")), body())
            .await
            .expect(201);
    }
    operator.put(&ops("urn:example:s20"), body()).await.problem(409);
    operator.put(&ops("urn:example:s19"), body()).await.expect(200);
}

#[tokio::test]
async fn schema_that_hides_values_is_deleted_only_when_there_are_none() {
    let app = TestApp::start().await;
    let (operator, client) = defined(&app).await;
    let made = create(&client, json!({"number": 7, "pin": "1234"}))
        .await
        .expect(201);
    operator.delete(&ops(BADGE)).await.problem(409);
    client.delete(&format!("/Users/{}", made.id())).await.expect(204);
    operator.delete(&ops(BADGE)).await.expect(204);
}

/// Waits for the age at which another process looks again: the bound that is promised.
#[tokio::test]
async fn schema_changed_elsewhere_is_seen_within_five_seconds() {
    let app = TestApp::start().await;
    let tenant = app.tenant("elsewhere").await;
    let client = app.client(tenant, "scim").await;
    client.get("/Schemas").await.expect(200);
    let other = TestApp::start_on(app.database_url(), &["--redis-url", "redis://127.0.0.1:1"]).await;
    let operator = other.client(tenant, "operator").await;
    operator.put(&ops(BADGE), badge()).await.expect(201);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while client.get(&format!("/Schemas/{BADGE}")).await.status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "the schema is still unknown"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
