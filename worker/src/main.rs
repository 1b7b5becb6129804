use anyhow::Context as _;
use clap::Parser;
use rollcall_shared::telemetry::{LogConfig, init_logs};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Apply accepted changes to the directory
///
/// Takes jobs from Redis, brings the people, teams, memberships and reporting lines they name in
/// line with what the API accepted, and retries links whose target is not there yet. Any number
/// of workers may run side by side. On SIGTERM or SIGINT it finishes the jobs under way and ends;
/// killing it loses nothing.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    config: rollcall_worker::Config,
    #[command(flatten)]
    logs: LogConfig,
}

async fn work() -> anyhow::Result<()> {
    let cli = Cli::parse();
    init_logs(&cli.logs.filter, cli.logs.format)?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    rollcall_worker::run(cli.config, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    // Only builds of tests have any: the variable FAILPOINTS says what happens at which.
    let _failpoints = fail::has_failpoints().then(fail::FailScenario::setup);
    match work().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
