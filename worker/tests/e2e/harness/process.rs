//! One `rollcall-api` or `rollcall-worker` process that can be killed and started again.

use super::within_or;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Lines of a log that a failure shows.
const LOG_TAIL: usize = 40;

/// A process with a fixed address, so that its clients find it again after a restart.
pub(crate) struct Process {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Process {
    /// A `rollcall-api serve`, not yet started.
    pub(crate) fn api(name: &str, logs: &Path, environment: &[(String, String)]) -> Process {
        let address = free_address();
        let mut process = Process::new(name, api_program(), logs, address, environment);
        process.arguments.push("serve".to_owned());
        process.set("ROLLCALL_LISTEN", address.to_string());
        process
    }

    /// A `rollcall-worker`, not yet started.
    pub(crate) fn worker(name: &str, logs: &Path, environment: &[(String, String)]) -> Process {
        let address = free_address();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_rollcall-worker"));
        let mut process = Process::new(name, program, logs, address, environment);
        process.set("ROLLCALL_WORKER_LISTEN", address.to_string());
        process
    }

    fn new(
        name: &str,
        program: PathBuf,
        logs: &Path,
        address: SocketAddr,
        environment: &[(String, String)],
    ) -> Process {
        Process {
            name: name.to_owned(),
            program,
            arguments: vec![],
            environment: environment.to_vec(),
            log: logs.join(format!("{name}.log")),
            address,
            child: None,
        }
    }

    fn set(&mut self, name: &str, value: String) {
        self.environment.push((name.to_owned(), value));
    }

    /// `http://<address>:<port>`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Start it; returns at once, see [`Process::ready`].
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// [`Process::start`] with settings of this one start.
    pub(crate) fn start_with(&mut self, settings: &[(&str, &str)]) {
        assert!(self.child.is_none(), "{} already runs", self.name);
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(append(&self.log))
            .stderr(append(&self.log))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()));
        self.child = Some(child);
    }

    /// Wait until it says it is ready.
    pub(crate) async fn ready(&mut self) {
        let http = reqwest::Client::new();
        let url = format!("{}/readyz", self.url());
        let ready = within_or(Duration::from_secs(30), async || {
            self.expect_alive();
            let answer = http.get(&url).timeout(Duration::from_secs(2)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        assert!(
            ready.is_some(),
            "{} is not ready:\n{}",
            self.name,
            self.log_tail()
        );
    }

    /// The sum of a metric over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        self.labelled(name, "").await
    }

    /// The sum of a metric over those of its series whose labels contain this.
    pub(crate) async fn labelled(&self, name: &str, label: &str) -> f64 {
        let answer = reqwest::get(format!("{}/metrics", self.url()))
            .await
            .expect("it is up");
        let text = answer.text().await.expect("a text");
        let samples = text.lines().filter_map(|line| {
            let (sample, value) = line.rsplit_once(' ')?;
            let named = sample == name || sample.starts_with(&format!("{name}{{"));
            (named && sample.contains(label)).then(|| value.parse::<f64>().ok())?
        });
        samples.sum()
    }

    /// Fail if it ended by itself.
    pub(crate) fn expect_alive(&mut self) {
        let ended = self
            .child
            .as_mut()
            .map(|child| child.try_wait().expect("our own child"));
        match ended {
            Some(None) => {}
            Some(Some(status)) => panic!("{} ended by itself: {status}\n{}", self.name, self.log_tail()),
            None => panic!("{} was not started", self.name),
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let ended = child.try_wait().expect("our own child");
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            if let Some(status) = ended {
                panic!("{} had ended by itself: {status}\n{}", self.name, self.log_tail());
            }
        }
    }

    /// SIGTERM, then how it ended; panics when it takes longer than `bound`.
    pub(crate) async fn terminate(&mut self, bound: Duration) -> ExitStatus {
        let child = self.child.as_ref().expect("a running process");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("our own child");
        self.ended(bound).await
    }

    /// How it ended; panics when it takes longer than `bound`.
    pub(crate) async fn ended(&mut self, bound: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("a running process");
        let status = within_or(bound, async || child.try_wait().expect("our own child")).await;
        status.unwrap_or_else(|| {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            panic!("{} did not end within {bound:?}\n{}", self.name, self.log_tail())
        })
    }

    pub(super) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n");
        format!("--- {} ---\n{last}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nothing to do about a child that is already gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Run `rollcall-api` with `arguments` to its end and answer what it printed.
pub(super) fn api_command(arguments: &[&str], environment: &[(String, String)]) -> String {
    let output = Command::new(api_program())
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .expect("rollcall-api starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "rollcall-api {} failed: {said}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout)
        .expect("rollcall-api prints UTF-8")
        .trim()
        .to_owned()
}

/// `rollcall-api`, built into the same folder as `rollcall-worker` by a build of the workspace.
fn api_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_rollcall-worker")).with_file_name("rollcall-api");
    assert!(
        program.is_file(),
        "{} is missing: run the tests of the whole workspace (cargo nextest run --workspace), \
         which builds it",
        program.display()
    );
    program
}

/// An address that stays free while its process is down: on a loopback address of its own, where the
/// system has more than one, neither an outgoing connection nor another test takes its port.
fn free_address() -> SocketAddr {
    let part = || rand::random_range(1..255);
    let own = Ipv4Addr::new(127, part(), part(), part());
    let host = if cfg!(target_os = "linux") {
        own
    } else {
        Ipv4Addr::LOCALHOST
    };
    let listener = TcpListener::bind((host, 0)).expect("a free port");
    listener.local_addr().expect("it is bound")
}

fn append(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("a log file of the test")
}
