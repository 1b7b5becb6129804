//! `rollcall-api ops …`: the operator API from a terminal.

mod client;
mod failed;
mod follow;
mod lists;
mod output;
mod overview;
mod people;
mod queue;
mod receipts;
mod runs;
mod tokens;

pub(crate) use failed::Failed;

use clap::{Args, Subcommand};
use client::Client;
use output::Output;
use std::path::PathBuf;
use std::time::Duration;

const AFTER: &str = "\
Examples:
  export ROLLCALL_URL=https://rollcall.example.com ROLLCALL_TOKEN=rc_operator_…
  rollcall-api ops overview --watch
  rollcall-api ops person ada@example.com
  rollcall-api ops run start --dry-run --follow --fail-on-drift
  rollcall-api ops waiting --json | jq -r 'select(.people > 10) | .reference'

Exit codes:
  0  done
  1  the server refused it, or it failed: one sentence on stderr says why
  2  the command line cannot be understood
  3  the server cannot be reached, or stayed too busy
  4  the token is not valid, or not one for operators
  5  a run found differences, with --fail-on-drift";

/// Whom to ask, and how to show the answer.
#[derive(Args)]
#[command(after_help = AFTER)]
pub(super) struct Arguments {
    /// Address of the server, such as https://rollcall.example.com
    #[arg(long, env = "ROLLCALL_URL", global = true, default_value = "http://127.0.0.1:8080", value_parser = client::address)]
    url: String,
    /// Token of the scope `operator`. Better in the environment or a file: others see arguments
    #[arg(long, env = "ROLLCALL_TOKEN", global = true, hide_env_values = true)]
    token: Option<String>,
    /// File that holds the token and nothing else; counts before the token
    #[arg(long, env = "ROLLCALL_TOKEN_FILE", global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print what the API answers: a JSON document, of lists one line for each item of all pages
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Whether all is well: the directory, what is yet to be applied, the queues
    Overview(overview::Overview),
    /// What links wait for, what most people wait for first
    Waiting(lists::Waiting),
    /// Start, list, follow and cancel resync runs
    #[command(subcommand)]
    Run(runs::RunCommand),
    /// What is in the queues and who works on it; pausing and resuming a lane
    Queue {
        #[command(subcommand)]
        command: Option<queue::QueueCommand>,
    },
    /// What became of a write, by the id in its header Set-Txn; or the writes, the newest first
    Receipt(receipts::Receipt),
    /// List, create, rotate and revoke the tenant's tokens
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// A person, and why each of their links is as it is
    Person(people::Person),
    /// Values that could not be taken over, and why
    Rejections(lists::Rejections),
    /// Runs that start by themselves
    Schedules,
    /// What operators did, the newest first
    Audit(lists::Audit),
}

/// A server and a terminal.
struct Session {
    client: Client,
    output: Output,
}

#[expect(
    clippy::disallowed_methods,
    reason = "commands are a thread of their own, which has nothing else to do"
)]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

/// Carry a command out.
///
/// # Errors
/// [`Failed`] when the server or the token is the reason; others are this machine's.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let token = client::token(arguments.token, arguments.token_file.as_deref())?;
    let session = Session {
        client: Client::new(arguments.url, &token)?,
        output: Output::new(arguments.json),
    };
    match arguments.command {
        Command::Overview(overview) => overview.run(&session),
        Command::Waiting(waiting) => waiting.run(&session),
        Command::Run(command) => command.run(&session),
        Command::Queue { command } => queue::run(&session, command),
        Command::Receipt(receipt) => receipt.run(&session),
        Command::Token(command) => command.run(&session),
        Command::Person(person) => person.run(&session),
        Command::Rejections(rejections) => rejections.run(&session),
        Command::Schedules => lists::schedules(&session),
        Command::Audit(audit) => audit.run(&session),
    }
}
