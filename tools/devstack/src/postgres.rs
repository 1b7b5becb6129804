//! A Postgres server of our own.

use crate::account::Account;
use crate::command::{clear, major_version, on_path, run_quietly};
use crate::launch::launch;
use crate::ports::free_port;
use crate::process::{Process, ProcessId};
use crate::tls::ServerTls;
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;
use tempfile::TempDir;

const OLDEST: u32 = 15;
/// Fast shutdown (open transactions are rolled back), then an immediate one, then none.
pub const STOP: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(20)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// What the data survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Everything Postgres promises.
    Full,
    /// A killed Postgres, but not a crash of the machine: for tests.
    ProcessCrash,
}

/// How to run a [`PrivatePostgres`].
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    pub durability: Durability,
    /// Ask for this password; without one, whoever reaches the port is let in.
    pub password: Option<String>,
    /// Offer TLS.
    pub tls: Option<ServerTls>,
}

impl Default for PostgresSettings {
    /// Thrown away at the end, open to whoever reaches its port.
    fn default() -> PostgresSettings {
        PostgresSettings {
            durability: Durability::ProcessCrash,
            password: None,
            tls: None,
        }
    }
}

impl PostgresSettings {
    fn url(&self, port: u16, database: &str) -> String {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{password}"))
            .unwrap_or_default();
        format!("postgres://postgres{password}@127.0.0.1:{port}/{database}")
    }
}

/// A Postgres server with a data folder of its own on a free port. Its superuser is `postgres`.
pub struct PrivatePostgres {
    process: Option<Process>,
    account: Option<Account>,
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    settings: PostgresSettings,
    scratch: Option<TempDir>,
}

impl PrivatePostgres {
    /// A throwaway server: trusts local connections, its data goes when it is dropped, and it
    /// ends with this process, however that ends.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start.
    pub async fn start() -> Result<PrivatePostgres> {
        PrivatePostgres::start_with(PostgresSettings::default()).await
    }

    /// [`PrivatePostgres::start`] of another kind.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start so.
    pub async fn start_with(settings: PostgresSettings) -> Result<PrivatePostgres> {
        let scratch = tempfile::Builder::new().prefix("rollcall-postgres-").tempdir()?;
        let mut server = PrivatePostgres::prepare(scratch.path(), settings)?;
        server.scratch = Some(scratch);
        server.launch().await?;
        Ok(server)
    }

    /// A new, empty server whose data lies in `folder`, an existing folder; what was there of an
    /// earlier one is removed.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start.
    pub async fn start_in(folder: &Path, settings: PostgresSettings) -> Result<PrivatePostgres> {
        let mut server = PrivatePostgres::prepare(folder, settings)?;
        server.launch().await?;
        Ok(server)
    }

    /// Connection URL of the database `postgres`, as superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Connection URL of `database`, as superuser.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.settings.url(self.port, database)
    }

    /// Create the empty database `name`, a plain identifier.
    ///
    /// # Errors
    /// When it exists or the server does not answer.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url()).await?;
        sqlx::query(AssertSqlSafe(format!("create database {name}")))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// The server process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn id(&self) -> Result<ProcessId> {
        self.process.as_ref().context("Postgres is stopped")?.id()
    }

    /// Kill it (-9) at once, as a crash would. Committed transactions survive; see
    /// [`PrivatePostgres::restart`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.end(Signal::SIGKILL))
    }

    /// Let it outlive this process.
    pub fn detach(mut self) {
        if let Some(process) = self.process.take() {
            process.detach();
        }
    }

    /// Stop it in good order: clients are disconnected, open transactions rolled back.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(&STOP).await,
            None => Ok(()),
        }
    }

    /// Start it again with the same data and URL, after a [`PrivatePostgres::kill`] or a
    /// [`PrivatePostgres::stop`]; one that still runs is stopped first.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.launch().await
    }

    fn prepare(folder: &Path, settings: PostgresSettings) -> Result<PrivatePostgres> {
        let server = PrivatePostgres {
            process: None,
            account: Account::for_servers()?,
            programs: find_programs()?,
            folder: folder.to_owned(),
            port: 0,
            settings,
            scratch: None,
        };
        server.create_cluster()?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn create_cluster(&self) -> Result<()> {
        clear(&self.folder, &["data", "postgres.log"])?;
        if let Some(account) = &self.account {
            account.own(&self.folder)?;
        }
        if let Some(tls) = &self.settings.tls {
            self.write("server.pem", &tls.certified.certificate)?;
            self.write("server.key", &tls.certified.key)?;
            if let Some(clients) = &tls.clients {
                self.write("clients.pem", clients)?;
            }
        }
        // macOS before 26 and some minimal systems have no C.UTF-8.
        self.initdb("C.UTF-8").or_else(|_| self.initdb("C"))
    }

    fn initdb(&self, locale: &str) -> Result<()> {
        let mut command = self.program("initdb");
        command.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
            "--locale",
            locale,
        ]);
        command.arg("--pgdata").arg(self.data());
        let Some(password) = &self.settings.password else {
            return run_quietly(command.arg("--auth=trust"));
        };
        let file = self.write("password", password)?;
        let done = run_quietly(command.arg("--auth=scram-sha-256").arg("--pwfile").arg(&file));
        std::fs::remove_file(&file)?;
        done
    }

    /// A file that only the server can read.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.join(name);
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        if let Some(account) = &self.account {
            account.own(&file)?;
        }
        Ok(file)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir(&self.folder)
            .env("LC_MESSAGES", "C")
            .env_remove("PGDATA");
        if let Some(account) = &self.account {
            account.run(&mut command);
        }
        command
    }

    async fn launch(&mut self) -> Result<()> {
        let first_time = self.port == 0;
        let port = Cell::new(self.port);
        let process = launch(
            "Postgres",
            || {
                if first_time {
                    port.set(free_port()?);
                }
                self.spawn(port.get())
            },
            async || self.answers(port.get()).await,
        )
        .await?;
        self.port = port.get();
        self.process = Some(process);
        Ok(())
    }

    fn spawn(&self, port: u16) -> Result<Process> {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-p").arg(port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "lc_messages=C",
            "log_line_prefix=%m [%p] %d ",
        ] {
            command.args(["-c", setting]);
        }
        if self.settings.durability == Durability::ProcessCrash {
            for setting in ["fsync=off", "full_page_writes=off", "max_wal_size=4GB"] {
                command.args(["-c", setting]);
            }
        }
        if let Some(tls) = &self.settings.tls {
            let file = |name: &str| self.folder.join(name).display().to_string();
            let mut settings = vec![
                "ssl=on".to_owned(),
                format!("ssl_cert_file={}", file("server.pem")),
                format!("ssl_key_file={}", file("server.key")),
            ];
            if tls.clients.is_some() {
                settings.push(format!("ssl_ca_file={}", file("clients.pem")));
            }
            for setting in settings {
                command.args(["-c", &setting]);
            }
        }
        let scratch = self.scratch.as_ref().map(TempDir::path);
        Process::spawn(&mut command, &self.log(), Signal::SIGQUIT, scratch)
    }

    async fn answers(&self, port: u16) -> bool {
        let url = self.settings.url(port, "postgres");
        let Ok(options) = PgConnectOptions::from_str(&url) else {
            return false;
        };
        match tokio::time::timeout(Duration::from_secs(2), options.connect()).await {
            Ok(Ok(connection)) => connection.close().await.is_ok(),
            _ => false,
        }
    }
}

/// Everything a database holds, as SQL text: what a dump that somebody keeps would hold.
///
/// # Errors
/// When `pg_dump` is missing or fails.
pub fn dump(url: &str) -> Result<String> {
    let output = Command::new(find_programs()?.join("pg_dump"))
        .env("LC_MESSAGES", "C")
        .args(["--no-owner", "--dbname", url])
        .output()
        .context("pg_dump does not run")?;
    if !output.status.success() {
        bail!("pg_dump fails: {}", String::from_utf8_lossy(&output.stderr));
    }
    let dump = String::from_utf8(output.stdout).context("a dump is UTF-8")?;
    // Newer dumps are framed by a random word, in which whatever is looked for may be found.
    let framing = |line: &&str| line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
    Ok(dump
        .lines()
        .filter(|line| !framing(line))
        .collect::<Vec<_>>()
        .join("\n"))
}

/// The folder with the programs of the newest Postgres on this machine.
fn find_programs() -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    folders
        .extend(on_path("postgres").and_then(|file| file.canonicalize().ok()?.parent().map(Path::to_owned)));
    if let Some(config) = on_path("pg_config")
        && let Ok(output) = Command::new(config).arg("--bindir").output()
    {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    // Debian and Ubuntu; Homebrew on either processor; the project's own packages for Red Hat.
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/usr", "pgsql-"),
    ] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let candidates = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        folders.extend(candidates.map(|entry| entry.path().join("bin")));
    }
    let versions: Vec<(u32, PathBuf)> = folders
        .into_iter()
        .filter(|folder| folder.join("initdb").is_file())
        .filter_map(|folder| Some((major_version(&folder.join("postgres"))?, folder)))
        .collect();
    match versions.into_iter().max() {
        Some((version, folder)) if version >= OLDEST => Ok(folder),
        Some((version, folder)) => {
            bail!(
                "Postgres {OLDEST} or newer is needed; {} has {version}. See `make setup`",
                folder.display()
            )
        }
        None => bail!("Postgres {OLDEST} or newer is not installed: run `make setup`"),
    }
}
