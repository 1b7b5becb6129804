use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use std::convert::Infallible;

/// The URL of the SCIM root as this client reaches it, without a trailing slash.
pub(crate) struct BaseUrl(pub String);

impl FromRequestParts<App> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<BaseUrl, Infallible> {
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let origin = match (&app.http.public_url, host) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(host)) if is_host(host) => format!("http://{host}"),
            (None, _) => format!("http://{}", app.http.listen),
        };
        Ok(BaseUrl(format!("{origin}/scim/v2")))
    }
}

/// A header is the client's word, and it is echoed in URLs.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte);
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}
