//! What `REDIS_URL` and the files beside it say.

use super::error::QueueError;
use crate::authorities;
use crate::config::{RedisConfig, RedisFiles};
use redis::{
    Client, ClientTlsConfig, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, RedisResult, TlsCertificates,
};
use std::path::Path;
use url::Url;

const SENTINEL_PORT: u16 = 26379;

/// Where Redis is, and how to be let in.
#[derive(Debug)]
pub(super) enum Address {
    /// One server, or whatever stands for one.
    Server(ConnectionInfo),
    /// Sentinels, who know where the master is.
    Sentinels {
        sentinels: Vec<ConnectionInfo>,
        /// What the sentinels call it.
        name: String,
        /// How it lets us in; the host is a sentinel's.
        master: ConnectionInfo,
    },
    /// Some nodes of a cluster.
    Cluster(Vec<ConnectionInfo>),
}

impl Address {
    /// # Errors
    /// [`QueueError::Url`], [`QueueError::Authorities`] and [`QueueError::Certificate`].
    pub(super) fn of(redis: &RedisConfig) -> Result<Address, QueueError> {
        let certificates = certificates(redis.files())?;
        let certify = |server: ConnectionInfo| match &certificates {
            None => Ok(server),
            Some(certificates) => {
                let client = Client::build_with_tls(server, certificates.clone());
                client.map(|client| client.get_connection_info().clone())
            }
        };
        parse(&redis.redis_url)
            .and_then(|address| address.map(certify))
            .map_err(QueueError::Url)
    }

    fn map(self, change: impl Fn(ConnectionInfo) -> RedisResult<ConnectionInfo>) -> RedisResult<Address> {
        Ok(match self {
            Address::Server(server) => Address::Server(change(server)?),
            Address::Sentinels {
                sentinels,
                name,
                master,
            } => Address::Sentinels {
                sentinels: sentinels.into_iter().map(&change).collect::<RedisResult<_>>()?,
                name,
                master: change(master)?,
            },
            Address::Cluster(nodes) => {
                Address::Cluster(nodes.into_iter().map(change).collect::<RedisResult<_>>()?)
            }
        })
    }
}

fn certificates(files: RedisFiles<'_>) -> Result<Option<TlsCertificates>, QueueError> {
    let read = |file: &Path| std::fs::read(file).map_err(QueueError::Certificate);
    let client_tls = match (files.certificate, files.key) {
        (Some(certificate), Some(key)) => Some(ClientTlsConfig {
            client_cert: read(certificate)?,
            client_key: read(key)?,
        }),
        (None, None) => None,
        _ => {
            let one = std::io::Error::other("only one of the two is set");
            return Err(QueueError::Certificate(one));
        }
    };
    if let Some(file) = files.authorities {
        authorities::in_file(file).map_err(QueueError::Authorities)?;
    }
    let root_cert = files.authorities.map(read).transpose()?;
    let any = client_tls.is_some() || root_cert.is_some();
    Ok(any.then_some(TlsCertificates {
        client_tls,
        root_cert,
    }))
}

/// The hosts of a URL that may name several, each as a URL of its own.
fn parse(url: &str) -> RedisResult<Address> {
    let several = url.split_once("://").and_then(|(scheme, rest)| {
        let (scheme, kind) = scheme.rsplit_once('+')?;
        matches!(kind, "sentinel" | "cluster").then_some((scheme, kind, rest))
    });
    let Some((scheme, kind, rest)) = several else {
        return Ok(Address::Server(url.into_connection_info()?));
    };
    if !matches!(scheme, "redis" | "rediss" | "valkey" | "valkeys") {
        return refuse("the scheme before + must be redis or rediss");
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let mut servers = vec![];
    let mut words = Words::default();
    for host in hosts.split(',') {
        let Ok(mut server) = Url::parse(&format!("{scheme}://{login}{host}{tail}")) else {
            return refuse("each host must be a name or an address, and a port if it is not the usual one");
        };
        if kind == "sentinel" && server.port().is_none() {
            // refused only where there is no host, of which the next line tells
            let _ = server.set_port(Some(SENTINEL_PORT));
        }
        words = Words::taken_from(&mut server);
        servers.push(server.into_connection_info()?);
    }
    match (kind, words.master_name, servers.first().cloned()) {
        ("sentinel", Some(name), Some(master)) => {
            let set = |sentinel: ConnectionInfo| sentinel.set_redis_settings(words.login.clone());
            Ok(Address::Sentinels {
                sentinels: servers.into_iter().map(set).collect(),
                name,
                master,
            })
        }
        ("sentinel", ..) => refuse("sentinels must be told which master is asked for: ?master_name=NAME"),
        _ if servers.iter().any(|node| node.redis_settings().db() != 0) => {
            refuse("a cluster has only the database 0")
        }
        _ => Ok(Address::Cluster(servers)),
    }
}

fn refuse<T>(why: &'static str) -> RedisResult<T> {
    Err(RedisError::from((ErrorKind::InvalidClientConfig, why)))
}

/// What a URL of sentinels says that the redis crate does not know.
#[derive(Default)]
struct Words {
    master_name: Option<String>,
    /// How the sentinels let us in.
    login: RedisConnectionInfo,
}

impl Words {
    fn taken_from(url: &mut Url) -> Words {
        let mut words = Words::default();
        let mut rest = vec![];
        for (key, value) in url.query_pairs() {
            match &*key {
                "master_name" => words.master_name = Some(value.into_owned()),
                "sentinel_username" => words.login = words.login.set_username(value),
                "sentinel_password" => words.login = words.login.set_password(value),
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        match rest.is_empty() {
            true => url.set_query(None),
            false => {
                url.query_pairs_mut().clear().extend_pairs(rest);
            }
        }
        words
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
