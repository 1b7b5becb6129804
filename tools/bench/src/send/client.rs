use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

/// How long one write is tried again before the whole run is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A SCIM client with keep-alive that does as it is told by 429 and 503.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// `Null` where the answer has no body.
    pub(crate) body: Value,
    pub(crate) acknowledged: Instant,
    pub(crate) pushed_back: usize,
}

impl Client {
    /// `base` ends in `/scim/v2`.
    pub(crate) fn new(base: &str, token: &str) -> Result<Client> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .timeout(Duration::from_secs(60))
            .build()
            .context("building the HTTP client")?;
        Ok(Client {
            http,
            base: base.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
        })
    }

    /// One request, repeated while the server asks to come back later or cannot be connected to.
    pub(crate) async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply> {
        let started = Instant::now();
        let mut pushed_back = 0;
        loop {
            let method = Method::from_bytes(method.as_bytes())?;
            let mut request = self
                .http
                .request(method, format!("{}{path}", self.base))
                .bearer_auth(&self.token)
                .header(header::ACCEPT, "application/scim+json");
            if let Some(body) = body {
                request = request
                    .header(header::CONTENT_TYPE, "application/scim+json")
                    .body(serde_json::to_vec(body)?);
            }
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() && started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
                Err(error) => return Err(error).with_context(|| format!("sending to {path}")),
            };
            let status = response.status();
            if matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            ) {
                if started.elapsed() > PATIENCE {
                    bail!("{path} still answers {status} after {} s", PATIENCE.as_secs());
                }
                pushed_back += 1;
                tokio::time::sleep(retry_after(response.headers())).await;
                continue;
            }
            let bytes = response
                .bytes()
                .await
                .with_context(|| format!("reading the answer of {path}"))?;
            let acknowledged = Instant::now();
            let body = if bytes.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&bytes)?
            };
            return Ok(Reply {
                status,
                body,
                acknowledged,
                pushed_back,
            });
        }
    }
}

/// `Retry-After` in seconds; a second where it is missing or a date.
fn retry_after(headers: &header::HeaderMap) -> Duration {
    let seconds = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}
