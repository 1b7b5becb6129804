//! Server processes: started, recognised later, stopped, and never left behind.

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// SIGTERM and time to finish what is under way; then none.
pub const STOP_SERVICE: [(Signal, Duration); 2] = [
    (Signal::SIGTERM, Duration::from_secs(40)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];
const POLL: Duration = Duration::from_millis(5);

/// A process that can be recognised later: its pid alone may belong to another one by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pid: i32,
    /// When and as what it was started, in the system's own words.
    started: String,
}

impl ProcessId {
    /// The process `pid`; `None` when there is none, or only a zombie.
    #[must_use]
    pub fn of(pid: u32) -> Option<ProcessId> {
        let pid = i32::try_from(pid).ok()?;
        let started = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => start_of(&stat)?,
            Err(_) if Path::new("/proc/self/stat").exists() => return None,
            Err(_) => start_from_ps(pid)?,
        };
        Some(ProcessId { pid, started })
    }

    /// Does this very process still run?
    #[must_use]
    pub fn alive(&self) -> bool {
        u32::try_from(self.pid)
            .ok()
            .and_then(ProcessId::of)
            .is_some_and(|now| now == *self)
    }

    /// The number, to show.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Send each signal in turn and give it its time, until the process is gone.
    ///
    /// # Errors
    /// When it outlives all of them.
    pub async fn stop(&self, steps: &[(Signal, Duration)]) -> Result<()> {
        for (signal, patience) in steps {
            if !self.alive() {
                return Ok(());
            }
            // It may be gone between the look and the signal: the next look tells.
            let _ = kill(Pid::from_raw(self.pid), *signal);
            let begin = Instant::now();
            while self.alive() && begin.elapsed() < *patience {
                tokio::time::sleep(POLL).await;
            }
        }
        if self.alive() {
            bail!("process {} does not stop", self.pid);
        }
        Ok(())
    }
}

/// Field 22 (start time) and the name, of a line of /proc/<pid>/stat.
fn start_of(stat: &str) -> Option<String> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1;
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    Some(format!("{} {name}", fields.nth(18)?))
}

fn start_from_ps(pid: i32) -> Option<String> {
    let output = Command::new("ps")
        .args(["-o", "stat=,lstart=,comm=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

/// A child process in a process group of its own, so that a Ctrl-C in the terminal reaches only
/// its owner, who then stops it in good order. It ends with its owner, even when that one is
/// killed, unless it was [detached](Process::detach).
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    guardian: Option<Child>,
}

impl Process {
    /// Start `command` with its output appended to `log`.
    ///
    /// When the owner is gone, `quit` ends it, and `scratch` is removed.
    pub(crate) fn spawn(
        command: &mut Command,
        log: &Path,
        quit: Signal,
        scratch: Option<&Path>,
    ) -> Result<Process> {
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let mut process = Process {
            child,
            log: log.to_owned(),
            guardian: None,
        };
        process.guardian = Some(guardian(process.child.id(), quit, scratch)?);
        Ok(process)
    }

    pub(crate) fn id(&self) -> Result<ProcessId> {
        ProcessId::of(self.child.id()).with_context(|| self.last_words())
    }

    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The end of its log, for an error message.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(8).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        format!(
            "it ended; the last lines of {}:\n{}",
            self.log.display(),
            tail.join("\n")
        )
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exited()?.is_none() {
            // Not yet reaped, so the pid is still ours.
            kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?;
        }
        Ok(())
    }

    /// Send each signal in turn and give it its time, until the process has ended.
    pub(crate) async fn stop(&mut self, steps: &[(Signal, Duration)]) -> Result<()> {
        for (signal, patience) in steps {
            self.signal(*signal)?;
            let begin = Instant::now();
            while begin.elapsed() < *patience {
                if self.exited()?.is_some() {
                    self.dismiss_guardian();
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        }
        bail!("process {} does not stop", self.child.id())
    }

    /// End it at once and wait until it is gone.
    pub(crate) fn end(&mut self, signal: Signal) -> Result<()> {
        self.signal(signal)?;
        self.child.wait()?;
        self.dismiss_guardian();
        Ok(())
    }

    /// Let it outlive this process.
    pub(crate) fn detach(mut self) {
        self.dismiss_guardian();
    }

    fn dismiss_guardian(&mut self) {
        if let Some(mut guardian) = self.guardian.take() {
            let _ = guardian.kill();
            let _ = guardian.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.guardian.is_some() {
            let _ = self.end(Signal::SIGKILL);
        }
    }
}

/// A shell that sleeps on a pipe whose other end only this process holds: it wakes when we are
/// gone, however that happened, and then ends the server and removes its folder.
fn guardian(pid: u32, quit: Signal, folder: Option<&Path>) -> Result<Child> {
    const SCRIPT: &str = r#"
        read -r _
        kill -"$2" "$1" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            kill -0 "$1" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$1" 2>/dev/null
        if [ -n "$3" ]; then rm -rf -- "$3"; fi
    "#;
    Command::new("sh")
        .args([
            "-c",
            SCRIPT,
            "guardian",
            &pid.to_string(),
            quit.as_str().trim_start_matches("SIG"),
        ])
        .arg(folder.unwrap_or(Path::new("")))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start sh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_id_of_this_process_is_alive_and_of_an_older_one_with_the_same_pid_is_not() {
        let me = ProcessId::of(std::process::id()).unwrap();
        assert!(me.alive());
        let predecessor = ProcessId {
            started: "an hour ago".into(),
            ..me
        };
        assert!(!predecessor.alive());
    }

    #[test]
    fn start_of_a_stat_line_whose_name_holds_spaces_and_brackets_is_field_22() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(start_of(stat).as_deref(), Some("4242 a) b"));
    }

    #[tokio::test]
    async fn guardian_whose_owner_lets_go_ends_the_process_and_removes_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("data");
        std::fs::create_dir(&inner).unwrap();
        let mut sleeper = Command::new("sleep").arg("600").spawn().unwrap();
        let mut guard = guardian(sleeper.id(), Signal::SIGTERM, Some(&inner)).unwrap();
        drop(guard.stdin.take());
        sleeper.wait().unwrap();
        guard.wait().unwrap();
        assert!(!inner.exists());
    }
}
