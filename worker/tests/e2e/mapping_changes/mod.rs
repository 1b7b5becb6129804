//! Changes of the mapping, previewed and made over HTTP with real processes: what a preview says is
//! what then happens, and nothing else.

mod directory;
mod division;
mod preview;
mod random;

use super::harness::{Answer, Stack, Tenant, within};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const SOON: Duration = Duration::from_secs(60);
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const HR: &str = "urn:example:params:scim:schemas:hr:2.0:User";

/// The mapping in force, to be changed by a test.
pub(super) async fn mapping(tenant: &Tenant) -> Value {
    tenant.ops.get("/mapping").await.expect(200).body
}

/// Put `rule` in the place of the one of its name, or beside the others.
pub(super) fn set_rule(mapping: &mut Value, rule: Value) {
    let rules = mapping["mapping"]["rules"].as_array_mut().unwrap();
    rules.retain(|other| other["name"] != rule["name"]);
    rules.push(rule);
}

/// A preview that came to its end.
pub(super) async fn preview(tenant: &Tenant, mapping: &Value) -> Value {
    let answer = tenant.ops.post("/mapping/preview", mapping).await;
    assert!([200, 202].contains(&answer.status.as_u16()), "{answer:?}");
    let place = format!("/mapping/previews/{}", answer.id());
    within(SOON, "the preview comes to its end", async || {
        let shown = tenant.ops.get(&place).await.expect(200).body;
        (shown["state"] != "running").then_some(shown)
    })
    .await
}

/// Put a mapping over the version in force.
pub(super) async fn put(tenant: &Tenant, mapping: &Value, preview: Option<&Value>) -> Answer {
    let tag = tenant.ops.get("/mapping").await.expect(200);
    let query = preview.map(|preview| format!("?preview={}", preview["id"].as_str().unwrap()));
    let path = format!("/mapping{}", query.unwrap_or_default());
    tenant
        .ops
        .put_over(&path, tag.header("etag").unwrap(), mapping)
        .await
}

/// The report of the run that this version began.
pub(super) async fn run_of(tenant: &Tenant, version: i64) -> Value {
    within(SOON, "the run of the mapping comes to its end", async || {
        let runs = tenant.ops.get("/runs?count=1000").await.expect(200).body;
        let runs = runs["runs"].as_array().unwrap();
        let mut of_version = runs
            .iter()
            .filter(|run| run["scope"] == "mapping" && run["scopeId"] == version);
        let run = of_version.next()?;
        assert!(of_version.next().is_none(), "one run for each version");
        (run["state"] == "finished").then(|| run["report"].clone())
    })
    .await
}

/// Write these users and wait until they are in the directory.
pub(super) async fn bring(stack: &mut Stack, tenant: &Tenant, users: impl Iterator<Item = Value>) {
    let operations: Vec<Value> = users
        .enumerate()
        .map(|(number, data)| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": data }))
        .collect();
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    for operations in operations.chunks(500) {
        let body = json!({ "schemas": schemas, "Operations": operations });
        let answer = tenant.scim.post("/Bulk", &body).await.expect(200).body;
        for operation in answer["Operations"].as_array().unwrap() {
            assert_eq!(operation["status"], "201", "{operation}");
        }
    }
    stack.converged(SOON).await;
}
