use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use std::convert::Infallible;

/// The path under which a request reached the SCIM routes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScimRoot(pub &'static str);

/// The URL of the SCIM root as this client reaches it, without a trailing slash.
pub(crate) struct BaseUrl(pub String);

impl FromRequestParts<App> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<BaseUrl, Infallible> {
        let root = parts.extensions.get::<ScimRoot>();
        let root = root.map_or("/scim/v2", |ScimRoot(root)| root);
        Ok(BaseUrl(format!("{}{root}", origin(parts, app))))
    }
}

/// Who issues events: the URL of this server as this client reaches it, without a path. The keys
/// to check them with are at `/.well-known/jwks.json` below it.
pub(crate) struct Issuer(pub String);

impl FromRequestParts<App> for Issuer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Issuer, Infallible> {
        Ok(Issuer(origin(parts, app)))
    }
}

fn origin(parts: &Parts, app: &App) -> String {
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    match (&app.http.public_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(host)) if is_host(host) => format!("http://{host}"),
        (None, _) => format!("http://{}", app.http.listen),
    }
}

/// A header is the client's word, and it is echoed in URLs.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte);
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}
