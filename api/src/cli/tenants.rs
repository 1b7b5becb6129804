//! Tenants, straight in the database.

use super::{connect, tenant_id};
use anyhow::bail;
use clap::{Args, Subcommand};
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::PgConnection;
use rollcall_shared::store::tenants::{self, INSTANCE, Tenant};

#[derive(Subcommand)]
pub(super) enum TenantCommand {
    /// Create a tenant and print its id
    Create(Named),
    /// List the tenants, and how much there is of each
    List {
        /// Print a JSON array instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        postgres: PostgresConfig,
    },
    /// Let a tenant's tokens read and change nothing any more
    ///
    /// Holds everywhere within 5 seconds. What was accepted before is applied.
    Suspend(Named),
    /// Let a suspended tenant go on
    Resume(Named),
}

#[derive(Args)]
pub(super) struct Named {
    /// Name of the tenant, unique in this deployment
    name: String,
    #[command(flatten)]
    postgres: PostgresConfig,
}

pub(super) async fn run(command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::Create(Named { name, postgres }) => {
            if name.trim().is_empty() {
                bail!("a tenant needs a name");
            }
            let mut connection = connect(&postgres).await?;
            match tenants::create(&mut connection, &name).await? {
                Some(id) => println!("{id}"),
                None => bail!("there is a tenant named {name:?} already"),
            }
            Ok(())
        }
        TenantCommand::List { json, postgres } => {
            let mut connection = connect(&postgres).await?;
            let all = all(&mut connection).await?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&all)?),
                false => print_table(&all),
            }
            Ok(())
        }
        TenantCommand::Suspend(named) => set_suspended(named, true).await,
        TenantCommand::Resume(named) => set_suspended(named, false).await,
    }
}

async fn set_suspended(Named { name, postgres }: Named, suspended: bool) -> anyhow::Result<()> {
    let mut connection = connect(&postgres).await?;
    let id = tenant_id(&mut connection, &name).await?;
    tenants::set_suspended(&mut connection, id, suspended).await?;
    let state = if suspended { "suspended" } else { "resumed" };
    eprintln!("{state}; every process honours it within 5 seconds");
    Ok(())
}

/// Tenants read at once.
const PAGE: i64 = 200;

async fn all(connection: &mut PgConnection) -> anyhow::Result<Vec<Tenant>> {
    let mut all: Vec<Tenant> = vec![];
    loop {
        let after = all.last().map_or(INSTANCE, |tenant| TenantId(tenant.id));
        let page = tenants::list(connection, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn print_table(tenants: &[Tenant]) {
    println!(
        "{:>8}  {:16}  {:16}  {:>9}  {:>9}  {:>9}  NAME",
        "ID", "CREATED", "SUSPENDED", "PEOPLE", "PENDING", "WAITING"
    );
    for tenant in tenants {
        let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
        println!(
            "{:>8}  {:16}  {:16}  {:>9}  {:>9}  {:>9}  {}",
            tenant.id,
            time(tenant.created_at),
            tenant.suspended_at.map_or_else(|| "-".to_owned(), time),
            tenant.people,
            tenant.pending,
            tenant.waiting,
            tenant.name
        );
    }
}
