//! `devstack`: Rollcall with private Postgres and Redis servers, on this machine.

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Runs Rollcall, or only the stores it needs, on private servers on free ports of 127.0.0.1.
///
/// Everything lives under .devstack/ in the project's folder; the machine's own Postgres and
/// Redis are never touched. `make help` lists the usual ways to call it.
#[derive(Parser)]
#[command(name = "devstack", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start servers, API and worker in the background, with an empty tenant
    ///
    /// Addresses and tokens go to .devstack/env, logs beside it. Says so and does nothing when
    /// it already runs. Each start begins with empty stores.
    Up,
    /// Stop what `up` or `demo` started, and what is left of a run that was cut off
    Down,
    /// Show what runs, and where
    Status,
    /// Start everything, sync a made-up company in, check the result, stay until Ctrl-C
    Demo(commands::demo::Options),
    /// Run a command with throwaway servers, e.g. the tests
    ///
    /// The command finds them through TEST_DATABASE_URL (superuser) and TEST_REDIS_URL. Its exit
    /// code is passed on; whatever happens, the servers end and their data goes.
    Exec(commands::exec::Options),
    /// Write the metadata of the SQL queries to .sqlx, so that a build needs no database
    Prepare(commands::prepare::Options),
    /// Apply all migrations, revert them one by one, apply them again, and compare
    Migrations,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Up => commands::up::up().await,
        Command::Down => commands::up::down().await,
        Command::Status => commands::up::status().await,
        Command::Demo(options) => commands::demo::demo(options).await,
        Command::Exec(options) => commands::exec::exec(options).await,
        Command::Prepare(options) => commands::prepare::prepare(options).await,
        Command::Migrations => commands::migrations::migrations().await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("devstack: {error:#}");
        ExitCode::FAILURE
    })
}
