//! A Redis server of our own.

use crate::command::{clear, major_version, on_path};
use crate::launch::launch;
use crate::ports::free_port;
use crate::postgres::Durability;
use crate::process::{Process, ProcessId, STOP_SERVICE};
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const OLDEST: u32 = 7;

/// How to run a [`PrivateRedis`].
#[derive(Clone, Debug)]
pub struct RedisSettings {
    pub durability: Durability,
    /// Ask for this password; without one, whoever reaches the port is let in.
    pub password: Option<String>,
}

/// A Redis server with a data folder of its own on a free port: append-only file, no eviction.
pub struct PrivateRedis {
    process: Option<Process>,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
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
        let scratch = tempfile::Builder::new().prefix("rollcall-redis-").tempdir()?;
        let settings = RedisSettings {
            durability: Durability::ProcessCrash,
            password: None,
        };
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
        self.settings.url(self.port)
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
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
        Ok(())
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
            port: 0,
            settings,
            scratch: None,
        })
    }

    async fn launch(&mut self) -> Result<()> {
        let first_time = self.port == 0;
        let port = Cell::new(self.port);
        let process = launch(
            "Redis",
            || {
                if first_time {
                    port.set(free_port()?);
                }
                self.spawn(port.get())
            },
            async || answers(&self.settings.url(port.get())).await,
        )
        .await?;
        self.port = port.get();
        self.process = Some(process);
        Ok(())
    }

    fn spawn(&self, port: u16) -> Result<Process> {
        let config = self.folder.join("redis.conf");
        std::fs::write(&config, self.config(port))?;
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600))?;
        let scratch = self.scratch.as_ref().map(TempDir::path);
        let mut command = Command::new(&self.program);
        Process::spawn(
            command.arg(&config),
            &self.folder.join("redis.log"),
            Signal::SIGTERM,
            scratch,
        )
    }

    fn config(&self, port: u16) -> String {
        let data = self.folder.join("data");
        let mut config = format!(
            "bind 127.0.0.1\nport {port}\ndir \"{}\"\nappendonly yes\nsave \"\"\nmaxmemory-policy noeviction\n",
            data.display()
        );
        if self.settings.durability == Durability::ProcessCrash {
            config.push_str("appendfsync no\n");
        }
        if let Some(password) = &self.settings.password {
            config.push_str(&format!("requirepass {password}\n"));
        }
        config
    }
}

impl RedisSettings {
    fn url(&self, port: u16) -> String {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{password}@"))
            .unwrap_or_default();
        format!("redis://{password}127.0.0.1:{port}")
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
