//! A SCIM client that tells apart what was answered, what was never sent and what nobody knows.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longer than any answer takes: who hears nothing for so long has lost the connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    /// The connection was refused: nothing left this process.
    Unsent,
    /// The connection broke after the request may have been read.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null where the answer has no body.
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `id` of the resource answered.
    pub(crate) fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {self:?}"))
            .to_owned()
    }

    /// The same answer, if its status is `status`; panics otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

/// One client of one tenant; requests go round-robin over the API processes.
#[derive(Clone)]
pub(crate) struct Scim {
    http: reqwest::Client,
    bases: Arc<Vec<String>>,
    token: Arc<str>,
    turn: Arc<AtomicUsize>,
}

impl Scim {
    pub(crate) fn new(bases: Vec<String>, token: &str) -> Scim {
        assert!(!bases.is_empty(), "no API");
        Scim {
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .expect("an HTTP client"),
            bases: Arc::new(bases),
            token: token.into(),
            turn: Arc::default(),
        }
    }

    /// The same tenant's client without a kept connection in common.
    pub(crate) fn another(&self) -> Scim {
        Scim::new(self.bases.to_vec(), &self.token)
    }

    /// The same tenant's client, bound to one of the API processes.
    pub(crate) fn only(&self, api: usize) -> Scim {
        Scim::new(vec![self.bases[api].clone()], &self.token)
    }

    /// Base URL of one of the API processes, and the token.
    pub(crate) fn credentials(&self) -> (String, String) {
        (self.bases[0].clone(), self.token.to_string())
    }

    /// Send one request to `path` below the base URL.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.send_raw(method, path, body.map(|body| body.to_string().into_bytes()))
            .await
    }

    /// [`Scim::send`] with a body as it is.
    pub(crate) async fn send_raw(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Reply {
        self.exchange(method, path, None, body).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Reply {
        let base = &self.bases[self.turn.fetch_add(1, Ordering::Relaxed) % self.bases.len()];
        let started = Instant::now();
        let mut request = self
            .http
            .request(method, format!("{base}{path}"))
            .bearer_auth(&self.token);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Reply::Unsent,
            Err(_) => return Reply::Unknown,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        // The status line is the acknowledgement, but an answer cut short may as well be a lost one.
        let Ok(bytes) = response.bytes().await else {
            return Reply::Unknown;
        };
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => match serde_json::from_slice(&bytes) {
                Ok(body) => body,
                Err(_) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
            },
        };
        Reply::Answer(Answer {
            status,
            headers,
            body,
            took: started.elapsed(),
        })
    }

    /// Send one request in good weather, where everything is answered.
    #[track_caller]
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> impl Future<Output = Answer> {
        let path = path.to_owned();
        let body = body.cloned();
        async move {
            match self.send(method.clone(), &path, body.as_ref()).await {
                Reply::Answer(answer) => answer,
                lost => panic!("{method} {path}: {lost:?}"),
            }
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// `PUT` in place of the version with this tag.
    pub(crate) async fn put_over(&self, path: &str, tag: &str, body: &Value) -> Answer {
        let body = Some(body.to_string().into_bytes());
        match self.exchange(Method::PUT, path, Some(tag), body).await {
            Reply::Answer(answer) => answer,
            lost => panic!("PUT {path}: {lost:?}"),
        }
    }

    /// All resources of `/Users` or `/Groups`, page by page.
    pub(crate) async fn list(&self, endpoint: &str) -> Vec<Value> {
        let mut found: Vec<Value> = vec![];
        loop {
            let path = format!("{endpoint}?startIndex={}&count=100", found.len() + 1);
            let page = self.get(&path).await.expect(200).body;
            let total = page["totalResults"].as_u64().expect("totalResults is a number");
            let resources = page["Resources"].as_array().cloned().unwrap_or_default();
            let end = resources.is_empty();
            found.extend(resources);
            if end || found.len() as u64 >= total {
                assert_eq!(found.len() as u64, total, "{endpoint} lists all it counts");
                return found;
            }
        }
    }
}
