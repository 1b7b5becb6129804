use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// Type of a delivery that tells of changes.
const CHANGED: &str = "directory.changed";
/// Type of one that tells of nothing.
pub const PING: &str = "ping";
/// Bytes of a delivery, unless a single change needs more.
pub const MAX_BYTES: usize = 256 * 1024;

/// The body of a delivery that tells of these changes, in their order.
pub fn changed(changes: &[Value], now: DateTime<Utc>) -> String {
    body(CHANGED, now, json!({ "changes": changes }))
}

/// The body of a delivery that only says that deliveries arrive.
pub fn ping(now: DateTime<Utc>) -> String {
    body(PING, now, json!({}))
}

/// As Standard Webhooks has it: the type of the event, when it happened, its data.
fn body(kind: &str, now: DateTime<Utc>, data: Value) -> String {
    let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_holds_type_time_and_changes_in_their_order() {
        let changes = [json!({ "id": "7.0" }), json!({ "id": "7.1" })];
        let expected = r#"{"type":"directory.changed","timestamp":"1970-01-01T00:00:00.000Z","data":{"changes":[{"id":"7.0"},{"id":"7.1"}]}}"#;
        assert_eq!(changed(&changes, DateTime::UNIX_EPOCH), expected);
        let expected = r#"{"type":"ping","timestamp":"1970-01-01T00:00:00.000Z","data":{}}"#;
        assert_eq!(ping(DateTime::UNIX_EPOCH), expected);
    }
}
