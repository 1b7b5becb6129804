use super::client::{Again, encoded};
use super::follow::follow;
use super::lists::Limit;
use super::output::{Column, count, text, time};
use super::{Failed, Session};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

const RUNS: &[Column] = &[
    ("ID", |run| text(run, "/id")),
    ("SCOPE", scope),
    ("DRY", |run| text(run, "/dryRun")),
    ("STATE", |run| text(run, "/state")),
    ("PHASE", |run| text(run, "/phase")),
    ("CREATED", |run| time(run, "/createdAt")),
    ("FINISHED", |run| time(run, "/finishedAt")),
    ("CHECKED", |run| match run["report"]["checked"].is_null() {
        true => text(run, "/progress/checked"),
        false => text(run, "/report/checked"),
    }),
    ("DIFFERING", |run| text(run, "/report/differing")),
];

const SAMPLES: &[Column] = &[
    ("KIND", |sample| text(sample, "/kind")),
    ("ID", |sample| text(sample, "/id")),
    ("NAME", |sample| text(sample, "/name")),
    ("FIELD", |sample| text(sample, "/field")),
    ("IS", |sample| text(sample, "/old")),
    ("SHOULD BE", |sample| text(sample, "/new")),
];

#[derive(Subcommand)]
pub(super) enum RunCommand {
    /// Compare the directory with what the sources asserted, and repair what differs
    ///
    /// A run of the same scope that is under way is taken instead of a second one. Nobody needs to look on: a run
    /// goes on when this command ends.
    Start(Start),
    /// The runs, the newest first
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// How far a run is, or what it found
    Show {
        /// The run's id
        id: String,
    },
    /// Look on until a run is over, then show what it found
    Follow {
        /// The run's id
        id: String,
        #[command(flatten)]
        verdict: Verdict,
    },
    /// Begin no further part; what was repaired stays repaired
    Cancel {
        /// The run's id
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Start {
    /// What is compared
    #[arg(long, value_enum, default_value = "full")]
    scope: Scope,
    /// The team or person, or its SCIM resource
    #[arg(long, required_if_eq_any([("scope", "team"), ("scope", "person")]))]
    id: Option<Uuid>,
    /// Only tell what differs
    #[arg(long)]
    dry_run: bool,
    /// Look on until it is over, then show what it found
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    verdict: Verdict,
}

#[derive(Args)]
pub(super) struct Verdict {
    /// Exit with 5 if anything differed; looks on until the run is over
    #[arg(long)]
    fail_on_drift: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Everybody and every team
    Full,
    /// The members of one team
    Team,
    /// One person
    Person,
    /// Whose start or end date has come
    Dates,
}

impl RunCommand {
    /// # Errors
    /// When the server refuses or does not answer; what a run that was looked at came to.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            RunCommand::Start(start) => start.run(session),
            RunCommand::List { limit } => {
                session.list(("/runs", "runs"), limit.limit, RUNS, "There has been no run.")
            }
            RunCommand::Show { id } => {
                let answer = session.client.get(&format!("/runs/{}", encoded(&id)))?;
                match session.output.document(&answer)? {
                    true => Ok(()),
                    false => show(session, &answer.body),
                }
            }
            RunCommand::Follow { id, verdict } => to_the_end(session, &id, &verdict),
            RunCommand::Cancel { id } => {
                let path = format!("/runs/{}/cancel", encoded(&id));
                let answer = session.client.post(&path, &json!({}), Again::Harmless)?;
                if !session.output.document(&answer)? {
                    session.output.line("cancelled; it reports what it had done")?;
                }
                Ok(())
            }
        }
    }
}

impl Start {
    fn run(self, session: &Session) -> anyhow::Result<()> {
        let scope = self.scope.to_possible_value();
        let body = json!({
            "scope": scope.as_ref().map(clap::builder::PossibleValue::get_name),
            "id": self.id,
            "dryRun": self.dry_run,
        });
        let answer = session.client.post("/runs", &body, Again::Harmless)?;
        let id = text(&answer.body, "/id");
        if self.follow || self.verdict.fail_on_drift {
            return to_the_end(session, &id, &self.verdict);
        }
        if !session.output.document(&answer)? {
            session.output.line(&id)?;
        }
        Ok(())
    }
}

fn to_the_end(session: &Session, id: &str, verdict: &Verdict) -> anyhow::Result<()> {
    let answer = follow(session, id)?;
    if !session.output.document(&answer)? {
        show(session, &answer.body)?;
    }
    let run = &answer.body;
    let number = |name: &str| run["report"][name].as_u64().unwrap_or(0);
    match number("differing") {
        _ if run["state"] == "cancelled" => Err(Failed::Refused("the run was cancelled".to_owned()).into()),
        _ if number("failed") > 0 => {
            let failed = count(number("failed"), "person or team");
            Err(Failed::Refused(format!("{failed} could not be compared or repaired")).into())
        }
        differing @ 1.. if verdict.fail_on_drift => Err(Failed::Drift(differing).into()),
        _ => Ok(()),
    }
}

fn show(session: &Session, run: &Value) -> anyhow::Result<()> {
    let mut told = json!({
        "run": run["id"],
        "scope": scope(run),
        "dry run": run["dryRun"],
        "state": run["state"],
        "created": time(run, "/createdAt"),
        "finished": time(run, "/finishedAt"),
    });
    let rest = match &run["report"] {
        Value::Null => (
            "phase",
            json!({ "name": run["phase"], "progress": run["progress"] }),
        ),
        report => ("report", report.clone()),
    };
    told[rest.0] = rest.1;
    session.output.values(&told)?;
    let samples = run["samples"].as_array().map(Vec::as_slice).unwrap_or_default();
    if samples.is_empty() {
        return Ok(());
    }
    session.output.line("")?;
    let rows = samples
        .iter()
        .map(|sample| SAMPLES.iter().map(|(_, cell)| cell(sample)).collect());
    let titles: Vec<&str> = SAMPLES.iter().map(|(title, _)| *title).collect();
    session.output.table(&titles, rows.collect())
}

fn scope(run: &Value) -> String {
    match run["scopeId"].is_null() {
        true => text(run, "/scope"),
        false => format!("{} {}", text(run, "/scope"), text(run, "/scopeId")),
    }
}
