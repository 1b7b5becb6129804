//! Connections of deliveries. This is the only way out, and the address a name leads to is looked at
//! here, where the connection is made to that very address: a name that leads elsewhere the next time
//! it is asked for gains nothing. There are no proxies.

use axum::http::Uri;
use hyper_util::rt::TokioIo;
use rollcall_shared::webhooks::Reach;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tower::Service;

/// Longest time for one address to answer: there may be others.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the name leads nowhere")]
    Unresolved,
    #[error("the address is private, local or reserved")]
    Forbidden,
    #[error("no connection was made")]
    Refused,
}

/// Connects to where webhooks may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connector {
    pub(super) reach: Reach,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(connect(uri, self.reach))
    }
}

async fn connect(uri: Uri, reach: Reach) -> Result<TokioIo<TcpStream>, ConnectError> {
    let secure = uri.scheme_str() == Some("https");
    let host = uri.host().ok_or(ConnectError::Unresolved)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let found = lookup_host((host, port)).await;
    let found: Vec<SocketAddr> = found.map_err(|_| ConnectError::Unresolved)?.collect();
    let mut error = if found.is_empty() {
        ConnectError::Unresolved
    } else {
        ConnectError::Forbidden
    };
    for address in found
        .into_iter()
        .filter(|address| reach.allows(address.ip(), secure))
    {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(TokioIo::new(stream)),
            Ok(Err(_)) | Err(_) => error = ConnectError::Refused,
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn outcome(uri: &str, reach: Reach) -> Result<(), ConnectError> {
        let mut connector = Connector { reach };
        connector.call(uri.parse().unwrap()).await.map(|_| ())
    }

    #[tokio::test]
    async fn name_that_leads_to_a_local_address_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for uri in [
            format!("https://localhost:{port}/"),
            format!("https://127.0.0.1:{port}/"),
        ] {
            let refused = outcome(&uri, Reach::Public).await;
            assert!(
                matches!(refused, Err(ConnectError::Forbidden)),
                "{uri}: {refused:?}"
            );
            outcome(&uri, Reach::PublicAndLoopback).await.unwrap();
            // Exactly the one that was allowed has arrived.
            listener.accept().await.unwrap();
            let another = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
            assert!(another.is_err(), "a forbidden connection was made");
        }
    }

    #[tokio::test]
    async fn literal_address_is_looked_at_like_a_name() {
        for uri in [
            "https://169.254.169.254/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00:ec2::254]/",
            "https://[::1]:1/",
        ] {
            let refused = outcome(uri, Reach::Public).await;
            assert!(
                matches!(refused, Err(ConnectError::Forbidden)),
                "{uri}: {refused:?}"
            );
        }
        let http = outcome("http://8.8.8.8/", Reach::PublicAndLoopback).await;
        assert!(matches!(http, Err(ConnectError::Forbidden)), "{http:?}");
    }

    #[tokio::test]
    async fn name_that_does_not_exist_and_port_that_nobody_listens_on_are_told_apart() {
        let unresolved = outcome("https://nobody.invalid/", Reach::Public).await;
        assert!(
            matches!(unresolved, Err(ConnectError::Unresolved)),
            "{unresolved:?}"
        );
        let port = devstack::free_port().unwrap();
        let refused = outcome(&format!("http://127.0.0.1:{port}/"), Reach::PublicAndLoopback).await;
        assert!(matches!(refused, Err(ConnectError::Refused)), "{refused:?}");
    }
}
