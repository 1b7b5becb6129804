//! Everything together: both servers, the schema, a tenant with tokens, the API, a worker.

use crate::command::{clear, run_quietly};
use crate::postgres::{Durability, PostgresSettings, PrivatePostgres};
use crate::process::ProcessId;
use crate::redis::PrivateRedis;
use crate::redis_settings::RedisSettings;
use crate::service::Service;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use uuid::Uuid;

const DATABASE: &str = "rollcall";
const TENANT: &str = "demo";

/// How to run a [`Stack`].
#[derive(Clone, Debug)]
pub struct StackSettings {
    /// The programs' logs and Redis's data; an existing folder.
    pub folder: PathBuf,
    /// Postgres's data; an existing folder.
    pub postgres_folder: PathBuf,
    /// Where `rollcall-api` and `rollcall-worker` lie.
    pub programs: PathBuf,
    /// Further settings for both, e.g. `ROLLCALL_REQUESTS_PER_SECOND`.
    pub environment: Vec<(String, String)>,
    /// Whether to start a worker.
    pub worker: bool,
}

/// A running Rollcall with an empty tenant `demo`. Dropped, everything ends.
pub struct Stack {
    pub worker: Option<Service>,
    pub api: Service,
    pub redis: PrivateRedis,
    pub postgres: PrivatePostgres,
    variables: Vec<(String, String)>,
}

impl Stack {
    /// Start everything and wait until it is ready.
    ///
    /// # Errors
    /// Whatever keeps one of its parts from running.
    pub async fn start(settings: &StackSettings) -> Result<Stack> {
        let secret = || Some(Uuid::new_v4().simple().to_string());
        let durability = Durability::Full;
        let postgres = PostgresSettings {
            durability,
            password: secret(),
            tls: None,
        };
        let postgres = PrivatePostgres::start_in(&settings.postgres_folder, postgres).await?;
        postgres.create_database(DATABASE).await?;
        let redis_folder = settings.folder.join("redis");
        std::fs::create_dir_all(&redis_folder)?;
        let redis = RedisSettings {
            durability,
            password: secret(),
            ..RedisSettings::default()
        };
        let redis = PrivateRedis::start_in(&redis_folder, redis).await?;

        let mut environment = settings.environment.clone();
        let mut set = |name: &str, value: String| environment.push((name.to_owned(), value));
        set("DATABASE_URL", postgres.url_of(DATABASE));
        set("REDIS_URL", redis.url());

        let setup = Setup {
            program: settings.programs.join("rollcall-api"),
            environment: &environment,
        };
        setup.run(&["migrate"])?;
        setup.run(&["tenant", "create", TENANT])?;
        let tokens = [
            setup.token("scim")?,
            setup.token("operator")?,
            setup.token("content")?,
        ];

        let log = |name: &str| settings.folder.join(name);
        clear(&settings.folder, &["api.log", "worker.log"])?;
        let api = Service::api(&settings.programs, &environment, &log("api.log")).await?;
        let worker = match settings.worker {
            true => Some(Service::worker(&settings.programs, &environment, &log("worker.log")).await?),
            false => None,
        };
        let variables = variables(&api, worker.as_ref(), &postgres, &redis, tokens)?;
        Ok(Stack {
            worker,
            api,
            redis,
            postgres,
            variables,
        })
    }

    /// What a client needs to know: `SCIM_URL`, `SCIM_TOKEN` and so on, by name.
    #[must_use]
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Its processes by name, in the order in which they are to be stopped.
    ///
    /// # Errors
    /// When one has ended.
    pub fn processes(&self) -> Result<Vec<(String, ProcessId)>> {
        let mut processes = Vec::new();
        if let Some(worker) = &self.worker {
            processes.push(("worker".to_owned(), worker.id()?));
        }
        processes.push(("api".to_owned(), self.api.id()?));
        processes.push(("redis".to_owned(), self.redis.id()?));
        processes.push(("postgres".to_owned(), self.postgres.id()?));
        Ok(processes)
    }

    /// Stop everything in good order.
    ///
    /// # Errors
    /// When a part does not stop.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(worker) = &mut self.worker {
            worker.stop().await?;
        }
        self.api.stop().await?;
        self.redis.stop().await?;
        self.postgres.stop().await
    }

    /// Let it outlive this process.
    pub fn detach(self) {
        if let Some(worker) = self.worker {
            worker.detach();
        }
        self.api.detach();
        self.redis.detach();
        self.postgres.detach();
    }
}

fn variables(
    api: &Service,
    worker: Option<&Service>,
    postgres: &PrivatePostgres,
    redis: &PrivateRedis,
    [scim, operator, content]: [String; 3],
) -> Result<Vec<(String, String)>> {
    let base = api.url();
    let mut variables = vec![
        ("SCIM_URL", format!("{base}/scim/v2")),
        ("SCIM_TOKEN", scim),
        ("OPS_URL", format!("{base}/ops/v1")),
        ("OPS_TOKEN", operator),
        ("CONTENT_URL", format!("{base}/content/v1")),
        ("CONTENT_TOKEN", content),
        ("DATABASE_URL", postgres.url_of(DATABASE)),
        ("REDIS_URL", redis.url()),
        ("API_METRICS_URL", format!("{base}/metrics")),
        ("API_PID", api.id()?.pid().to_string()),
        ("REDIS_PID", redis.id()?.pid().to_string()),
        ("POSTGRES_PID", postgres.id()?.pid().to_string()),
    ];
    if let Some(worker) = worker {
        variables.push(("WORKER_METRICS_URL", format!("{}/metrics", worker.url())));
    }
    Ok(variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// `rollcall-api`'s commands for operators.
struct Setup<'a> {
    program: PathBuf,
    environment: &'a [(String, String)],
}

impl Setup<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        run_quietly(&mut self.command(arguments))
    }

    fn token(&self, scope: &str) -> Result<String> {
        let arguments = [
            "token", "create", "--tenant", TENANT, "--scope", scope, "--name", "devstack",
        ];
        self.printed(&arguments)
            .with_context(|| format!("no {scope} token"))
    }

    /// What the command prints.
    fn printed(&self, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(arguments)
            .output()
            .context("cannot run rollcall-api")?;
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || printed.is_empty() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(printed)
    }
}

/// An address that logs in to the dashboard of a running [`Stack`] with these variables: once, within 5
/// minutes.
///
/// # Errors
/// When `rollcall-api` makes none.
pub fn login_link(programs: &Path, variables: &[(String, String)]) -> Result<String> {
    let url = variables.iter().find(|(name, _)| name == "OPS_URL");
    let url = url.and_then(|(_, url)| url.strip_suffix("/ops/v1"));
    let url = url.context("the variables name no OPS_URL")?;
    let setup = Setup {
        program: programs.join("rollcall-api"),
        environment: variables,
    };
    setup.printed(&["login-link", "--tenant", TENANT, "--public-url", url])
}

/// The folder of the programs built together with the one now running, be it a program itself
/// or a test (which cargo puts one folder deeper).
///
/// # Errors
/// When `names` are not all there.
pub fn programs(names: &[&str]) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("this program lies in no folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    for name in names {
        if !folder.join(name).is_file() {
            bail!(
                "{} is not there: use the Makefile, which builds it first",
                folder.join(name).display()
            );
        }
    }
    Ok(folder.to_owned())
}
