//! Cookies. Over https their names begin with `__Host-`: browsers then take them only from this host.

use crate::state::App;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

const PREFIX: &str = "__Host-";

/// Whether the browser is on https: by the configured URL, or by the proxy's word.
pub(in crate::dashboard) fn secure(app: &App, headers: &HeaderMap) -> bool {
    let configured = app.http.public_url.as_deref().unwrap_or_default();
    let forwarded = headers
        .get("x-forwarded-proto")
        .and_then(|value| value.to_str().ok());
    let nearest = forwarded
        .and_then(|value| value.split(',').next())
        .unwrap_or_default();
    configured.starts_with("https://") || nearest.trim().eq_ignore_ascii_case("https")
}

/// The header that sets a cookie for `seconds`, or until the browser closes. Lax, not strict: whoever
/// follows a link from a chat is logged in; forms carry a token of their own.
pub(in crate::dashboard) fn set(
    name: &str,
    value: &str,
    secure: bool,
    seconds: Option<i64>,
) -> Option<HeaderValue> {
    let name = if secure {
        format!("{PREFIX}{name}")
    } else {
        name.to_owned()
    };
    let mut cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .build();
    cookie.set_max_age(seconds.map(Duration::seconds));
    HeaderValue::try_from(cookie.to_string()).ok()
}

/// A cookie the browser sent. Over https, one without the prefix may be anybody's and does not count.
pub(in crate::dashboard) fn get(headers: &HeaderMap, name: &str, secure: bool) -> Option<String> {
    let name = if secure {
        format!("{PREFIX}{name}")
    } else {
        name.to_owned()
    };
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}
