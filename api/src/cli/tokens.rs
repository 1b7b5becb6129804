//! Tokens of any tenant, straight in the database: the way to a first token.

use super::{connect, tenant_id};
use crate::auth::{Scope, Secret};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::PgConnection;
use rollcall_shared::store::tenants::INSTANCE;
use rollcall_shared::store::tokens::{self, NewToken, TokenRow};
use serde_json::json;
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Create a token and print its secret, which is shown only this once
    Create(Box<CreateToken>),
    /// List a tenant's tokens, without their secrets
    List {
        /// Name of the tenant; without it, the tokens of admins
        #[arg(long)]
        tenant: Option<String>,
        /// Print a JSON array instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        postgres: PostgresConfig,
    },
    /// End a token now
    Revoke {
        /// The token's id, see `token list`
        id: Uuid,
        #[command(flatten)]
        postgres: PostgresConfig,
    },
}

#[derive(Args)]
pub(super) struct CreateToken {
    /// Name of the tenant it speaks for; an admin's speaks for none
    #[arg(long, required_if_eq_any([("scope", "scim"), ("scope", "content"), ("scope", "operator")]))]
    tenant: Option<String>,
    /// What it may be used for
    #[arg(long, value_enum)]
    scope: Scope,
    /// What to call it, e.g. "Entra production"
    #[arg(long, default_value = "")]
    name: String,
    /// The system that writes with it: externalIds are unique per source. A token that replaces
    /// another must have the same
    #[arg(long, default_value = "default")]
    source: String,
    /// Read its requests as the RFCs say, without tolerance for clients' habits
    #[arg(long)]
    strict: bool,
    /// Days until it expires; without it, it is valid until revoked
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=36_500))]
    expires_in_days: Option<i32>,
    /// Print a JSON object with the token's id beside the secret
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    postgres: PostgresConfig,
}

pub(super) async fn run(command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create(create) => create_token(*create).await,
        TokenCommand::List {
            tenant,
            json,
            postgres,
        } => {
            let mut connection = connect(&postgres).await?;
            let id = owner(&mut connection, tenant.as_deref()).await?;
            let rows = tokens::list(&mut connection, id).await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&rows)?);
            } else {
                print_table(&rows);
            }
            Ok(())
        }
        TokenCommand::Revoke { id, postgres } => {
            let mut connection = connect(&postgres).await?;
            if !tokens::revoke(&mut connection, id).await? {
                bail!("there is no token with the id {id}");
            }
            eprintln!("revoked; every process honours it within 5 seconds");
            Ok(())
        }
    }
}

async fn create_token(create: CreateToken) -> anyhow::Result<()> {
    if create.scope == Scope::Admin && create.tenant.is_some() {
        bail!("an admin's token speaks for no tenant: leave --tenant out");
    }
    let mut connection = connect(&create.postgres).await?;
    let tenant = owner(&mut connection, create.tenant.as_deref()).await?;
    let secret = Secret::generate(create.scope).context("the system has no randomness to give")?;
    let token = NewToken {
        name: &create.name,
        scope: create.scope.name(),
        source: &create.source,
        strict: create.strict,
        secret_hash: &secret.hash(),
        prefix: secret.prefix(),
        valid_days: create.expires_in_days,
    };
    let row = tokens::create(&mut connection, tenant, &token).await?;
    if create.json {
        let printed = json!({
            "id": row.id,
            "secret": secret.reveal(),
            "scope": row.scope,
            "name": row.name,
            "source": row.source,
            "strict": row.strict,
            "expires_at": row.expires_at,
        });
        println!("{printed}");
    } else {
        println!("{}", secret.reveal());
        eprintln!("token {} created; the secret is not shown again", row.id);
    }
    Ok(())
}

async fn owner(connection: &mut PgConnection, tenant: Option<&str>) -> anyhow::Result<TenantId> {
    match tenant {
        Some(name) => tenant_id(connection, name).await,
        None => Ok(INSTANCE),
    }
}

fn print_table(rows: &[TokenRow]) {
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map_or_else(
            || "-".to_owned(),
            |time| time.format("%Y-%m-%d %H:%M").to_string(),
        )
    };
    println!(
        "{:36}  {:18}  {:8}  {:12}  {:8}  {:16}  {:16}  {:16}  NAME",
        "ID", "PREFIX", "SCOPE", "SOURCE", "READING", "EXPIRES", "LAST USED", "REVOKED"
    );
    for row in rows {
        println!(
            "{:36}  {:18}  {:8}  {:12}  {:8}  {:16}  {:16}  {:16}  {}",
            row.id.to_string(),
            row.prefix,
            row.scope,
            row.source,
            if row.strict { "strict" } else { "tolerant" },
            time(row.expires_at),
            time(row.last_used_at),
            time(row.revoked_at),
            row.name
        );
    }
}
