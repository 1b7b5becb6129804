use clap::Args;

/// Where jobs travel. Losing its contents loses nothing but time.
#[derive(Args, Clone)]
#[command(next_help_heading = "Redis")]
pub struct RedisConfig {
    /// Connection URL, e.g. redis://host:6379; the server must run with maxmemory-policy noeviction
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: String,

    /// Prefix of every key, so that several deployments can share one server
    #[arg(
        long,
        env = "ROLLCALL_REDIS_PREFIX",
        default_value = "rollcall",
        value_name = "PREFIX"
    )]
    pub redis_prefix: String,
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConfig")
            .field("redis_url", &"<redacted>")
            .field("redis_prefix", &self.redis_prefix)
            .finish()
    }
}
