//! What waits, what was rejected, what starts by itself, who did what.

use super::client::{Again, encoded};
use super::output::{Column, count, text, time};
use super::{Failed, Session};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const WAITING: &[Column] = &[
    ("WAITS FOR", |target| text(target, "/reference")),
    ("REASON", |target| text(target, "/reasons")),
    ("PEOPLE", |target| text(target, "/people")),
    ("LINKS", |target| text(target, "/links")),
    ("SINCE", |target| time(target, "/since")),
    ("TRIED", |target| text(target, "/attempts")),
    ("NEXT TRY", |target| match target["nextAttemptAt"].is_null() {
        true => "no more".to_owned(),
        false => time(target, "/nextAttemptAt"),
    }),
    ("NEAREST", nearest),
];

const REJECTIONS: &[Column] = &[
    ("ID", |rejection| text(rejection, "/id")),
    ("OF", |rejection| match rejection["person"].is_null() {
        true => text(rejection, "/resourceId"),
        false => who(&rejection["person"]),
    }),
    ("FIELD", |rejection| text(rejection, "/rule")),
    ("REASON", |rejection| text(rejection, "/reason")),
    ("SINCE", |rejection| time(rejection, "/since")),
];

const SCHEDULES: &[Column] = &[
    ("ID", |schedule| text(schedule, "/id")),
    ("NAME", |schedule| text(schedule, "/name")),
    ("CRON", |schedule| text(schedule, "/cron")),
    ("TIME ZONE", |schedule| text(schedule, "/timeZone")),
    ("SCOPE", |schedule| text(schedule, "/scope")),
    ("DRY", |schedule| text(schedule, "/dryRun")),
    ("NEXT", |schedule| match schedule["paused"] == true {
        true => "paused".to_owned(),
        false => time(schedule, "/nextFiring"),
    }),
    ("LAST", |schedule| time(schedule, "/lastFiring/tick")),
];

const AUDIT: &[Column] = &[
    ("AT", |action| time(action, "/at")),
    ("TOKEN", |action| match action["token"]["name"].as_str() {
        None | Some("") => text(action, "/token/id"),
        Some(_) => text(action, "/token/name"),
    }),
    ("ACTION", |action| text(action, "/action")),
    ("TARGET", |action| text(action, "/target")),
    ("STATUS", |action| text(action, "/status")),
];

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Waiting {
    #[command(subcommand)]
    command: Option<WaitingCommand>,
    /// Only what waits for this reason
    #[arg(long, value_parser = ["missing", "ambiguous", "not_applied", "deprovisioned"])]
    reason: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Subcommand)]
enum WaitingCommand {
    /// Try links again now
    #[command(arg_required_else_help = true)]
    Retry {
        /// What they wait for, as listed under WAITS FOR
        #[arg(
            value_name = "REFERENCE",
            conflicts_with = "all",
            required_unless_present = "all"
        )]
        keys: Vec<String>,
        /// Everything that waits
        #[arg(long)]
        all: bool,
    },
}

#[derive(Args)]
pub(super) struct Rejections {
    /// Only of this person: an id
    #[arg(long)]
    person: Option<String>,
    /// Only of this field
    #[arg(long, value_name = "FIELD")]
    rule: Option<String>,
    /// Those that were settled by hand
    #[arg(long)]
    discarded: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Args)]
pub(super) struct Audit {
    #[command(flatten)]
    limit: Limit,
}

/// How much of a list.
#[derive(Args)]
pub(super) struct Limit {
    /// Show at most this many, 0 for all [default: 100 in a table, all with --json]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
}

impl Waiting {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        if let Some(WaitingCommand::Retry { keys, all }) = self.command {
            let body = match all {
                true => json!({}),
                false => json!({ "keys": keys }),
            };
            let answer = session.client.post("/waiting/retry", &body, Again::Harmless)?;
            if session.output.document(&answer)? {
                return Ok(());
            }
            let retried = answer.body["retried"].as_u64().unwrap_or(0);
            if retried == 0 && !all {
                return Err(Failed::Refused("nothing waits for that".to_owned()).into());
            }
            return session
                .output
                .line(&format!("{} tried again", count(retried, "link")));
        }
        let path = match &self.reason {
            Some(reason) => format!("/waiting?reason={reason}"),
            None => "/waiting".to_owned(),
        };
        session.list((&path, "waiting"), self.limit.limit, WAITING, "No link waits.")
    }
}

impl Rejections {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let mut path = format!("/rejections?discarded={}", self.discarded);
        for (name, value) in [("person", &self.person), ("rule", &self.rule)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        session.list(
            (&path, "rejections"),
            self.limit.limit,
            REJECTIONS,
            "No value was rejected.",
        )
    }
}

impl Audit {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        session.list(
            ("/audit", "actions"),
            self.limit.limit,
            AUDIT,
            "No operator did anything yet.",
        )
    }
}

/// # Errors
/// When the server refuses or does not answer.
pub(super) fn schedules(session: &Session) -> anyhow::Result<()> {
    session.list(
        ("/schedules", "schedules"),
        Some(0),
        SCHEDULES,
        "No schedule starts runs.",
    )
}

/// Somebody, by the most telling of their names.
pub(super) fn who(person: &Value) -> String {
    let named = ["/displayName", "/login", "/email"]
        .into_iter()
        .find(|name| person.pointer(name).is_some_and(|name| !name.is_null()));
    text(person, named.unwrap_or("/id"))
}

/// What is known of something that is waited for: who it is, whom it nearly means, or who share it.
pub(super) fn nearest(target: &Value) -> String {
    if let Some(holders) = target["heldBy"].as_array() {
        let names: Vec<String> = holders.iter().map(|holder| who(&holder["person"])).collect();
        return format!("shared by {}", names.join(", "));
    }
    match (
        &target["nearest"],
        &target["waitsForPerson"],
        &target["waitsForTeam"],
    ) {
        (Value::Object(_), _, _) => {
            format!(
                "{} ({})",
                text(target, "/nearest/value"),
                who(&target["nearest"]["person"])
            )
        }
        (_, Value::Object(_), _) => who(&target["waitsForPerson"]),
        (_, _, Value::Object(_)) => text(target, "/waitsForTeam/name"),
        _ => "-".to_owned(),
    }
}
