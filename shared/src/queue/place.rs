//! To which server a connection leads. It is found out anew for each connection, and a
//! connection is given up when its server turns out to be the wrong one: so a failover or a moved
//! slot is followed by whoever needs it next.
//!
//! The redis crate's own clients for sentinels and clusters are not used. The one asks sentinels
//! in their order, so that a push, which has 250 ms, would never get past a first one that hangs.
//! The other repeats commands that may have been carried out, and a push that is carried out twice
//! counts its jobs twice; it also has only one connection to a node, which a blocking pop holds up.

use super::address::Address;
use super::error::QueueError;
use crate::config::RedisConfig;
use futures::stream::{FuturesUnordered, StreamExt as _};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult,
    ServerErrorKind, Value, aio::MultiplexedConnection,
};
use std::time::Duration;

/// How often a node of a cluster may send us on.
const HOPS: usize = 3;

/// Where Redis is.
#[derive(Debug)]
pub(super) struct Place(Address);

impl Place {
    /// # Errors
    /// When a setting cannot be used; never because Redis is down.
    pub(super) fn of(redis: &RedisConfig) -> Result<Place, QueueError> {
        Address::of(redis).map(Place)
    }

    /// Keys of different hash tags may be on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.0, Address::Cluster(_))
    }

    /// A new connection to the server that holds `key`, within `timeout`.
    ///
    /// # Errors
    /// When no such server is found or lets us in.
    pub(super) async fn connect(
        &self,
        key: &str,
        config: &AsyncConnectionConfig,
        timeout: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let connecting = async {
            match &self.0 {
                Address::Server(server) => open(server, config).await,
                Address::Sentinels {
                    sentinels,
                    name,
                    master,
                } => {
                    let asked = sentinels
                        .iter()
                        .map(|sentinel| master_by(sentinel, name, master, config));
                    first(asked).await
                }
                Address::Cluster(nodes) => first(nodes.iter().map(|node| owner_by(node, key, config))).await,
            }
        };
        match tokio::time::timeout(timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}

async fn open(server: &ConnectionInfo, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    let client = Client::open(server.clone())?;
    client.get_multiplexed_async_connection_with_config(config).await
}

/// The master by the word of this sentinel, if it agrees: sentinels that are cut off name an old one.
async fn master_by(
    sentinel: &ConnectionInfo,
    name: &str,
    master: &ConnectionInfo,
    config: &AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    let mut asked = open(sentinel, config).await?;
    let found: Option<(String, u16)> = redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(name)
        .query_async(&mut asked)
        .await?;
    let Some((host, port)) = found else {
        let unknown = "the sentinels know no master of the name in REDIS_URL";
        return Err((ErrorKind::MasterNameNotFoundBySentinel, unknown).into());
    };
    let mut connection = open(&at(master, host, port), config).await?;
    let role: RedisResult<Vec<Value>> = redis::cmd("ROLE").query_async(&mut connection).await;
    match role {
        Ok(role) if matches!(role.first(), Some(Value::BulkString(role)) if role != b"master") => {
            let replica = "the server that the sentinels name is no master yet";
            Err((ErrorKind::Server(ServerErrorKind::ReadOnly), replica).into())
        }
        Err(error) if error.is_io_error() => Err(error),
        // Users of few rights may not ask; a replica refuses what they write.
        _ => Ok(connection),
    }
}

/// The owner of the key's slot by the word of this node.
async fn owner_by(
    node: &ConnectionInfo,
    key: &str,
    config: &AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    let mut node = node.clone();
    for _ in 0..HOPS {
        let mut connection = open(&node, config).await?;
        let asked = redis::cmd("EXISTS").arg(key).exec_async(&mut connection).await;
        let Err(error) = asked else {
            return Ok(connection);
        };
        match error.kind() {
            // Of a key that is not there while its slot moves away: the slot is this node's until it has.
            ErrorKind::Server(ServerErrorKind::Ask) => return Ok(connection),
            ErrorKind::Server(ServerErrorKind::Moved) => {
                let Some((host, port)) = redirection(&error) else {
                    return Err(error);
                };
                let host = if host.is_empty() { host_of(&node) } else { host };
                node = at(&node, host, port);
            }
            _ => return Err(error),
        }
    }
    let circle = "the nodes of the cluster do not agree who owns a slot";
    Err((ErrorKind::Server(ServerErrorKind::ClusterDown), circle).into())
}

/// To where the error of a node sends us; an empty host is the node's own.
fn redirection(error: &RedisError) -> Option<(String, u16)> {
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// Another server that lets us in as this one does.
fn at(server: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let address = match server.addr() {
        ConnectionAddr::TcpTls {
            insecure, tls_params, ..
        } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    server.clone().set_addr(address)
}

fn host_of(server: &ConnectionInfo) -> String {
    match server.addr() {
        ConnectionAddr::TcpTls { host, .. } | ConnectionAddr::Tcp(host, _) => host.clone(),
        _ => String::new(),
    }
}

/// The first success; if there is none, a failure that tells more than that someone is not there.
async fn first<T>(attempts: impl Iterator<Item = impl Future<Output = RedisResult<T>>>) -> RedisResult<T> {
    let mut attempts: FuturesUnordered<_> = attempts.collect();
    let mut failure = None;
    while let Some(result) = attempts.next().await {
        match result {
            Ok(value) => return Ok(value),
            Err(error) if failure.is_none() || !error.is_io_error() => failure = Some(error),
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or_else(|| (ErrorKind::InvalidClientConfig, "REDIS_URL names no host").into()))
}
