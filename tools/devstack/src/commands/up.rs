//! `up`, `down` and `status`.

use crate::commands::instance::{Instance, State};
use anyhow::Result;
use devstack::{Stack, StackSettings, login_link, programs};
use std::process::ExitCode;

pub(crate) async fn up() -> Result<ExitCode> {
    let instance = Instance::up()?;
    let _lock = instance.lock()?;
    if instance.state().all_alive() {
        println!("already up");
        report(&instance)?;
        return Ok(ExitCode::SUCCESS);
    }
    instance.clear().await?;
    let stack = Stack::start(&settings(&instance, Vec::new(), &[])?).await?;
    instance.save(
        &State {
            processes: stack.processes()?,
        },
        stack.variables(),
    )?;
    stack.detach();
    report(&instance)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn down() -> Result<ExitCode> {
    for instance in [Instance::demo()?, Instance::up()?] {
        let running = instance.state().any_alive();
        instance.clear().await?;
        if running {
            println!("stopped what ran in {}", instance.folder().display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn status() -> Result<ExitCode> {
    let mut complete = 0;
    let mut broken = 0;
    for instance in [Instance::up()?, Instance::demo()?] {
        let state = instance.state();
        if state.processes.is_empty() {
            continue;
        }
        println!("{}", instance.folder().display());
        for (name, id) in &state.processes {
            println!(
                "  {name:<10} pid {:<8} {}",
                id.pid(),
                if id.alive() { "runs" } else { "has ended" }
            );
        }
        println!("  addresses  {}", instance.env_file().display());
        if state.all_alive() {
            complete += 1
        } else {
            broken += 1
        }
    }
    if complete + broken == 0 {
        println!("nothing is up: `make up` or `make demo` starts it");
    }
    let fine = complete > 0 && broken == 0;
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How `up` and `demo` run: `defaults` hold unless the environment says otherwise.
pub(crate) fn settings(
    instance: &Instance,
    defaults: Vec<(String, String)>,
    further_programs: &[&str],
) -> Result<StackSettings> {
    let names = [&["rollcall-api", "rollcall-worker"], further_programs].concat();
    Ok(StackSettings {
        folder: instance.folder().to_owned(),
        postgres_folder: instance.postgres_folder()?,
        programs: programs(&names)?,
        environment: defaults.into_iter().filter(|(name, _)| !is_set(name)).collect(),
        worker: true,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the API's settings, which are passed on"
)]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

fn report(instance: &Instance) -> Result<()> {
    let link = login_link(&programs(&["rollcall-api"])?, &instance.variables()?)?;
    println!("dashboard             {link}");
    println!("                      logs in once, within 5 minutes; `make up` prints another");
    println!("addresses and tokens  {}", instance.env_file().display());
    println!(
        "logs                  {}/{{api,worker}}.log",
        instance.folder().display()
    );
    println!(
        "in a shell            set -a; . {}; set +a",
        instance.env_file().display()
    );
    println!("stop it               make down");
    Ok(())
}
