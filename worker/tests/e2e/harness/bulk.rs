//! Bulk requests, and what came of their operations.

use super::Answer;
use serde_json::{Value, json};

/// The body of a `/Bulk` request.
pub(crate) fn request(operations: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    })
}

/// An operation that patches `path`.
pub(crate) fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": super::patch(operations) })
}

/// The status of each operation answered.
pub(crate) fn statuses(answer: &Answer) -> Vec<&str> {
    let operations = answer.body["Operations"].as_array().expect("Operations");
    operations
        .iter()
        .map(|operation| operation["status"].as_str().unwrap_or("none"))
        .collect()
}
