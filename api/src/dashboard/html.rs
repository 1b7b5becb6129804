//! From a template to an answer.

use super::filters;
use super::session::Session;
use crate::error::{Failure, Surface};
use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Nothing but our own files, no frames, no inline scripts or styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What every page is sent with.
static PROTECTION: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: browsers would send forms with the origin `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Say what a browser must not do with a page.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in &PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A page of somebody who is logged in.
pub(super) fn page(session: &Session, template: &impl Template) -> Response {
    let mut response = html(StatusCode::OK, template);
    if let Some(told) = session.flash_is_told() {
        response.headers_mut().append(header::SET_COOKIE, told);
    }
    response
}

/// A page of any status.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(body) => {
            let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            let mut response = (status, content_type, body).into_response();
            protect(response.headers_mut());
            response
        }
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a page cannot be rendered");
            Surface::Page.response(Failure::internal())
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    detail: String,
}

/// The page that tells of a failure.
pub(crate) fn error_page(failure: &Failure) -> String {
    let title = match failure.status() {
        StatusCode::NOT_FOUND => "Nothing is here",
        StatusCode::FORBIDDEN => "That is not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "Not available at the moment",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong on our side",
        status => status.canonical_reason().unwrap_or("That did not work"),
    };
    let page = ErrorPage {
        title,
        detail: sentence(failure.detail()),
    };
    // A template that cannot be rendered must not hide what it was to tell.
    page.render().unwrap_or_else(|_| title.to_owned())
}

/// What the APIs say in passing, as people write it.
pub(super) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if detail.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_begins_with_a_capital_and_ends() {
        assert_eq!(sentence("there is no such person"), "There is no such person.");
        assert_eq!(sentence("Done already."), "Done already.");
        assert_eq!(sentence("ß"), "SS.");
    }
}
