use super::Session;
use super::client::encoded;
use super::lists::Limit;
use super::output::{Column, text, time};
use clap::{Args, Subcommand};
use serde_json::Value;
use uuid::Uuid;

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

const RECEIPTS: &[Column] = &[
    ("RECEIPT", |write| {
        format!("{}:{}", text(write, "/txn"), text(write, "/index"))
    }),
    ("STATE", |write| text(write, "/state")),
    ("OPERATION", |write| text(write, "/operation")),
    ("TYPE", |write| text(write, "/resourceType")),
    ("RESOURCE", |write| text(write, "/id")),
    ("ACCEPTED", |write| time(write, "/acceptedAt")),
    ("APPLIED", |write| time(write, "/appliedAt")),
];

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Receipt {
    /// What the header Set-Txn said, or one operation of a bulk request: ID:INDEX
    #[arg(required = true)]
    id: Option<String>,
    #[command(subcommand)]
    command: Option<ReceiptCommand>,
}

#[derive(Subcommand)]
enum ReceiptCommand {
    /// Accepted writes, the newest first
    List(List),
}

#[derive(Args)]
struct List {
    /// Only those in this state
    #[arg(long, value_parser = ["accepted", "unchanged", "applied", "superseded", "partly_applied"])]
    state: Option<String>,
    /// Only those to this resource
    #[arg(long, value_name = "ID")]
    resource: Option<Uuid>,
    /// Only those of this token
    #[arg(long, value_name = "ID")]
    by: Option<Uuid>,
    /// Not earlier than this time, such as 2026-11-27T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

impl Receipt {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let id = match (self.command, self.id) {
            (Some(ReceiptCommand::List(list)), _) => return list.run(session),
            (None, id) => id.unwrap_or_default(),
        };
        let path = format!("/receipts/{}", encoded(&id));
        session.list(
            (&path, "operations"),
            Some(0),
            OPERATIONS,
            "The request wrote nothing.",
        )
    }
}

impl List {
    fn run(self, session: &Session) -> anyhow::Result<()> {
        let asked = [
            ("state", self.state),
            ("resource", self.resource.map(|id| id.to_string())),
            ("token", self.by.map(|id| id.to_string())),
            ("since", self.since),
            ("until", self.until),
        ];
        let asked: Vec<String> = asked
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))))
            .collect();
        let path = format!("/receipts?{}", asked.join("&"));
        session.list(
            (&path, "receipts"),
            self.limit.limit,
            RECEIPTS,
            "No such write was accepted.",
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
