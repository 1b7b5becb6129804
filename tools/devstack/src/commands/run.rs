//! Running somebody's command to its end, whatever signals come.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-C, SIGTERM and SIGHUP, as something to wait for.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on, signals no longer end this process.
    pub(crate) fn listen() -> Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

/// Run `command` and return its exit code as a shell would.
pub(crate) async fn run(mut command: Command, signals: &mut Signals) -> Result<u8> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(code(status?)),
            signal = signals.next() => forward(&child, signal),
        }
    }
}

/// The terminal sends Ctrl-C to the command as well: a second one would tell it to hurry.
fn forward(child: &Child, signal: Signal) {
    if signal == Signal::SIGINT {
        return;
    }
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // It may have ended just now: then there is nobody to tell.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn code_of(script: &str) -> u8 {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, &mut Signals::listen().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn run_of_a_failing_command_returns_its_code() {
        assert_eq!(code_of("exit 7").await, 7);
    }

    #[tokio::test]
    async fn run_of_a_killed_command_returns_128_and_the_signal() {
        assert_eq!(code_of("kill -TERM $$").await, 143);
    }
}
