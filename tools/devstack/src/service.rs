//! A program of the project, run as a process of its own.

use crate::launch::launch;
use crate::ports::free_port;
use crate::process::{Process, ProcessId, STOP_SERVICE};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// `rollcall-api serve` or `rollcall-worker`, listening on a free port of 127.0.0.1.
pub struct Service {
    process: Option<Process>,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// The variable that tells the program where to listen.
    listen: &'static str,
    port: u16,
    log: PathBuf,
}

impl Service {
    /// Start the API and wait until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the message holds the end of its log.
    pub async fn api(programs: &Path, environment: &[(String, String)], log: &Path) -> Result<Service> {
        Service::start(
            programs.join("rollcall-api"),
            &["serve"],
            "ROLLCALL_LISTEN",
            environment,
            log,
        )
        .await
    }

    /// Start a worker and wait until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the message holds the end of its log.
    pub async fn worker(programs: &Path, environment: &[(String, String)], log: &Path) -> Result<Service> {
        let program = programs.join("rollcall-worker");
        Service::start(program, &[], "ROLLCALL_WORKER_LISTEN", environment, log).await
    }

    async fn start(
        program: PathBuf,
        arguments: &[&str],
        listen: &'static str,
        environment: &[(String, String)],
        log: &Path,
    ) -> Result<Service> {
        let mut service = Service {
            process: None,
            program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment: environment.to_vec(),
            listen,
            port: 0,
            log: log.to_owned(),
        };
        service.launch().await?;
        Ok(service)
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn id(&self) -> Result<ProcessId> {
        self.process.as_ref().context("it is stopped")?.id()
    }

    /// Kill it (-9) at once.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.end(Signal::SIGKILL))
    }

    /// SIGTERM, and time to drain.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(&STOP_SERVICE).await,
            None => Ok(()),
        }
    }

    /// Start it again on the same port and wait until it is ready; one that still runs is
    /// stopped first.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.launch().await
    }

    /// Let it outlive this process.
    pub fn detach(mut self) {
        if let Some(process) = self.process.take() {
            process.detach();
        }
    }

    async fn launch(&mut self) -> Result<()> {
        let first_time = self.port == 0;
        let port = Cell::new(self.port);
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?;
        let name = self.program.display().to_string();
        let process = launch(
            &name,
            || {
                if first_time {
                    port.set(free_port()?);
                }
                self.spawn(port.get())
            },
            async || {
                let answer = http.get(format!("{}/readyz", url(port.get()))).send().await;
                answer.is_ok_and(|answer| answer.status().is_success())
            },
        )
        .await?;
        self.port = port.get();
        self.process = Some(process);
        Ok(())
    }

    fn spawn(&self, port: u16) -> Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env(self.listen, format!("127.0.0.1:{port}"));
        Process::spawn(&mut command, &self.log, Signal::SIGTERM, None)
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
