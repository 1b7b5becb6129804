//! `demo`.

use crate::commands::instance::{Instance, State};
use crate::commands::run::{Signals, run};
use crate::commands::up::settings;
use anyhow::{Context, Result};
use clap::Args;
use devstack::{ProcessId, Stack, login_link};
use std::path::Path;
use std::process::ExitCode;
use tokio::process::Command;

#[derive(Args)]
pub(crate) struct Options {
    /// How many people the company has
    #[arg(long, env = "DEMO_PEOPLE", default_value_t = 2000)]
    people: u32,
    /// Stop after the check instead of staying up
    #[arg(long, env = "DEMO_EXIT", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    exit: bool,
}

pub(crate) async fn demo(options: Options) -> Result<ExitCode> {
    let instance = Instance::demo()?;
    let _lock = instance.lock()?;
    instance.clear().await?;
    // One client sends as fast as it can, with one token.
    let unlimited = vec![("ROLLCALL_REQUESTS_PER_SECOND".to_owned(), "0".to_owned())];
    let settings = settings(&instance, unlimited, &["bench"])?;
    println!("starting private Postgres and Redis, the API and a worker");
    let stack = Stack::start(&settings).await?;
    let mut signals = Signals::listen()?;
    instance.save(&state(&stack)?, stack.variables())?;

    let mut bench = Command::new(settings.programs.join("bench"));
    bench.args(["demo", "--people", &options.people.to_string()]);
    bench.envs(stack.variables().iter().map(|(name, value)| (name, value)));
    let code = run(bench, &mut signals).await?;
    if !options.exit && code < 128 {
        next_steps(&instance, &stack, &settings.programs)?;
        signals.next().await;
    }
    println!("stopping");
    stack.stop().await?;
    instance.clear().await?;
    Ok(ExitCode::from(code))
}

/// First this process, so that `down` lets it stop the others in good order.
fn state(stack: &Stack) -> Result<State> {
    let me = ProcessId::of(std::process::id()).context("this process has no entry")?;
    let mut processes = vec![("demo".to_owned(), me)];
    processes.extend(stack.processes()?);
    Ok(State { processes })
}

fn next_steps(instance: &Instance, stack: &Stack, programs: &Path) -> Result<()> {
    let env = instance.env_file();
    println!();
    for (name, value) in stack.variables() {
        println!("  {name:<19} {value}");
    }
    println!();
    println!("It stays up until Ctrl-C. In another shell:");
    println!("  set -a; . {}; set +a", env.display());
    println!("  curl -H \"Authorization: Bearer $SCIM_TOKEN\" \"$SCIM_URL/Users?count=1\"");
    println!("  curl -H \"Authorization: Bearer $OPS_TOKEN\" \"$OPS_URL/overview\"");
    println!("  psql \"$DATABASE_URL\" -c 'select * from people limit 5'");
    println!("Logs: {}/{{api,worker}}.log", instance.folder().display());
    println!();
    println!("The dashboard, with a link that logs in once, within 5 minutes:");
    println!("  {}", login_link(programs, stack.variables())?);
    Ok(())
}
