//! The operator API over HTTP.

use super::Failed;
use anyhow::Context as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use ureq::http::{Method, Request, Response, StatusCode, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Longest time one answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest time a server may be busy before a command gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of an answer; no page comes near it.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Items in a page.
const PAGE: usize = 500;

/// What stays as it is in a path segment or a value of a query string.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether a request may be sent again after a 503, which does not tell what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Harmless,
    Never,
}

pub(super) struct Client {
    agent: Agent,
    base: String,
    bearer: String,
}

/// A JSON answer: as it came, and read.
pub(super) struct Answer {
    pub text: String,
    pub body: Value,
}

impl Client {
    /// # Errors
    /// When the machine has no certificates to check a server by.
    pub(super) fn new(base: String, token: &str) -> Result<Client, Failed> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A token is for the server it was given for.
            .max_redirects(0)
            .user_agent(concat!("rollcall-api/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(ANSWER))
            .timeout_connect(Some(Duration::from_secs(10)));
        let config = match base.starts_with("https:") {
            true => config.tls_config(tls()?),
            false => config,
        };
        Ok(Client {
            agent: config.build().into(),
            base,
            bearer: format!("Bearer {token}"),
        })
    }

    /// # Errors
    /// When there is no answer, or one that is no success.
    pub(super) fn get(&self, path: &str) -> Result<Answer, Failed> {
        self.send(Method::GET, path, None, Again::Harmless)
    }

    /// # Errors
    /// When there is no answer, or one that is no success.
    pub(super) fn post(&self, path: &str, body: &Value, again: Again) -> Result<Answer, Failed> {
        self.send(Method::POST, path, Some(body.to_string()), again)
    }

    /// # Errors
    /// When there is no answer, or one that is no success.
    pub(super) fn delete(&self, path: &str) -> Result<Answer, Failed> {
        self.send(Method::DELETE, path, None, Again::Harmless)
    }

    /// Every item of a list, page by page, until `each` says that it is enough; `key` is what the list is called
    /// in the answer.
    ///
    /// # Errors
    /// When there is no answer, or one that is no success; or what `each` fails with.
    pub(super) fn items(
        &self,
        path: &str,
        key: &str,
        mut each: impl FnMut(&Value) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let (mut seen, mut next) = (0, String::new());
        loop {
            let mark = match path {
                path if path.ends_with('?') => "",
                path if path.contains('?') => "&",
                _ => "?",
            };
            let answer = self
                .get(&format!("{path}{mark}count={PAGE}&limit={PAGE}{next}"))?
                .body;
            let items = answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
            for item in items {
                if !each(item)? {
                    return Ok(());
                }
            }
            seen += items.len() as u64;
            next = match (answer["nextCursor"].as_str(), answer["totalResults"].as_u64()) {
                (Some(cursor), _) => format!("&cursor={}", encoded(cursor)),
                (None, Some(total)) if seen < total && !items.is_empty() => {
                    format!("&startIndex={}", seen + 1)
                }
                _ => return Ok(()),
            };
        }
    }

    fn send(&self, method: Method, path: &str, body: Option<String>, again: Again) -> Result<Answer, Failed> {
        let begun = Instant::now();
        loop {
            let mut response = self.once(method.clone(), path, body.as_deref())?;
            let status = response.status();
            let pause = retry_after(&response).filter(|pause| match status {
                StatusCode::TOO_MANY_REQUESTS => begun.elapsed() + *pause <= PATIENCE,
                StatusCode::SERVICE_UNAVAILABLE => {
                    again == Again::Harmless && begun.elapsed() + *pause <= PATIENCE
                }
                _ => false,
            });
            if let Some(pause) = pause {
                let seconds = pause.as_secs();
                eprintln!(
                    "the server is busy ({}); trying again in {seconds} s",
                    status.as_u16()
                );
                super::wait(pause);
                continue;
            }
            let text = response
                .body_mut()
                .with_config()
                .limit(MOST_BYTES)
                .read_to_string()
                .map_err(|error| self.unreachable(&error))?;
            return self.understood(status, text);
        }
    }

    fn once(&self, method: Method, path: &str, body: Option<&str>) -> Result<Response<Body>, Failed> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/ops/v1{path}", self.base))
            .header(header::AUTHORIZATION, &self.bearer)
            .header(header::ACCEPT, "application/json");
        let sent = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
            None => request
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
        };
        sent.map_err(|error| self.unreachable(&error))
    }

    fn understood(&self, status: StatusCode, text: String) -> Result<Answer, Failed> {
        let body = match text.is_empty() {
            true => Some(Value::Null),
            false => serde_json::from_str::<Value>(&text).ok(),
        };
        match (status.as_u16(), body) {
            (200..300, Some(body)) => Ok(Answer { text, body }),
            (300..400, _) => {
                let detail = format!(
                    "{} redirects elsewhere; name the address it redirects to",
                    self.base
                );
                Err(Failed::Refused(detail))
            }
            (401 | 403, body) => Err(Failed::NotAllowed(sentence(status, body.as_ref()))),
            (429 | 502..505, body) => Err(Failed::Unreachable(sentence(status, body.as_ref()))),
            (400.., body) => Err(Failed::Refused(sentence(status, body.as_ref()))),
            _ => Err(Failed::Refused(format!(
                "{} is not an operator API of Rollcall",
                self.base
            ))),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failed {
        Failed::Unreachable(format!("{} cannot be reached: {error}", self.base))
    }
}

/// A text as part of a path or query string.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// An address as it is typed: with or without the path of the API.
pub(super) fn address(text: &str) -> Result<String, String> {
    let address = text.trim_end_matches('/');
    let address = address.strip_suffix("/ops/v1").unwrap_or(address);
    let uri: Uri = address.parse().map_err(|_| "this is no address".to_owned())?;
    match (uri.scheme_str(), uri.authority(), uri.query()) {
        (_, Some(authority), _) if authority.as_str().contains('@') => {
            Err("no name and password belong in it".to_owned())
        }
        (Some("http" | "https"), Some(_), None) => Ok(address.to_owned()),
        _ => Err("it must be like https://rollcall.example.com".to_owned()),
    }
}

/// The token, from wherever it was said to be.
///
/// # Errors
/// When there is none, or what there is cannot be one.
pub(super) fn token(given: Option<String>, file: Option<&Path>) -> anyhow::Result<String> {
    let file = file.filter(|file| !file.as_os_str().is_empty());
    let token = match (file, given.filter(|token| !token.is_empty())) {
        (Some(file), _) => std::fs::read_to_string(file)
            .with_context(|| format!("the token cannot be read from {}", file.display()))?,
        (None, Some(token)) => token,
        (None, None) => {
            let detail = "a token is needed: set ROLLCALL_TOKEN, or name a file with --token-file";
            return Err(Failed::Usage(detail.to_owned()).into());
        }
    };
    let token = token.trim();
    match token.is_empty() || !token.chars().all(|character| character.is_ascii_graphic()) {
        true => Err(Failed::Usage("what is given as the token cannot be one".to_owned()).into()),
        false => Ok(token.to_owned()),
    }
}

/// Servers are checked by the certificates this machine trusts; SSL_CERT_FILE adds to them.
fn tls() -> Result<TlsConfig, Failed> {
    // Nothing but a provider that is installed already makes this fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        let detail =
            "this machine has no certificates to check the server by; name a file of them in SSL_CERT_FILE";
        return Err(Failed::Unreachable(detail.to_owned()));
    }
    let trusted = found.iter().map(|found| Certificate::from_der(found).to_owned());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(trusted.collect::<Vec<Certificate>>()))
        .build())
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse::<u64>().ok()?.max(1)))
}

/// What a problem document says, in a line.
fn sentence(status: StatusCode, problem: Option<&Value>) -> String {
    let detail = problem.and_then(|problem| problem["detail"].as_str());
    let mut said = match detail {
        Some(detail) => detail.to_owned(),
        None => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    };
    let errors = problem.and_then(|problem| problem["errors"].as_array());
    for error in errors.into_iter().flatten() {
        said.push_str(&format!("; {error}"));
    }
    format!("{} ({})", super::output::printable(&said), status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_taken_with_or_without_the_path_of_the_api() {
        for typed in [
            "https://r.example",
            "https://r.example/",
            "https://r.example/ops/v1/",
        ] {
            assert_eq!(address(typed).as_deref(), Ok("https://r.example"), "{typed}");
        }
        assert_eq!(
            address("http://[::1]:8080/rollcall").as_deref(),
            Ok("http://[::1]:8080/rollcall")
        );
    }

    #[test]
    fn address_that_is_none_or_holds_a_secret_is_refused() {
        for typed in [
            "r.example",
            "ftp://r.example",
            "https://a:b@r.example",
            "https://r.example?x=1",
            "",
        ] {
            assert!(address(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn text_in_a_path_cannot_leave_its_segment() {
        assert_eq!(encoded("a/../b?c=d&e#f g"), "a%2F..%2Fb%3Fc%3Dd%26e%23f%20g");
    }
}
