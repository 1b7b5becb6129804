use super::Session;
use super::client::encoded;
use super::output::{Column, text, time};
use clap::Args;
use serde_json::Value;

const OPERATIONS: &[Column] = &[
    ("INDEX", |operation| text(operation, "/index")),
    ("STATE", |operation| text(operation, "/state")),
    ("OPERATION", |operation| text(operation, "/operation")),
    ("TYPE", |operation| text(operation, "/resourceType")),
    ("RESOURCE", |operation| text(operation, "/id")),
    ("ACCEPTED", |operation| time(operation, "/acceptedAt")),
    ("APPLIED", |operation| time(operation, "/appliedAt")),
    ("WHAT IS MISSING", missing),
];

#[derive(Args)]
pub(super) struct Receipt {
    /// What the header Set-Txn said, or one operation of a bulk request: ID:INDEX
    id: String,
}

impl Receipt {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let path = format!("/receipts/{}", encoded(&self.id));
        session.list(
            (&path, "operations"),
            Some(0),
            OPERATIONS,
            "The request wrote nothing.",
        )
    }
}

/// Links that wait and values that were rejected.
fn missing(operation: &Value) -> String {
    let links = operation["waiting"].as_array().into_iter().flatten().map(|link| {
        format!(
            "{} {}: {}",
            text(link, "/slot"),
            text(link, "/reference"),
            text(link, "/reason")
        )
    });
    let values = operation["rejected"].as_array().into_iter().flatten();
    let values = values.map(|value| format!("{}: {}", text(value, "/field"), text(value, "/reason")));
    let all: Vec<String> = links.chain(values).collect();
    match all.is_empty() {
        true => "-".to_owned(),
        false => all.join("; "),
    }
}
