use clap::Args;

/// Where the truth is kept.
#[derive(Args, Clone)]
#[command(next_help_heading = "Postgres")]
pub struct PostgresConfig {
    /// Connection URL, e.g. postgres://user:secret@host/database?sslmode=verify-full; sslrootcert=FILE, sslcert=FILE
    /// and sslkey=FILE as with libpq. Without sslmode TLS is used where the server offers it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,

    /// Connections this process may open, at least 4
    #[arg(
        long,
        env = "ROLLCALL_DATABASE_CONNECTIONS",
        default_value_t = 16,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(4..)
    )]
    pub database_connections: u32,
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("database_url", &"<redacted>")
            .field("database_connections", &self.database_connections)
            .finish()
    }
}
