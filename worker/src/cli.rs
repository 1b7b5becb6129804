//! The command line. Every setting is a flag or an environment variable.

use crate::Config;
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser};
use rollcall_shared::telemetry::{LogConfig, traces};
use tokio::signal::unix::{SignalKind, signal};

/// Apply accepted changes to the directory
///
/// Takes jobs from Redis, brings the people, teams, memberships and reporting lines they name in
/// line with what the API accepted, and retries links whose target is not there yet. Any number
/// of workers may run side by side. On SIGTERM or SIGINT it finishes the jobs under way and ends;
/// killing it loses nothing.
#[derive(Parser)]
#[command(name = "rollcall-worker", version)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    logs: LogConfig,
}

/// Everything that can be said on the command line, for a reference of it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parse the command line and work until told to stop.
///
/// # Errors
/// Anything that keeps the worker from working, in words for the operator.
pub async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let traces = traces::init(&cli.logs, &cli.config.traces, "rollcall-worker")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let worked = crate::run(cli.config, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await;
    traces.finish().await;
    Ok(worked?)
}
