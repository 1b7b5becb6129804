//! Extension schemas that operators define: kept, advertised, and enforced like the built-in ones.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use rollcall_shared::scim::schema;
use serde_json::{Value, json};

const BADGE: &str = "urn:example:params:scim:schemas:badge:2.0:User";

fn badge() -> Value {
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
            ]},
        ],
    })
}

/// A tenant with the schema, seen by its operator and by its provisioning client.
async fn defined(app: &TestApp) -> (Client<'_>, Client<'_>) {
    let tenant = app.tenant(&uuid::Uuid::new_v4().to_string()).await;
    let operator = app.client(tenant, "operator").await;
    operator.put(&ops(BADGE), badge()).await.expect(201);
    (operator, app.client(tenant, "scim").await)
}

fn ops(urn: &str) -> String {
    format!("/ops/v1/schemas/{urn}")
}

/// `values` in the extension of a new user.
async fn create(client: &Client<'_>, values: Value) -> Answer {
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

/// RFC 7643 §2.2: the value of an attribute of an extension has the type that its schema defines.
/// RFC 7643 §7: a required attribute of an extension is required where the extension is present.
#[tokio::test]
async fn resource_of_a_defined_schema_is_checked_by_type_and_requirement() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    for (values, named) in [
        (json!({"colour": "red"}), "number"),
        (json!({"number": "seven"}), "number"),
        (json!({"number": 7, "valid": 1}), "valid"),
        (json!({"number": 7, "issued": "yesterday"}), "issued"),
        (json!({"number": 7, "doors": [{"floor": 1}]}), "doors.value"),
        (
            json!({"number": 7, "doors": [{"value": "a", "floor": "first"}]}),
            "doors.floor",
        ),
    ] {
        let refused = create(&client, values).await;
        let detail = refused.scim_error(400);
        assert!(detail.contains(BADGE) && detail.contains(named), "{detail}");
    }
    client.user("without-the-extension").await;
    let values =
        json!({"number": 7, "COLOUR": "blue", "lastDoor": "D1", "valid": "True", "doors": [{"value": "a"}]});
    let made = create(&client, values).await.expect(201);
    let wanted = json!({"number": 7, "colour": "blue", "valid": true, "doors": [{"value": "a"}]});
    assert_eq!(made.body[BADGE], wanted);
    assert!(made.body["schemas"].as_array().unwrap().contains(&json!(BADGE)));
}

/// RFC 7643 §7: what is returned `never` is neither shown nor found, `request` only when asked for, `always` whatever is asked for.
#[tokio::test]
async fn resource_of_a_defined_schema_shows_attributes_as_the_schema_says() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    let values = json!({
        "number": 7, "pin": "1234", "note": "n", "site": "HQ", "colour": "red",
        "doors": [{"value": "a", "secret": "s"}],
    });
    let made = create(&client, values).await.expect(201);
    let shown = json!({"number": 7, "site": "HQ", "colour": "red", "doors": [{"value": "a"}]});
    assert_eq!(made.body[BADGE], shown);
    let path = format!("/Users/{}", made.id());
    let client = &client;
    let asked = |query: String| {
        let path = format!("{path}?{query}");
        async move { client.get(&path).await.expect(200).body[BADGE].clone() }
    };
    assert_eq!(asked(String::new()).await, shown);
    assert_eq!(asked("attributes=userName".into()).await, json!({"site": "HQ"}));
    assert_eq!(
        asked(format!("attributes={BADGE}:note")).await,
        json!({"site": "HQ", "note": "n"})
    );
    assert_eq!(asked(format!("attributes={BADGE}")).await, shown);
    assert_eq!(
        asked(format!("attributes={BADGE}:doors.secret,{BADGE}:pin")).await,
        json!({"site": "HQ"})
    );
    assert_eq!(
        asked(format!("excludedAttributes={BADGE}")).await,
        json!({"site": "HQ"})
    );
    assert_eq!(
        asked(format!("excludedAttributes={BADGE}:site,{BADGE}:doors")).await,
        json!({"number": 7, "site": "HQ", "colour": "red"})
    );
    for hidden in [
        format!("{BADGE}:pin eq \"1234\""),
        format!("{BADGE}:doors[secret pr]"),
        "pin pr".into(),
    ] {
        let refused = client.find("/Users", &hidden).await;
        refused.scim_error(400);
        assert_eq!(refused.body["scimType"], "invalidFilter");
    }
    // A PUT cannot repeat what it cannot read.
    let put = json!({ "userName": made.body["userName"], BADGE: {"number": 7, "site": "HQ"} });
    client.put(&path, put).await.expect(200);
    let pin = "select document -> $2 ->> 'pin' from scim_resources where tenant_id = $1";
    let pin: Option<String> = sqlx::query_scalar(pin)
        .bind(client.tenant)
        .bind(BADGE)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(pin.as_deref(), Some("1234"));
}

/// RFC 7644 §3.5.1: a PUT with another value of an immutable attribute is 400 `mutability`.
/// RFC 7644 §3.5.2: a PATCH may set an immutable attribute that has no value, and may not change one that has.
/// RFC 7644 §3.5.2: a PATCH of a read-only attribute is 400 `mutability`.
#[tokio::test]
async fn resource_of_a_defined_schema_keeps_what_is_immutable_or_read_only() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    let values = json!({"number": 7, "doors": [{"value": "a"}, {"value": "b", "floor": 2}]});
    let made = create(&client, values).await.expect(201);
    let path = format!("/Users/{}", made.id());
    let put = |values: Value| json!({ "userName": made.body["userName"], BADGE: values });
    for refused in [
        client.put(&path, put(json!({"number": 8}))).await,
        client.put(&path, put(json!({"number": 7, "doors": [{"value": "b", "floor": 3}]}))).await,
        client.patch(&path, json!([{"op": "replace", "path": format!("{BADGE}:number"), "value": 8}])).await,
        client.patch(&path, json!([{"op": "add", "value": {BADGE: {"number": 8}}}])).await,
        client.patch(&path, json!([{"op": "remove", "path": format!("{BADGE}:number")}])).await,
        client.patch(&path, json!([{"op": "remove", "path": BADGE}])).await,
        client.patch(&path, json!([{"op": "replace", "path": format!("{BADGE}:doors[value eq \"b\"].floor"), "value": 3}])).await,
        client.patch(&path, json!([{"op": "add", "path": format!("{BADGE}:lastDoor"), "value": "D1"}])).await,
    ] {
        refused.scim_error(400);
        assert_eq!(refused.body["scimType"], "mutability", "{refused:?}");
    }
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.header("etag"), r#"W/"1""#);
    let set = json!([
        {"op": "add", "path": format!("{BADGE}:doors[value eq \"a\"].floor"), "value": 1},
        {"op": "add", "path": format!("{BADGE}:number"), "value": 7},
        {"op": "remove", "path": format!("{BADGE}:doors[value eq \"b\"]")},
    ]);
    let patched = client.patch(&path, set).await.expect(200);
    assert_eq!(
        patched.body[BADGE],
        json!({"number": 7, "doors": [{"value": "a", "floor": 1}]})
    );
    // Omitted, an immutable attribute stays.
    let replaced = client
        .put(&path, json!({ "userName": made.body["userName"] }))
        .await
        .expect(200);
    assert_eq!(replaced.body[BADGE], json!({"number": 7}));
}

/// RFC 7644 §3.4.2.2: filters on attributes of an extension compare by the type and case rule of its schema.
#[tokio::test]
async fn resource_of_a_defined_schema_is_found_by_its_attributes() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    let values = json!({"number": 7, "code": "Ab", "colour": "Red", "valid": true, "doors": [{"value": "a", "floor": 2}]});
    let made = create(&client, values).await.expect(201);
    create(&client, json!({"number": 70, "valid": false}))
        .await
        .expect(201);
    for (filter, found) in [
        (format!("{BADGE}:number gt 6 and {BADGE}:number lt 8"), 1),
        (format!("{BADGE}:number ge 7"), 2),
        (format!("{BADGE}:colour eq \"red\""), 1),
        (format!("{BADGE}:code eq \"ab\""), 0),
        (format!("{BADGE}:code eq \"Ab\""), 1),
        (format!("{BADGE}:valid eq true"), 1),
        (
            format!("{}:DOORS[value eq \"A\" and floor eq 2]", BADGE.to_uppercase()),
            1,
        ),
        ("colour pr".to_owned(), 1),
    ] {
        let answer = client.find("/Users", &filter).await.expect(200);
        assert_eq!(answer.body["totalResults"], found, "{filter}");
        if found == 1 {
            assert_eq!(answer.body["Resources"][0]["id"], made.id());
        }
    }
}

/// RFC 7643 §2.4: of the values of a multi-valued attribute at most one is primary.
#[tokio::test]
async fn resource_of_a_defined_schema_is_patched_by_value_paths_and_keeps_one_primary() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    let values = json!({"number": 7, "doors": [{"value": "a", "primary": true}, {"value": "b"}]});
    let made = create(&client, values).await.expect(201);
    let path = format!("/Users/{}", made.id());
    let primary =
        json!([{"op": "replace", "path": format!("{BADGE}:doors[value eq \"b\"].primary"), "value": true}]);
    let patched = client.patch(&path, primary).await.expect(200);
    let wanted = json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}]);
    assert_eq!(patched.body[BADGE]["doors"], wanted);
    let required = json!([{"op": "remove", "path": format!("{BADGE}:doors[value eq \"b\"].value")}]);
    let refused = client.patch(&path, required).await;
    refused.scim_error(400);
    assert_eq!(refused.body["scimType"], "mutability");
    let absent = json!([{"op": "remove", "path": format!("{BADGE}:doors[value eq \"c\"]")}]);
    let refused = client.patch(&path, absent).await;
    refused.scim_error(400);
    assert_eq!(refused.body["scimType"], "noTarget");
}

#[tokio::test]
async fn resource_older_than_a_schema_is_measured_by_it_only_where_it_is_written() {
    let app = TestApp::start().await;
    let tenant = app.tenant("older").await;
    let client = app.client(tenant, "scim").await;
    let body = json!({ "userName": "anna", BADGE.to_uppercase(): {"colour": "red"} });
    let made = client.post("/Users", body).await.expect(201);
    assert_eq!(made.body[BADGE.to_uppercase()]["colour"], "red");
    let operator = app.client(tenant, "operator").await;
    operator.put(&ops(BADGE), badge()).await.expect(201);
    let path = format!("/Users/{}", made.id());
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let patched = client.patch(&path, off).await.expect(200);
    assert_eq!(patched.body[BADGE]["colour"], "red");
    let colour = json!([{"op": "replace", "path": format!("{BADGE}:colour"), "value": "green"}]);
    let refused = client.patch(&path, colour).await;
    assert!(refused.scim_error(400).contains("number"));
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

#[tokio::test]
async fn group_of_a_defined_schema_is_checked_too() {
    let app = TestApp::start().await;
    let tenant = app.tenant("groups").await;
    let operator = app.client(tenant, "operator").await;
    let urn = "urn:example:cost:Group";
    let body = json!({"attributes": [{"name": "budget", "type": "decimal", "required": true}]});
    operator.put(&ops(urn), body).await.expect(201);
    let client = app.client(tenant, "scim").await;
    let group = |values: Value| client.post("/Groups", json!({ "displayName": "Sales", urn: values }));
    group(json!({"budget": "much"})).await.scim_error(400);
    let made = group(json!({"budget": 1.5})).await.expect(201);
    assert_eq!(made.body[urn]["budget"], 1.5);
    let types = client.get("/ResourceTypes/Group").await.expect(200);
    assert_eq!(types.body["schemaExtensions"][0]["schema"], urn);
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
