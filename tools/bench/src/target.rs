use anyhow::{Context, Result};
use clap::Args;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

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
        let pool = PgPoolOptions::new().max_connections(4);
        pool.connect(&self.database_url)
            .await
            .context("connecting to DATABASE_URL")
    }
}
