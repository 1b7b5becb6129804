use super::Session;
use super::client::Again;
use super::output::{Column, text};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

const LANES: &[Column] = &[
    ("LANE", |lane| text(lane, "/lane")),
    ("READY", |lane| text(lane, "/depth/ready")),
    ("RUNNING", |lane| text(lane, "/depth/running")),
    ("SCHEDULED", |lane| text(lane, "/depth/scheduled")),
    ("DEAD", |lane| text(lane, "/depth/dead")),
    ("OLDEST (S)", |lane| text(lane, "/oldestReadySeconds")),
    ("FINISHED/S", |lane| text(lane, "/finishedPerSecond")),
    ("OWN WORK", |lane| text(lane, "/work/count")),
    ("PAUSED", |lane| match lane["paused"].is_null() {
        true => "-".to_owned(),
        false => format!(
            "by {}: {}",
            text(lane, "/paused/by/name"),
            text(lane, "/paused/reason")
        ),
    }),
    ("HELD BY", |lane| {
        let holders = lane["holders"].as_array().into_iter().flatten();
        let held: Vec<String> = holders
            .map(|holder| format!("{} ({})", text(holder, "/process"), text(holder, "/jobs")))
            .collect();
        if held.is_empty() {
            "-".to_owned()
        } else {
            held.join(", ")
        }
    }),
];

#[derive(Subcommand)]
pub(super) enum QueueCommand {
    /// Have workers stop applying what of the tenant is in a lane; writes are still accepted
    Pause {
        #[arg(value_enum)]
        lane: Lane,
        /// Why, for whoever looks later
        #[arg(long)]
        reason: Option<String>,
    },
    /// Have workers go on
    Resume {
        #[arg(value_enum)]
        lane: Lane,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Lane {
    /// Single writes
    Live,
    /// Bulk requests
    Bulk,
    /// Links that are tried again
    Links,
    /// Resync runs
    Runs,
}

/// Show the queues, or do something about a lane.
///
/// # Errors
/// When the server refuses or does not answer.
pub(super) fn run(session: &Session, command: Option<QueueCommand>) -> anyhow::Result<()> {
    let Some(command) = command else {
        return show(session);
    };
    let (lane, action, body) = match command {
        QueueCommand::Pause { lane, reason } => (lane, "pause", json!({ "reason": reason })),
        QueueCommand::Resume { lane } => (lane, "resume", json!({})),
    };
    let lane = lane.to_possible_value();
    let lane = lane.as_ref().map_or("", clap::builder::PossibleValue::get_name);
    let answer = session
        .client
        .post(&format!("/queue/{lane}/{action}"), &body, Again::Harmless)?;
    if !session.output.document(&answer)? {
        session
            .output
            .line(&format!("{lane}: {action}d; workers follow within seconds"))?;
    }
    Ok(())
}

fn show(session: &Session) -> anyhow::Result<()> {
    let answer = session.client.get("/queue")?;
    if session.output.document(&answer)? {
        return Ok(());
    }
    let lanes = answer.body["lanes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let rows = lanes
        .iter()
        .map(|lane| LANES.iter().map(|(_, cell)| cell(lane)).collect());
    let titles: Vec<&str> = LANES.iter().map(|(title, _)| *title).collect();
    session.output.table(&titles, rows.collect())?;
    let alive = |worker: &&Value| worker["alive"] == true;
    let alive = answer.body["workers"]
        .as_array()
        .map_or(0, |workers| workers.iter().filter(alive).count());
    session.output.line("")?;
    session.output.line(&format!("workers alive  {alive}"))
}
