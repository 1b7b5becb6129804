use std::str::FromStr as _;

use anyhow::{Context, Result};
use clap::Args;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The stack under test; `make up` writes these into `.devstack/env`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    /// Address of the SCIM endpoint, ending in /scim/v2
    #[arg(long, env = "SCIM_URL")]
    pub(crate) scim_url: String,
    /// Postgres of the stack: convergence and contents are read from it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
}

impl Target {
    pub(crate) async fn connect(&self) -> Result<PgPool> {
        // Compiling a statement that looks at what was measured takes longer than it, and a processor from others.
        let options = PgConnectOptions::from_str(&self.database_url).context("DATABASE_URL")?;
        let pool = PgPoolOptions::new().max_connections(4);
        pool.connect_with(options.options([("jit", "off")]))
            .await
            .context("connecting to DATABASE_URL")
    }
}
