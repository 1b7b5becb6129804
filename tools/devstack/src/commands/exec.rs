//! `exec`.

use crate::commands::run::{Signals, run};
use anyhow::{Context, Result};
use clap::Args;
use devstack::{PrivatePostgres, PrivateRedis, Stack, StackSettings, programs};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use tokio::process::Command;

/// What Postgres writes into its log when it breaks a deadlock.
const DEADLOCK: &str = "deadlock detected";

#[derive(Args)]
pub(crate) struct Options {
    /// Fail when Postgres had to break a deadlock, even if the command succeeded
    #[arg(long)]
    no_deadlocks: bool,
    /// Start a Rollcall API too, on durable stores, without a rate limit;
    /// the command finds everything through SCIM_URL, SCIM_TOKEN, DATABASE_URL and so on
    #[arg(long, conflicts_with = "no_deadlocks")]
    api: bool,
    /// And a worker
    #[arg(long, requires = "api")]
    worker: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

pub(crate) async fn exec(options: Options) -> Result<ExitCode> {
    let (program, arguments) = options.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    let code = match options.api {
        true => with_api(command, options.worker).await?,
        false => with_stores(command, options.no_deadlocks).await?,
    };
    Ok(ExitCode::from(code))
}

async fn with_stores(mut command: Command, no_deadlocks: bool) -> Result<u8> {
    let mut postgres = PrivatePostgres::start().await?;
    let mut redis = PrivateRedis::start().await?;
    let mut signals = Signals::listen()?;
    command
        .env("TEST_DATABASE_URL", postgres.url())
        .env("TEST_REDIS_URL", redis.url());
    let mut code = run(command, &mut signals).await?;
    redis.stop().await?;
    postgres.stop().await?;
    if no_deadlocks && report_deadlocks(&postgres.log())? && code == 0 {
        code = 1;
    }
    Ok(code)
}

/// Print every line about a deadlock.
fn report_deadlocks(log: &Path) -> Result<bool> {
    let log = std::fs::read(log)?;
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(DEADLOCK)).collect();
    for line in &lines {
        eprintln!("Postgres broke a deadlock: {line}");
    }
    Ok(!lines.is_empty())
}

async fn with_api(mut command: Command, worker: bool) -> Result<u8> {
    let scratch = tempfile::Builder::new().prefix("rollcall-exec-").tempdir()?;
    let stack = Stack::start(&stack_settings(scratch.path(), worker)?).await?;
    let mut signals = Signals::listen()?;
    command.envs(stack.variables().iter().map(|(name, value)| (name, value)));
    let code = run(command, &mut signals).await?;
    stack.stop().await?;
    Ok(code)
}

fn stack_settings(scratch: &Path, worker: bool) -> Result<StackSettings> {
    use std::os::unix::fs::PermissionsExt;
    // Postgres may run under another account, which has to get at its own folder in here.
    std::fs::set_permissions(scratch, std::fs::Permissions::from_mode(0o711))?;
    let postgres_folder = scratch.join("postgres");
    std::fs::create_dir(&postgres_folder)?;
    let programs = programs(&["rollcall-api", "rollcall-worker"])?;
    let unlimited = ("ROLLCALL_REQUESTS_PER_SECOND".to_owned(), "0".to_owned());
    Ok(StackSettings {
        folder: scratch.to_owned(),
        postgres_folder,
        programs,
        environment: vec![unlimited],
        worker,
    })
}
