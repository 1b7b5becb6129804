//! Settings of a tenant.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};

const SETTINGS: &str = "/ops/v1/settings";

/// With `If-Match`.
async fn change(client: &Client<'_>, method: Method, tag: &str, body: Value) -> Answer {
    let request = client.request(method, SETTINGS).header("if-match", tag);
    send(request.json(&body)).await
}

#[tokio::test]
async fn settings_nobody_changed_are_the_defaults() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let answer = operator.get(SETTINGS).await.expect(200);
    assert_eq!(answer.header("etag"), r#"W/"1""#);
    assert_eq!(answer.body["timeZone"], "UTC");
    assert_eq!(answer.body["datesDriveStatus"], false);
    assert_eq!(answer.body["deprovisionedRetentionDays"], Value::Null);
    assert_eq!(answer.body["uniqueGroupNames"], true);
}

#[tokio::test]
async fn put_replaces_all_settings_and_patch_some_of_this_tenant_only() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let other = app.client(app.tenant("theirs").await, "operator").await;
    let body = json!({ "timeZone": "Asia/Tokyo", "deprovisionedRetentionDays": 30 });
    let put = operator.put(SETTINGS, body).await.expect(200);
    assert_eq!(put.header("etag"), r#"W/"2""#);

    let body = json!({ "datesDriveStatus": true, "deprovisionedRetentionDays": null });
    let patch = operator.request(Method::PATCH, SETTINGS).json(&body);
    let patched = send(patch).await.expect(200);
    assert_eq!(patched.body["timeZone"], "Asia/Tokyo", "left as it was");
    assert_eq!(patched.body["datesDriveStatus"], true);
    assert_eq!(patched.body["deprovisionedRetentionDays"], Value::Null);
    assert_eq!(operator.get(SETTINGS).await.expect(200).body, patched.body);

    let put = operator
        .put(SETTINGS, json!({ "timeZone": "UTC" }))
        .await
        .expect(200);
    assert_eq!(put.body["datesDriveStatus"], false, "not said, so as by default");
    assert_eq!(other.get(SETTINGS).await.expect(200).header("etag"), r#"W/"1""#);
}

#[tokio::test]
async fn settings_are_changed_in_the_version_the_request_wants_only() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let tokyo = json!({ "timeZone": "Asia/Tokyo" });
    change(&operator, Method::PATCH, r#"W/"7""#, tokyo.clone())
        .await
        .problem(412);
    change(&operator, Method::PATCH, r#"W/"1""#, tokyo.clone())
        .await
        .expect(200);
    change(&operator, Method::PUT, r#"W/"1""#, json!({}))
        .await
        .problem(412);
    let same = change(&operator, Method::PATCH, r#"W/"2""#, tokyo)
        .await
        .expect(200);
    assert_eq!(same.header("etag"), r#"W/"2""#, "nothing changed");
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_by_name_and_change_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("mine").await;
    let operator = app.client(tenant, "operator").await;
    for (name, value) in [
        ("timeZone", json!("Mars/Olympus")),
        ("datesDriveStatus", json!("perhaps")),
        ("deprovisionedRetentionDays", json!(0)),
        ("unheardOf", json!(true)),
    ] {
        let body = json!({ "timeZone": "Asia/Tokyo", name: value });
        let answer = operator.put(SETTINGS, body).await;
        let detail = answer.problem(400);
        assert!(detail.starts_with(name) && !detail.contains("Mars"), "{detail}");
    }
    operator.put(SETTINGS, json!([])).await.problem(400);
    assert_eq!(
        operator.get(SETTINGS).await.expect(200).header("etag"),
        r#"W/"1""#
    );
    let scim = app.client(tenant, "scim").await;
    scim.get(SETTINGS).await.problem(403);
    scim.put(SETTINGS, json!({})).await.problem(403);
}

#[tokio::test]
async fn groups_share_a_name_where_the_settings_let_them() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let named = |name: &str| json!({ "displayName": name });
    let first = scim.post("/Groups", named("Guild")).await.expect(201);
    scim.post("/Groups", named("guild")).await.scim_error(409);

    let shared = json!({ "uniqueGroupNames": false });
    operator.put(SETTINGS, shared).await.expect(200);
    let second = scim.post("/Groups", named("guild")).await.expect(201);
    let third = scim.post("/Groups", named("Choir")).await.expect(201);
    let path = format!("/Groups/{}", third.id());
    scim.put(&path, named("GUILD")).await.expect(200);
    let found = scim.find("/Groups", "displayName eq \"Guild\"").await.expect(200);
    let ids: Vec<&str> = found.body["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [first.id(), second.id(), third.id()]);
    // Everything else is as unique as ever.
    scim.user("ada").await;
    scim.post("/Users", json!({ "userName": "ADA" }))
        .await
        .scim_error(409);

    operator.put(SETTINGS, json!({})).await.expect(200);
    scim.post("/Groups", named("guild")).await.scim_error(409);
    // Whoever has the name keeps it, and may say so again.
    let path = format!("/Groups/{}", second.id());
    scim.put(&path, named("guild")).await.expect(200);
}

#[tokio::test]
async fn name_that_groups_share_is_free_again_when_the_last_of_them_is_renamed() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    operator
        .put(SETTINGS, json!({ "uniqueGroupNames": false }))
        .await
        .expect(200);
    let mut groups = vec![];
    for _ in 0..3 {
        let group = scim
            .post("/Groups", json!({ "displayName": "Guild" }))
            .await
            .expect(201);
        groups.push(format!("/Groups/{}", group.id()));
    }
    for (number, group) in groups.iter().enumerate() {
        scim.put(group, json!({ "displayName": format!("Guild {number}") }))
            .await
            .expect(200);
    }
    operator.put(SETTINGS, json!({})).await.expect(200);
    scim.post("/Groups", json!({ "displayName": "Guild" }))
        .await
        .expect(201);
}
