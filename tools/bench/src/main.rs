//! `bench`: a made-up company to try Rollcall with, and the measuring of its speed.

mod company;
mod compare;
mod converge;
mod demo;
mod expect;
mod run;
mod send;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sends a made-up company to a running Rollcall and checks or measures what comes of it.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a company in an order in which most links must wait, then compare every row
    ///
    /// Fails when a write is refused, when the directory does not catch up in time, when it
    /// differs anywhere from what the company makes necessary, or when fewer than half of the
    /// manager links had to wait.
    Demo(demo::Options),
    /// Measure creates, bulk operations, applying and convergence, each beside its floor
    ///
    /// Needs an API without a rate limit (ROLLCALL_REQUESTS_PER_SECOND=0) and no running
    /// worker: tenants are created and workers started here, with the two programs named below.
    Run(run::Options),
    /// Hold 70 % of the most writes a second for long, and judge what grows
    ///
    /// Needs the same as `run`. Fails when memory, latency, the tables in which rows come and go, or the
    /// backlog are higher in the last third than the second third explains.
    Soak(run::soak::Options),
    /// Serve a handler that only parses JSON: what HTTP costs by itself
    #[command(hide = true)]
    Bare,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(options) => demo::run(options).await,
        Command::Run(options) => run::run(options).await,
        Command::Soak(options) => run::soak::run(options).await,
        Command::Bare => run::bare::serve().await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
