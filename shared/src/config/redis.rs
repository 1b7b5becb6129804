use clap::Args;
use std::path::Path;

/// Where jobs travel. Losing its contents loses nothing but time.
#[derive(Args, Clone)]
#[command(next_help_heading = "Redis")]
pub struct RedisConfig {
    /// Connection URL, e.g. redis://host:6379, or rediss:// for TLS; redis+sentinel://host,host?master_name=NAME,
    /// redis+cluster://host,host and the same with rediss find the server by themselves. It must run with
    /// maxmemory-policy noeviction
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

    /// PEM file of certificate authorities that Redis is believed by over TLS, instead of those of
    /// the system
    #[arg(long, env = "ROLLCALL_REDIS_CA_FILE", value_name = "FILE")]
    redis_ca_file: Option<String>,

    /// PEM file of the certificate shown to a Redis that asks for one, and of those between it and
    /// its authority
    #[arg(long, env = "ROLLCALL_REDIS_CERT_FILE", value_name = "FILE")]
    redis_cert_file: Option<String>,

    /// PEM file of that certificate's key
    #[arg(long, env = "ROLLCALL_REDIS_KEY_FILE", value_name = "FILE")]
    redis_key_file: Option<String>,
}

/// Files for TLS to Redis; an empty setting is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct RedisFiles<'a> {
    pub authorities: Option<&'a Path>,
    pub certificate: Option<&'a Path>,
    pub key: Option<&'a Path>,
}

impl RedisConfig {
    /// Of this URL and prefix, with the system's certificate authorities.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> RedisConfig {
        RedisConfig {
            redis_url: url.into(),
            redis_prefix: prefix.into(),
            redis_ca_file: None,
            redis_cert_file: None,
            redis_key_file: None,
        }
    }

    /// The same with these files.
    #[must_use]
    pub fn with_files(self, files: RedisFiles<'_>) -> RedisConfig {
        let text = |file: Option<&Path>| file.map(|file| file.to_string_lossy().into_owned());
        RedisConfig {
            redis_ca_file: text(files.authorities),
            redis_cert_file: text(files.certificate),
            redis_key_file: text(files.key),
            ..self
        }
    }

    pub fn files(&self) -> RedisFiles<'_> {
        RedisFiles {
            authorities: path(&self.redis_ca_file),
            certificate: path(&self.redis_cert_file),
            key: path(&self.redis_key_file),
        }
    }
}

fn path(setting: &Option<String>) -> Option<&Path> {
    let file = setting.as_deref().filter(|file| !file.is_empty());
    file.map(Path::new)
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConfig")
            .field("redis_url", &"<redacted>")
            .field("redis_prefix", &self.redis_prefix)
            .field("files", &self.files())
            .finish()
    }
}
