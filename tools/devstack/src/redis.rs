//! A Redis server of our own.

use crate::command::{clear, major_version, on_path};
use crate::launch::launch;
use crate::process::{Process, ProcessId, STOP_SERVICE};
use crate::redis_settings::{Ports, RedisRole, RedisSettings};
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const OLDEST: u32 = 7;

/// A Redis server with a data folder of its own on a free port: append-only file, no eviction.
pub struct PrivateRedis {
    process: Option<Process>,
    program: PathBuf,
    folder: PathBuf,
    ports: Ports,
    settings: RedisSettings,
    scratch: Option<TempDir>,
}

impl PrivateRedis {
    /// A throwaway server: its data goes when it is dropped, and it ends with this process,
    /// however that ends.
    ///
    /// # Errors
    /// When Redis is not installed or does not start.
    pub async fn start() -> Result<PrivateRedis> {
        PrivateRedis::start_with(RedisSettings::default()).await
    }

    /// [`PrivateRedis::start`] of another kind.
    ///
    /// # Errors
    /// When Redis is not installed or does not start so.
    pub async fn start_with(settings: RedisSettings) -> Result<PrivateRedis> {
        let scratch = tempfile::Builder::new().prefix("rollcall-redis-").tempdir()?;
        let mut server = PrivateRedis::prepare(scratch.path(), settings)?;
        server.scratch = Some(scratch);
        server.launch().await?;
        Ok(server)
    }

    /// A new, empty server whose data lies in `folder`, an existing folder; what was there of an
    /// earlier one is removed.
    ///
    /// # Errors
    /// When Redis is not installed or does not start.
    pub async fn start_in(folder: &Path, settings: RedisSettings) -> Result<PrivateRedis> {
        let mut server = PrivateRedis::prepare(folder, settings)?;
        server.launch().await?;
        Ok(server)
    }

    /// Connection URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.settings.url(self.ports.plain)
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> (Ipv4Addr, u16) {
        (self.settings.host, self.ports.plain)
    }

    /// The port on which it speaks TLS, where it does.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.ports.tls
    }

    /// The port for the other nodes of its cluster, where it is a [`RedisRole::Node`].
    #[must_use]
    pub fn bus_port(&self) -> u16 {
        self.ports.bus
    }

    /// The server process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn id(&self) -> Result<ProcessId> {
        self.process.as_ref().context("Redis is stopped")?.id()
    }

    /// Kill it (-9) at once, as a crash would. It may lose the last second of writes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.end(Signal::SIGKILL))
    }

    /// Let it hang: connections stay, nothing is answered until [`PrivateRedis::resume`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pause(&mut self) -> Result<()> {
        self.process
            .as_mut()
            .context("Redis is stopped")?
            .signal(Signal::SIGSTOP)
    }

    /// End a [`PrivateRedis::pause`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.process
            .as_mut()
            .context("Redis is stopped")?
            .signal(Signal::SIGCONT)
    }

    /// Forget everything (FLUSHALL).
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn flush(&self) -> Result<()> {
        self.command(&["FLUSHALL"]).await
    }

    /// What it answers to a command of these words.
    ///
    /// # Errors
    /// When Redis does not answer, or with an error.
    pub async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        Ok(command.query_async(&mut connection).await?)
    }

    /// Let it outlive this process.
    pub fn detach(mut self) {
        if let Some(process) = self.process.take() {
            process.detach();
        }
    }

    /// Stop it in good order.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(&STOP_SERVICE).await,
            None => Ok(()),
        }
    }

    /// Start it again with the same data and URL, after a [`PrivateRedis::kill`] or a
    /// [`PrivateRedis::stop`]; one that still runs is stopped first.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.launch().await
    }

    fn prepare(folder: &Path, settings: RedisSettings) -> Result<PrivateRedis> {
        clear(folder, &["data", "redis.log"])?;
        std::fs::create_dir(folder.join("data"))?;
        Ok(PrivateRedis {
            process: None,
            program: find_program()?,
            folder: folder.to_owned(),
            ports: Ports::default(),
            settings,
            scratch: None,
        })
    }

    async fn launch(&mut self) -> Result<()> {
        let first_time = self.ports.plain == 0;
        let ports = Cell::new(self.ports);
        let process = launch(
            "Redis",
            || {
                if first_time {
                    ports.set(Ports::free(self.settings.host)?);
                }
                self.spawn(ports.get())
            },
            async || answers(&self.settings.url(ports.get().plain)).await,
        )
        .await?;
        self.ports = ports.get();
        self.process = Some(process);
        Ok(())
    }

    fn spawn(&self, ports: Ports) -> Result<Process> {
        let config = self.settings.write(&self.folder, ports)?;
        let scratch = self.scratch.as_ref().map(TempDir::path);
        let mut command = Command::new(&self.program);
        command.arg(&config);
        if self.settings.role == RedisRole::Sentinel {
            command.arg("--sentinel");
        }
        Process::spawn(
            &mut command,
            &self.folder.join("redis.log"),
            Signal::SIGTERM,
            scratch,
        )
    }
}

async fn answers(url: &str) -> bool {
    let ping = async {
        let mut connection = redis::Client::open(url)?
            .get_multiplexed_async_connection()
            .await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(2), ping).await,
        Ok(Ok(()))
    )
}

fn find_program() -> Result<PathBuf> {
    let program = on_path("redis-server").or_else(|| on_path("valkey-server"));
    let program =
        program.with_context(|| format!("Redis {OLDEST} or newer is not installed: run `make setup`"))?;
    match major_version(&program) {
        Some(version) if version >= OLDEST => Ok(program),
        _ => bail!(
            "Redis {OLDEST} or newer is needed; {} is older. See `make setup`",
            program.display()
        ),
    }
}
