//! The parts of the product that the benchmark operates: tenants, tokens, the worker.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgPool;
use tokio::process::{Child, Command};

use super::usage::Processes;
use super::wire::Endpoint;
use crate::compare::tenant_id;
use crate::send::Client;
use crate::target::Target;

/// Programs built for release; they inherit the environment (REDIS_URL and the like).
#[derive(Debug, Clone, Args)]
pub(crate) struct Binaries {
    /// The program that creates tenants and tokens
    #[arg(long, env = "ROLLCALL_API_BIN", default_value = "target/release/rollcall-api")]
    rollcall_api: PathBuf,
    /// The worker; none may be running elsewhere for this stack
    #[arg(
        long,
        env = "ROLLCALL_WORKER_BIN",
        default_value = "target/release/rollcall-worker"
    )]
    rollcall_worker: PathBuf,
}

pub(super) struct Stack {
    pub(super) target: Target,
    pub(super) pool: PgPool,
    pub(super) processes: Processes,
    binaries: Binaries,
}

/// A fresh tenant and a token to write with.
pub(super) struct Tenant {
    pub(super) id: i64,
    name: String,
    pub(super) token: String,
}

impl Stack {
    pub(super) async fn new(target: Target, binaries: Binaries, processes: Processes) -> Result<Stack> {
        for binary in [&binaries.rollcall_api, &binaries.rollcall_worker] {
            ensure!(
                binary.exists(),
                "{} is not there: build it with --release",
                binary.display()
            );
        }
        let pool = target.connect().await?;
        Ok(Stack {
            target,
            pool,
            processes,
            binaries,
        })
    }

    pub(super) async fn tenant(&self) -> Result<Tenant> {
        let name = format!("bench-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        self.api(&["tenant", "create", &name]).await?;
        Ok(Tenant {
            id: tenant_id(&self.pool, &name).await?,
            token: self.token(&name, "scim").await?,
            name,
        })
    }

    /// Where the tenant's operators are served.
    pub(super) async fn operations(&self, tenant: &Tenant) -> Result<Endpoint> {
        let base = self.target.scim_url.trim_end_matches('/');
        let base = base
            .strip_suffix("/scim/v2")
            .context("SCIM_URL does not end in /scim/v2")?;
        let token = self.token(&tenant.name, "operator").await?;
        Endpoint::new(&format!("{base}/ops/v1"), &token)
    }

    async fn token(&self, tenant: &str, scope: &str) -> Result<String> {
        self.api(&["token", "create", "--tenant", tenant, "--scope", scope])
            .await
    }

    pub(super) fn client(&self, tenant: &Tenant) -> Result<Client> {
        Client::new(&self.target.scim_url, &tenant.token)
    }

    async fn api(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binaries.rollcall_api)
            .args(arguments)
            .env("DATABASE_URL", &self.target.database_url)
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("running {}", self.binaries.rollcall_api.display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if !output.status.success() {
            bail!("rollcall-api {}: {}", arguments.join(" "), text(&output.stderr));
        }
        Ok(text(&output.stdout))
    }

    /// A worker without rate limits.
    pub(super) fn start_worker(&self) -> Result<Worker> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(&self.binaries.rollcall_worker)
            .env("DATABASE_URL", &self.target.database_url)
            .env("ROLLCALL_WORKER_LISTEN", format!("127.0.0.1:{port}"))
            .env("ROLLCALL_APPLY_PER_SECOND", "0")
            .env("ROLLCALL_APPLY_PER_SECOND_PER_TENANT", "0")
            .env("ROLLCALL_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", self.binaries.rollcall_worker.display()))?;
        Ok(Worker { child, port })
    }

    /// Fails when somebody works on the tenant's backlog although no worker was started here.
    pub(super) async fn ensure_paused(&self, tenant: &Tenant) -> Result<()> {
        let count = || async {
            let count = sqlx::query_scalar::<_, i64>("select count(*) from pending where tenant_id = $1");
            count.bind(tenant.id).fetch_one(&self.pool).await
        };
        let before = count().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(
            before > 0 && count().await? == before,
            "another worker is running: stop it first"
        );
        Ok(())
    }

    /// Drops a tenant's backlog, so that the next worker has nothing to do for it.
    pub(super) async fn forget_backlog(&self, tenant: &Tenant) -> Result<()> {
        sqlx::query("delete from pending where tenant_id = $1")
            .bind(tenant.id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

pub(super) struct Worker {
    child: Child,
    port: u16,
}

impl Worker {
    pub(super) fn pid(&self) -> Option<i32> {
        self.child.id().and_then(|pid| i32::try_from(pid).ok())
    }

    /// The sum of a metric's samples whose line holds all of `labels`.
    pub(super) async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let text = http.get(url).send().await?.error_for_status()?.text().await?;
        let samples = text
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter(|line| labels.iter().all(|label| line.contains(label)));
        let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        // The sum of none is -0.0.
        Ok(values.fold(0.0, |sum, value| sum + value))
    }

    /// Until the worker says that it is ready.
    pub(super) async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(15);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the worker ended at once: {status}");
            }
            if http
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the worker is not ready after 15 s")
    }

    /// SIGTERM, and waits for the drain.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.pid() {
            kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        }
        let drained = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        drained.context("the worker did not stop within 40 s of SIGTERM")??;
        Ok(())
    }
}
