//! How a Redis server of our own is set up.

use crate::ports::free_port_of;
use crate::postgres::Durability;
use crate::tls::ServerTls;
use anyhow::Result;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How to run a [`PrivateRedis`](crate::PrivateRedis).
#[derive(Clone, Debug)]
pub struct RedisSettings {
    pub durability: Durability,
    /// Ask for this password; without one, whoever reaches the port is let in.
    pub password: Option<String>,
    pub role: RedisRole,
    /// Where it listens.
    pub host: Ipv4Addr,
    /// Also listen with TLS, on a port of its own.
    pub tls: Option<ServerTls>,
    /// Lines of its configuration beside those that follow from the above.
    pub further: Vec<String>,
}

/// What a [`PrivateRedis`](crate::PrivateRedis) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisRole {
    /// To keep data, alone or as a replica.
    Server,
    /// To watch over servers.
    Sentinel,
    /// To keep data as part of a cluster.
    Node,
}

/// Where it listens: for clients, for clients with TLS, for the other nodes of its cluster.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    pub(crate) bus: u16,
}

impl Ports {
    /// Three that nobody listens on now.
    pub(crate) fn free(host: Ipv4Addr) -> Result<Ports> {
        Ok(Ports {
            plain: free_port_of(host)?,
            tls: free_port_of(host)?,
            bus: free_port_of(host)?,
        })
    }
}

impl Default for RedisSettings {
    /// Thrown away at the end, open to whoever reaches its port of 127.0.0.1.
    fn default() -> RedisSettings {
        RedisSettings {
            durability: Durability::ProcessCrash,
            password: None,
            role: RedisRole::Server,
            host: Ipv4Addr::LOCALHOST,
            tls: None,
            further: vec![],
        }
    }
}

impl RedisSettings {
    pub(crate) fn url(&self, port: u16) -> String {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{password}@"))
            .unwrap_or_default();
        format!("redis://{password}{}:{port}", self.host)
    }

    /// Write its configuration, and the files that it names, to `folder`; returns where.
    pub(crate) fn write(&self, folder: &Path, ports: Ports) -> Result<PathBuf> {
        let config = folder.join("redis.conf");
        std::fs::write(&config, self.config(folder, ports))?;
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600))?;
        if let Some(tls) = &self.tls {
            std::fs::write(folder.join("server.pem"), &tls.certified.certificate)?;
            std::fs::write(folder.join("server.key"), &tls.certified.key)?;
            let clients = tls.clients.as_ref().unwrap_or(&tls.certified.certificate);
            std::fs::write(folder.join("clients.pem"), clients)?;
        }
        Ok(config)
    }

    fn config(&self, folder: &Path, ports: Ports) -> String {
        let file = |name: &str| format!("\"{}\"", folder.join(name).display());
        let mut lines = vec![
            format!("bind {}", self.host),
            format!("port {}", ports.plain),
            format!("dir {}", file("data")),
        ];
        if self.role != RedisRole::Sentinel {
            lines.extend(["appendonly yes", "save \"\"", "maxmemory-policy noeviction"].map(str::to_owned));
            if self.durability == Durability::ProcessCrash {
                lines.push("appendfsync no".to_owned());
            }
        }
        if self.role == RedisRole::Node {
            lines.push("cluster-enabled yes".to_owned());
            lines.push(format!("cluster-port {}", ports.bus));
            lines.push(format!("cluster-announce-ip {}", self.host));
        }
        if let Some(tls) = &self.tls {
            lines.push(format!("tls-port {}", ports.tls));
            lines.push(format!("tls-cert-file {}", file("server.pem")));
            lines.push(format!("tls-key-file {}", file("server.key")));
            lines.push(format!("tls-ca-cert-file {}", file("clients.pem")));
            let asks = if tls.clients.is_some() { "yes" } else { "no" };
            lines.push(format!("tls-auth-clients {asks}"));
        }
        if let Some(password) = &self.password {
            lines.push(format!("requirepass {password}"));
        }
        lines.extend_from_slice(&self.further);
        lines.join("\n") + "\n"
    }
}
