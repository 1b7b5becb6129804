//! Resources of the schemas that operators defined.

use crate::app::TestApp;
use crate::schemas::{BADGE, badge, create, defined, ops};
use serde_json::{Value, json};

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

/// RFC 7643 §7: what is returned on `request` is in the answer to the POST, PUT or PATCH that specified it.
#[tokio::test]
async fn resource_of_a_defined_schema_shows_what_is_returned_on_request_to_the_write_that_specified_it() {
    let app = TestApp::start().await;
    let (_, client) = defined(&app).await;
    let values = json!({
        "number": 7, "note": "n", "doors": [{"value": "a", "remark": "r"}, {"value": "b"}],
    });
    let made = create(&client, values.clone()).await.expect(201);
    assert_eq!(made.body[BADGE], values);
    let path = format!("/Users/{}", made.id());
    let hidden = json!({"number": 7, "doors": [{"value": "a"}, {"value": "b"}]});
    assert_eq!(client.get(&path).await.expect(200).body[BADGE], hidden);

    let title = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    assert_eq!(client.patch(&path, title).await.expect(200).body[BADGE], hidden);
    for operation in [
        json!({"op": "replace", "path": format!("{BADGE}:NOTE"), "value": "m"}),
        json!({"op": "replace", "path": BADGE, "value": {"note": "m"}}),
        json!({"op": "add", "value": {BADGE: {"note": "m"}}}),
        json!({"op": "add", "value": {format!("{BADGE}:note"): "m"}}),
    ] {
        let answer = client.patch(&path, json!([operation])).await.expect(200);
        assert_eq!(answer.body[BADGE]["note"], "m", "{operation}");
        assert!(
            answer.body[BADGE]["doors"][0].get("remark").is_none(),
            "{operation}"
        );
    }
    let remark =
        json!([{"op": "replace", "path": format!("{BADGE}:doors[value eq \"b\"].remark"), "value": "s"}]);
    let answer = client.patch(&path, remark.clone()).await.expect(200);
    let doors = json!([{"value": "a", "remark": "r"}, {"value": "b", "remark": "s"}]);
    assert_eq!(answer.body[BADGE], json!({"number": 7, "doors": doors}));

    let put = json!({ "userName": made.body["userName"], BADGE: {"number": 7, "note": "p"} });
    let answer = client.put(&path, put.clone()).await.expect(200);
    assert_eq!(answer.body[BADGE], json!({"number": 7, "note": "p"}));
    // What else the client asks for still holds.
    let answer = client
        .put(&format!("{path}?attributes=userName"), put.clone())
        .await
        .expect(200);
    assert!(answer.body.get(BADGE).is_none(), "{answer:?}");
    let without = format!("{path}?excludedAttributes={BADGE}:note");
    let answer = client.put(&without, put).await.expect(200);
    assert_eq!(answer.body[BADGE], json!({"number": 7}));
}
