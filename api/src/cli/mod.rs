//! The command line. Every setting is a flag or an environment variable; `--help` is the
//! reference.

mod login_link;
mod ops;
mod tenants;
mod tokens;

use crate::config::Config;
use crate::events::new_key;
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::event_keys::{self, Takeover};
use rollcall_shared::store::tenants as store_tenants;
use rollcall_shared::store::{self, PgConnection, Plans};
use rollcall_shared::telemetry::{LogConfig, init_logs, traces};
use std::process::ExitCode;

/// The API of Rollcall: takes SCIM 2.0 writes in any order and keeps the directory in step.
///
/// A first deployment: `migrate`, `tenant create acme`, `token create --tenant acme --scope
/// scim`, then `serve`, and a worker beside it (rollcall-worker).
#[derive(Parser)]
#[command(name = "rollcall-api", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    logs: LogConfig,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API until SIGTERM or SIGINT
    ///
    /// Starts without Postgres or Redis and says so at /readyz. On the signal it takes no new
    /// connections, lets requests under way finish, and exits.
    Serve(Box<Config>),
    /// Bring the database's schema up to date, then exit
    ///
    /// Safe to run from several places at once: the first one migrates, the others wait.
    Migrate(PostgresConfig),
    /// Manage tenants: the companies whose directories are kept
    #[command(subcommand)]
    Tenant(tenants::TenantCommand),
    /// Manage the tokens clients authenticate with
    ///
    /// Several tokens may be valid at once, so they are rotated without a gap: create the new
    /// one, give it to the client, revoke the old one. A revocation takes hold within 5 seconds.
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Print a link that logs somebody in to the dashboard: once, within 5 minutes
    LoginLink(Box<login_link::LoginLink>),
    /// Manage the keys that completion events are signed with, where no file of keys is set
    #[command(subcommand)]
    EventKey(EventKeyCommand),
    /// Run the service from a terminal: what waits, runs, receipts, tokens
    ///
    /// Speaks the operator API of a server, /ops/v1, with a token of the scope `operator`; needs neither Postgres
    /// nor Redis. Tables for people, --json for machines.
    Ops(Box<ops::Arguments>),
}

#[derive(Subcommand)]
enum EventKeyCommand {
    /// Replace the key
    ///
    /// The new key is published at once and signs after 10 minutes, when every receiver can
    /// know it; the old one stays published for 30 days.
    Rotate {
        /// Somebody else may have the key: sign with the new one within a minute, and publish
        /// the old ones no more
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        postgres: PostgresConfig,
    },
}

/// Everything that can be said on the command line, for a reference of it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parse the command line and do what it says; what keeps it from being done is told on stderr, in one line.
pub async fn run() -> ExitCode {
    match carry_out(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        // Like `… | head`: whoever read has seen enough.
        Err(error) if reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let failed = error.downcast_ref::<ops::Failed>();
            failed.map_or(ExitCode::FAILURE, |failed| ExitCode::from(failed.exit_code()))
        }
    }
}

fn reader_is_gone(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn carry_out(Cli { logs, command }: Cli) -> anyhow::Result<()> {
    if !matches!(command, Command::Serve(_)) {
        init_logs(&logs.filter, logs.format)?;
    }
    match command {
        Command::Serve(config) => serve(&logs, *config).await,
        Command::Migrate(postgres) => {
            let pool = store::connect(&postgres, 1, Plans::Free).context("DATABASE_URL cannot be used")?;
            store::migrate(&pool)
                .await
                .context("the database could not be migrated")?;
            eprintln!("the database is up to date");
            Ok(())
        }
        Command::Tenant(command) => tenants::run(command).await,
        Command::Token(command) => tokens::run(command).await,
        Command::LoginLink(link) => login_link::run(*link).await,
        Command::Ops(arguments) => tokio::task::spawn_blocking(|| ops::run(*arguments)).await?,
        Command::EventKey(EventKeyCommand::Rotate {
            compromised,
            postgres,
        }) => {
            let pool = store::connect(&postgres, 1, Plans::Free).context("DATABASE_URL cannot be used")?;
            let key = new_key().context("the system has no randomness to give")?;
            let takeover = match compromised {
                true => Takeover::Instead,
                false => Takeover::After(PUBLISHED_BEFORE_SECONDS),
            };
            let signs_from = event_keys::rotate(&pool, &key, takeover).await?;
            eprintln!(
                "the new key signs from {}",
                signs_from.format("%Y-%m-%d %H:%M:%S UTC")
            );
            Ok(())
        }
    }
}

async fn serve(logs: &LogConfig, config: Config) -> anyhow::Result<()> {
    let traces = traces::init(logs, &config.traces, "rollcall-api")?;
    let address = config.http.listen;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let served = crate::run(config, listener, signalled()).await;
    traces.finish().await;
    Ok(served?)
}

/// Resolves at the first SIGTERM or SIGINT.
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => {
            tracing::error!("signals cannot be received: the process can only be killed");
            std::future::pending().await
        }
    }
}

/// How long a new key is published before it signs: longer than a process goes on with the keys
/// it has read, and a receiver with the answer it got, together.
const PUBLISHED_BEFORE_SECONDS: u32 = 600;

type Connection = rollcall_shared::store::PooledConnection;

/// One connection for a command. The URL never appears in an error: it holds a password.
async fn connect(postgres: &PostgresConfig) -> anyhow::Result<Connection> {
    let pool = store::connect(postgres, 1, Plans::Free).context("DATABASE_URL cannot be used")?;
    pool.acquire().await.context("the database cannot be reached")
}

async fn tenant_id(connection: &mut PgConnection, name: &str) -> anyhow::Result<TenantId> {
    let found = store_tenants::named(connection, name).await?;
    found.with_context(|| format!("there is no tenant named {name:?}; create it with `tenant create`"))
}
