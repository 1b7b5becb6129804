//! What scripts of HR systems send: a roster in any order, every night.

use crate::app::{Answer, Client, TestApp};
use rollcall_shared::scim::schema::{ENTERPRISE_USER, USER};
use serde_json::{Value, json};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

fn person(name: &str, manager: Option<&str>) -> Value {
    let mail = |name: &str| format!("{name}@example.com");
    json!({
        "schemas": [USER, ENTERPRISE_USER],
        "externalId": format!("hr-{name}"), "userName": mail(name),
        "emails": [{"value": mail(name), "type": "work", "primary": true}],
        ENTERPRISE_USER: {"manager": manager.map(mail), "department": "Sales"},
    })
}

/// Reports before managers, managers before theirs.
fn roster() -> Vec<Value> {
    vec![
        person("carl", Some("bea")),
        person("bea", Some("anna")),
        person("dora", Some("bea")),
        person("anna", None),
    ]
}

async fn bulk(client: &Client<'_>, method: &str, path: impl Fn(&Value) -> String) -> Answer {
    let operation = |(index, person): (usize, Value)| json!({ "method": method, "path": path(&person), "bulkId": format!("row-{index}"), "data": person });
    let operations: Vec<Value> = roster().into_iter().enumerate().map(operation).collect();
    client
        .post("/Bulk", json!({ "schemas": [BULK], "Operations": operations }))
        .await
        .expect(200)
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let operations = answer.body["Operations"].as_array().unwrap();
    operations
        .iter()
        .map(|operation| operation["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn hris_roster_with_reports_before_their_managers_by_email_is_created_in_one_request() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let answer = bulk(&client, "POST", |_| "/Users".into()).await;
    assert_eq!(statuses(&answer), ["201"; 4]);
    let reports = client
        .find("/Users", r#"manager eq "bea@example.com""#)
        .await
        .expect(200);
    assert_eq!(reports.body["totalResults"], 2);
}

#[tokio::test]
async fn hris_roster_sent_whole_every_night_changes_nothing() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    bulk(&client, "POST", |_| "/Users".into()).await;
    // As new again: everybody is there already.
    let again = bulk(&client, "POST", |_| "/Users".into()).await;
    assert_eq!(statuses(&again), ["409"; 4]);
    assert_eq!(again.body["Operations"][0]["response"]["scimType"], "uniqueness");
    // As replacements, by the ids of the HR system or one after the other by ours.
    for person in roster() {
        let external_id = person["externalId"].as_str().unwrap();
        let replaced = client
            .put(&format!("/Users/{external_id}"), person.clone())
            .await
            .expect(200);
        assert_eq!(replaced.header("etag"), r#"W/"1""#, "{external_id}");
    }
}

#[tokio::test]
async fn hris_numbers_and_blank_references_are_read_as_references_or_none() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let created = |values: Value| {
        let mut body = values;
        body["userName"] = uuid::Uuid::new_v4().to_string().into();
        client.post("/Users", body)
    };
    let made = created(json!({ ENTERPRISE_USER: {"manager": 4711} }))
        .await
        .expect(201);
    assert_eq!(made.body[ENTERPRISE_USER]["manager"], json!({"value": "4711"}));
    for blank in [json!(""), json!(null), json!([]), json!({"value": ""})] {
        let made = created(json!({ ENTERPRISE_USER: {"manager": blank} }))
            .await
            .expect(201);
        assert!(made.body.get(ENTERPRISE_USER).is_none());
    }
}
