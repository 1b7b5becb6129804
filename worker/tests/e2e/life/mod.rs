//! The life of a person: deactivated, deleted, back again, erased; and values that are refused.

mod erasure;
mod lifecycle;
mod rejections;

use crate::harness::{Stack, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// For the directory to catch up.
const SOON: Duration = Duration::from_secs(60);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";

/// Create a resource; answers its id.
async fn create(tenant: &Tenant, endpoint: &str, body: Value) -> String {
    tenant.scim.post(endpoint, &body).await.expect(201).id()
}

async fn patch(tenant: &Tenant, path: &str, operations: Value) {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let status = tenant.scim.patch(path, &body).await.status.as_u16();
    assert!(matches!(status, 200 | 204), "{status}");
}

async fn delete(tenant: &Tenant, path: &str) {
    tenant.scim.call(Method::DELETE, path, None).await.expect(204);
}

/// What operators are shown of a person.
async fn person(tenant: &Tenant, id: &str) -> Value {
    tenant.ops.get(&format!("/people/{id}")).await.expect(200).body
}

/// A person's links, each as slot, state and whom or what it names.
async fn links(tenant: &Tenant, id: &str) -> Vec<String> {
    let body = tenant
        .ops
        .get(&format!("/people/{id}/links"))
        .await
        .expect(200)
        .body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut links: Vec<String> = body["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| {
            let named = [&link["person"]["login"], &link["team"]["name"], &link["reason"]];
            let named = named.into_iter().find(|value| value.is_string()).map(text);
            format!(
                "{} {} {}",
                text(&link["slot"]),
                text(&link["state"]),
                named.unwrap_or_default()
            )
        })
        .collect();
    links.sort();
    links
}

/// Stop the only worker in good order.
async fn stop_worker(stack: &mut Stack) {
    stack.workers[0].terminate(SOON).await;
}

/// Start it again.
async fn start_worker(stack: &mut Stack) {
    stack.workers[0].start();
    stack.ready().await;
}
