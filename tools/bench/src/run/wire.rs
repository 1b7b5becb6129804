//! A bare HTTP/1.1 client: the load generator shares the processors with what it measures.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One kept-alive connection.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where requests go, and what heads each of them.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    address: String,
    base: String,
    token: String,
}

impl Endpoint {
    /// `url` ends in `/scim/v2`.
    pub(super) fn new(url: &str, token: &str) -> Result<Endpoint> {
        let url = reqwest::Url::parse(url).context("SCIM_URL")?;
        ensure!(url.scheme() == "http", "the benchmark speaks plain HTTP only");
        let host = url.host_str().context("SCIM_URL names no host")?;
        let port = url.port_or_known_default().unwrap_or(80);
        let base = url.path().trim_end_matches('/').to_owned();
        Ok(Endpoint {
            address: format!("{host}:{port}"),
            base,
            token: token.to_owned(),
        })
    }

    /// The bytes of a GET.
    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, &[])
    }

    /// The bytes of a POST.
    pub(super) fn post(&self, path: &str, body: &[u8]) -> Vec<u8> {
        self.request("POST", path, body)
    }

    /// The bytes of a PATCH.
    pub(super) fn patch(&self, path: &str, body: &[u8]) -> Vec<u8> {
        self.request("PATCH", path, body)
    }

    /// The bytes of a DELETE.
    pub(super) fn delete(&self, path: &str) -> Vec<u8> {
        self.request("DELETE", path, &[])
    }

    fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "{method} {}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/scim+json\r\ncontent-length: {}\r\n\r\n",
            self.base,
            self.address,
            self.token,
            body.len(),
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }

    pub(super) async fn connect(&self) -> Result<Wire> {
        let stream = TcpStream::connect(&self.address)
            .await
            .context("connecting to SCIM_URL")?;
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }
}

impl Wire {
    /// Sends one request; answers the status and the body.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let (status, length) = parse_head(&self.buffer[..head])?;
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        Ok((status, &self.buffer[head..head + length]))
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(
            self.stream.read_buf(&mut self.buffer).await? > 0,
            "the API closed the connection"
        );
        Ok(())
    }
}

/// A PatchOp message of one operation.
pub(super) fn patch_body(op: &str, path: &str, value: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": op, "path": path, "value": value}],
    })
}

fn parse_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head)?;
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .context("no HTTP status")?;
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    match header("content-length") {
        Some(length) => Ok((status, length.parse()?)),
        None if header("transfer-encoding").is_some() => bail!("the API answers in chunks"),
        None => Ok((status, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_head_finds_status_and_length_in_any_case() -> Result<()> {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 42\r\netag: W/\"1\"\r\n\r\n";
        assert_eq!(parse_head(head)?, (201, 42));
        assert_eq!(parse_head(b"HTTP/1.1 204 No Content\r\n\r\n")?, (204, 0));
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        Ok(())
    }
}
