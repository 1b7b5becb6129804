//! The mapping of a tenant: read, replaced, refused, and kept version by version.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const MAPPING: &str = "/ops/v1/mapping";

/// Put a mapping in place of the version with this tag.
pub(crate) async fn put(operator: &Client<'_>, query: &str, tag: &str, body: &Value) -> Answer {
    let request = operator.request(Method::PUT, &format!("{MAPPING}{query}"));
    send(request.header("if-match", tag).json(body)).await
}

/// The default with `titles` in place of the rule for the position.
pub(crate) async fn with_position(operator: &Client<'_>, rule: Value) -> Value {
    let mut mapping = operator.get(MAPPING).await.expect(200).body["mapping"].clone();
    let rules = mapping["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["name"] != "position");
    rules.push(rule);
    json!({ "mapping": mapping })
}

/// Positions in capitals.
pub(crate) async fn loud(operator: &Client<'_>) -> Value {
    let rule = json!({ "name": "position", "from": ["title"], "to": { "field": "position" }, "transform": ["upper"] });
    with_position(operator, rule).await
}

#[tokio::test]
async fn mapping_of_a_new_tenant_is_the_default_in_version_1() {
    let app = TestApp::start().await;
    let tenant = app.tenant("mine").await;
    let operator = app.client(tenant, "operator").await;
    let read = operator.get(MAPPING).await.expect(200);
    assert_eq!(read.header("etag"), r#"W/"1""#);
    let about = ["version", "createdAt", "createdBy", "note"].map(|name| read.body[name].clone());
    assert_eq!(about, [json!(1), Value::Null, Value::Null, Value::Null]);
    assert!(read.body["mapping"]["rules"].as_array().unwrap().len() > 15);
    let first = operator.get(&format!("{MAPPING}/versions/1")).await.expect(200);
    assert_eq!(first.body, read.body);
    let listed = operator
        .get(&format!("{MAPPING}/versions"))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&listed["totalResults"], &listed["itemsPerPage"]),
        (&json!(1), &json!(1))
    );
    for unknown in ["0", "2", "-1", "99999999999", "first"] {
        operator
            .get(&format!("{MAPPING}/versions/{unknown}"))
            .await
            .problem(404);
    }
    for scope in ["scim", "content"] {
        let other = app.client(tenant, scope).await;
        other.get(MAPPING).await.problem(403);
        put(&other, "", "*", &read.body).await.problem(403);
    }
}

#[tokio::test]
async fn mapping_is_replaced_under_its_tag_and_every_version_is_kept() {
    let app = TestApp::start().await;
    let tenant = app.tenant("mine").await;
    let operator = app.client(tenant, "operator").await;
    let default = operator.get(MAPPING).await.expect(200).body;
    let mut changed = loud(&operator).await;
    changed["note"] = "they shout".into();
    let without = send(operator.request(Method::PUT, MAPPING).json(&changed)).await;
    without.problem(428);
    put(&operator, "", r#"W/"2""#, &changed).await.problem(412);

    let second = put(&operator, "", r#"W/"1""#, &changed).await.expect(200);
    assert_eq!(second.header("etag"), r#"W/"2""#);
    assert_eq!(second.body["mapping"], changed["mapping"]);
    assert_eq!(second.body["note"], "they shout");
    assert_eq!(second.body["createdBy"]["name"], "test");
    put(&operator, "", r#"W/"1""#, &changed).await.problem(412);
    let read = operator.get(MAPPING).await.expect(200);
    assert_eq!(
        (read.header("etag"), &read.body["mapping"]),
        (r#"W/"2""#, &changed["mapping"])
    );

    // What was read can be put again, by which the version that it was is in force once more.
    let third = put(&operator, "", r#"W/"2""#, &default).await.expect(200);
    assert_eq!(
        (&third.body["version"], &third.body["mapping"]),
        (&json!(3), &default["mapping"])
    );
    let listed = operator
        .get(&format!("{MAPPING}/versions"))
        .await
        .expect(200)
        .body;
    let numbers: Vec<&Value> = listed["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["version"])
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(listed["versions"][1]["note"], "they shout");
    assert!(listed["versions"][1].get("mapping").is_none());
    for (query, numbers) in [
        ("startIndex=2&count=1", json!([2])),
        ("startIndex=3&count=5", json!([1])),
        ("startIndex=4", json!([])),
        ("count=2", json!([3, 2])),
        ("count=0", json!([])),
    ] {
        let page = operator
            .get(&format!("{MAPPING}/versions?{query}"))
            .await
            .expect(200)
            .body;
        let found: Vec<&Value> = page["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["version"])
            .collect();
        assert_eq!(json!(found), numbers, "{query}");
        assert_eq!(page["totalResults"], 3);
    }
    let shown = operator
        .get(&format!("{MAPPING}/versions/2"))
        .await
        .expect(200)
        .body;
    assert_eq!(shown["mapping"], changed["mapping"]);

    let other = app.client(app.tenant("other").await, "operator").await;
    assert_eq!(other.get(MAPPING).await.body["version"], 1);
    other.get(&format!("{MAPPING}/versions/2")).await.problem(404);
}

#[tokio::test]
async fn mapping_change_begins_a_run_in_place_of_the_one_of_the_version_before() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let default = operator.get(MAPPING).await.expect(200).body;
    let second = put(&operator, "", "*", &loud(&operator).await).await.expect(200);
    let run = |id: &Value| format!("/ops/v1/runs/{}", id.as_str().unwrap());
    let first_run = run(&second.body["run"]);
    let begun = operator.get(&first_run).await.expect(200).body;
    assert_eq!(
        (
            &begun["scope"],
            &begun["scopeId"],
            &begun["state"],
            &begun["dryRun"]
        ),
        (&json!("mapping"), &json!(2), &json!("running"), &json!(false))
    );

    let third = put(&operator, "", "*", &default).await.expect(200);
    let begun = operator.get(&run(&third.body["run"])).await.expect(200).body;
    assert_eq!(
        (&begun["scopeId"], &begun["cancelRequested"]),
        (&json!(3), &json!(false))
    );
    let before = operator.get(&first_run).await.expect(200).body;
    assert_eq!(
        (&before["cancelRequested"], &before["phase"]),
        (&json!(true), &json!("links"))
    );

    // Nothing changes: no version, no run.
    let same = put(&operator, "", r#"W/"3""#, &default).await.expect(200);
    assert_eq!(
        (same.header("etag"), &same.body["run"]),
        (r#"W/"3""#, &Value::Null)
    );
    assert_eq!(operator.get("/ops/v1/runs").await.body["totalResults"], 2);
}

#[tokio::test]
async fn mapping_is_exported_as_a_file_that_can_be_put_elsewhere() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    put(&operator, "", "*", &loud(&operator).await).await.expect(200);
    let file = operator
        .get(&format!("{MAPPING}?download=true"))
        .await
        .expect(200);
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"mapping-2.json\""
    );
    assert_eq!(file.header("content-type"), "application/json");
    let old = operator
        .get(&format!("{MAPPING}/versions/1?download=true"))
        .await
        .expect(200);
    assert_eq!(
        old.header("content-disposition"),
        "attachment; filename=\"mapping-1.json\""
    );
    for shown in ["", "?download=false"] {
        let shown = operator.get(&format!("{MAPPING}{shown}")).await.expect(200);
        assert_eq!(shown.header("content-disposition"), "");
    }
    let other = app.client(app.tenant("other").await, "operator").await;
    let put_there = put(&other, "", r#"W/"1""#, &file.body).await.expect(200);
    assert_eq!(put_there.body["mapping"], file.body["mapping"]);
}

#[tokio::test]
async fn mapping_that_makes_no_sense_is_400_with_each_rule_and_reason_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let position = |more: Value| {
        let mut rule = json!({ "name": "position", "from": ["title"], "to": { "field": "position" } });
        rule.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        rule
    };
    for rule in [
        position(json!({ "from": ["nonsense"] })),
        position(json!({ "from": [] })),
        position(json!({ "transform": [{ "part": 0 }] })),
        position(json!({ "to": { "field": "login" } })),
        position(json!({ "to": { "field": "shoe size" } })),
        position(json!({ "apply": "sometimes" })),
        position(json!({ "colour": "red" })),
    ] {
        let body = with_position(&operator, rule.clone()).await;
        for refused in [
            put(&operator, "", "*", &body).await,
            operator.post(&format!("{MAPPING}/preview"), body.clone()).await,
        ] {
            refused.problem(400);
            let errors = refused.body["errors"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{rule}: {errors:?}");
            assert_eq!(errors[0]["rule"], "position", "{rule}: {errors:?}");
            assert!(
                errors[0]["reason"]
                    .as_str()
                    .is_some_and(|reason| reason.len() > 5),
                "{errors:?}"
            );
        }
    }
    let mut two = loud(&operator).await;
    for rule in two["mapping"]["rules"].as_array_mut().unwrap().iter_mut().take(2) {
        rule["from"] = json!(["nonsense"]);
    }
    let refused = put(&operator, "", "*", &two).await;
    refused.problem(400);
    assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(2));

    let mut nul = loud(&operator).await;
    nul["mapping"]["rules"][0]["from"] = json!(["a\u{0}b"]);
    let mut long = loud(&operator).await;
    long["note"] = "x".repeat(1_001).into();
    let mut noted = loud(&operator).await;
    noted["note"] = "\u{0}".into();
    let mut more = loud(&operator).await;
    more["comment"] = "".into();
    for body in [
        json!({}),
        json!([]),
        json!({ "mapping": [] }),
        nul,
        long,
        noted,
        more,
    ] {
        put(&operator, "", "*", &body).await.problem(400);
    }
    let cut = operator.request(Method::PUT, MAPPING).header("if-match", "*");
    let cut = cut
        .header("content-type", "application/json")
        .body("{\"mapping\":");
    send(cut).await.problem(400);
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"1""#);
    assert_eq!(operator.get("/ops/v1/runs").await.body["totalResults"], 0);
}

#[tokio::test]
async fn mapping_put_by_many_at_once_is_replaced_by_one_of_them() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let body = loud(&operator).await;
    let mut bodies = vec![];
    for number in 0..8 {
        let mut body = body.clone();
        body["mapping"]["rules"]
            .as_array_mut()
            .unwrap()
            .retain(|rule| rule["name"] != "level");
        body["note"] = format!("number {number}").into();
        bodies.push(body);
    }
    let puts = bodies.iter().map(|body| put(&operator, "", r#"W/"1""#, body));
    let statuses: Vec<u16> = futures::future::join_all(puts)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(taken, 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [200, 412].contains(status)),
        "{statuses:?}"
    );
    let listed = operator.get(&format!("{MAPPING}/versions")).await.body;
    assert_eq!(listed["totalResults"], 2);
}
