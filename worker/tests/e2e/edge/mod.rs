//! What happens in companies on odd days, sent as real clients send it. Each proof looks at the
//! whole directory afterwards.

mod managers;
mod names;
mod rehire;
mod roster;
mod teams;

use crate::harness::{Stack, Tenant, bulk, directory};
use serde_json::{Value, json};
use std::time::Duration;

const CATCH_UP: Duration = Duration::from_secs(60);
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";

/// `<name>@odd.example`
fn address(name: &str) -> String {
    format!("{name}@odd.example")
}

/// A user as an HR system sends one. Department and manager may be null.
fn person(name: &str, department: Option<&str>, manager: Option<&str>) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": format!("hr-{name}"),
        "userName": address(name),
        "emails": [{ "value": address(name), "type": "work", "primary": true }],
        "active": true,
        ENTERPRISE: { "department": department, "manager": manager.map(address) },
    })
}

/// POST a user; answers its id.
async fn hired(tenant: &Tenant, body: Value) -> String {
    tenant.scim.post("/Users", &body).await.expect(201).id()
}

/// POST a group of these Users; answers its id.
async fn founded(tenant: &Tenant, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let group = json!({ "displayName": name, "members": members });
    tenant.scim.post("/Groups", &group).await.expect(201).id()
}

/// An operation that creates a user.
fn hire(name: &str, body: Value) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": body })
}

/// An operation that deletes a user.
fn dismiss(id: &str) -> Value {
    json!({ "method": "DELETE", "path": format!("/Users/{id}") })
}

/// Send operations in one request; fails unless each has this status.
async fn sent(tenant: &Tenant, operations: &[Value], statuses: &[&str]) -> Value {
    let answer = tenant
        .scim
        .post("/Bulk", &bulk::request(operations))
        .await
        .expect(200);
    assert_eq!(bulk::statuses(&answer), statuses, "{}", answer.body);
    answer.body
}

/// The directory once it has caught up, a line for each thing.
async fn facts(stack: &mut Stack, tenant: &Tenant) -> Vec<String> {
    stack.converged(CATCH_UP).await;
    directory::facts(&stack.db, tenant.id).await
}
