//! A webhook's receiver: what arrives is kept, and answered as the test says. Signatures are checked by
//! an HMAC of its own.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// `webhook-id`
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer(u16, Vec<(&'static str, String)>),
    /// Nothing, until something else is to be answered.
    Hold,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Reply {
        Reply::Answer(status, vec![])
    }
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    reply: watch::Receiver<Reply>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    reply: watch::Sender<Reply>,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        Receiver::on(listener, url)
    }

    /// Known by this URL.
    pub(crate) fn on(listener: impl Listener<Addr: Debug>, url: String) -> Receiver {
        let received = Arc::default();
        let (reply, told) = watch::channel(Reply::status(204));
        let shared = Shared {
            received: Arc::clone(&received),
            reply: told,
        };
        let router = Router::new().fallback(receive).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, received, reply }
    }

    /// Answer like this from now on.
    pub(crate) fn answer(&self, reply: Reply) {
        self.reply.send_replace(reply);
    }

    /// Everything that arrived, in its order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Everything that arrived, once it is at least so much.
    pub(crate) async fn until(&self, count: usize) -> Vec<Received> {
        let started = Instant::now();
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            let patience = Duration::from_secs(60);
            assert!(
                started.elapsed() < patience,
                "only {} of {count} arrived: {received:?}",
                received.len()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    shared.received.lock().unwrap().push(Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let mut reply = shared.reply.clone();
    let Ok(reply) = reply.wait_for(|reply| !matches!(reply, Reply::Hold)).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let Reply::Answer(status, further) = reply.clone() else {
        unreachable!("it was waited for something else")
    };
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    for (name, value) in further {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The changes it tells of.
    pub(crate) fn changes(&self) -> Vec<Value> {
        self.json()["data"]["changes"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Which of its signatures were made with this secret.
    pub(crate) fn signed_with(&self, secret: &[u8]) -> Vec<bool> {
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let expected = format!("v1,{}", BASE64_STANDARD.encode(hmac(secret, signed.as_bytes())));
        self.signature
            .split(' ')
            .map(|signature| signature == expected)
            .collect()
    }
}

/// HMAC-SHA256 as RFC 2104 has it, for keys of up to 64 bytes.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}
