//! One delivery over HTTP.

use super::connect::{ConnectError, Connector};
use super::{signature, trust};
use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rollcall_shared::store::webhooks::turns::{Attempt, End, Outcome};
use rollcall_shared::webhooks::{Reach, Target, delay, retry_after};
use rustls::ClientConfig;
use std::time::Duration;

/// Longest time for a delivery, from looking its name up to the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that its connection can be used again; the rest is not.
const ANSWER_BYTES: usize = 4 * 1024;
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);
/// How long a connection is kept that nothing goes over.
const IDLE: Duration = Duration::from_secs(30);

/// Sends deliveries.
pub(super) struct Sender {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    reach: Reach,
}

impl Sender {
    pub(super) fn new(reach: Reach, tls: ClientConfig) -> Sender {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector { reach });
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .build(connector);
        Sender { client, reach }
    }

    /// Send it, and see what becomes of it. `jitter` is from 0 to 1.
    pub(super) async fn send(&self, attempt: &Attempt, jitter: f64) -> Outcome {
        let failed = usize::try_from(attempt.failed).unwrap_or_default() + 1;
        let again = |asked| match attempt.kind.as_str() {
            // Somebody wants to know how it is now.
            rollcall_shared::webhooks::PING => None,
            _ => delay(failed, jitter, asked),
        };
        match tokio::time::timeout(PATIENCE, self.post(attempt)).await {
            Ok(Ok(response)) => judge(&response, attempt.now, again),
            Ok(Err(class)) => Outcome {
                status: None,
                end: End::Failed(class, again(None)),
            },
            Err(_) => Outcome {
                status: None,
                end: End::Failed("timeout", again(None)),
            },
        }
    }

    /// The answer, without its body; else the class of what went wrong.
    async fn post(&self, attempt: &Attempt) -> Result<Response<()>, &'static str> {
        // The settings may be others than when it was stored.
        let target = Target::parse(&attempt.url, self.reach).map_err(|_| "forbidden_address")?;
        let id = signature::id(attempt.delivery);
        let timestamp = attempt.now.timestamp();
        let request = Request::post(target.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::USER_AGENT,
                concat!("Rollcall/", env!("CARGO_PKG_VERSION")),
            )
            .header(
                "webhook-signature",
                signature::sign(&attempt.secrets, &id, timestamp, &attempt.body),
            )
            .header("webhook-timestamp", timestamp)
            .header("webhook-id", id)
            .body(Full::from(attempt.body.clone()))
            .map_err(|_| "forbidden_address")?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| class(&error))?;
        let (parts, body) = response.into_parts();
        // Whatever it says: its status is the answer.
        let reading = Limited::new(body, ANSWER_BYTES).collect();
        let _ = tokio::time::timeout(ANSWER_PATIENCE, reading).await;
        Ok(Response::from_parts(parts, ()))
    }
}

/// What an answer means.
fn judge(
    response: &Response<()>,
    now: DateTime<Utc>,
    again: impl FnOnce(Option<Duration>) -> Option<Duration>,
) -> Outcome {
    let status = response.status();
    let asked = response.headers().get(header::RETRY_AFTER);
    let asked = asked.and_then(|value| retry_after(value.to_str().ok()?, now));
    let end = match status {
        status if status.is_success() => End::Delivered,
        StatusCode::GONE => End::Gone,
        // A redirect is not followed: who receives is what the operator said.
        status if status.is_redirection() => End::Failed("redirect", again(asked)),
        _ => End::Failed("status", again(asked)),
    };
    Outcome {
        status: Some(status.as_u16()),
        end,
    }
}

/// Of what kind an error is: a word of ours, nothing that somebody else said.
fn class(error: &Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ConnectError>() {
            return match error {
                ConnectError::Unresolved => "unresolved_name",
                ConnectError::Forbidden => "forbidden_address",
                ConnectError::Refused => "connection",
            };
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return trust::class(error);
        }
        // An error of input or output is not the source of what wraps it: it holds it.
        cause = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    // What is left of connecting is TLS.
    if error.is_connect() { "tls" } else { "no_answer" }
}
