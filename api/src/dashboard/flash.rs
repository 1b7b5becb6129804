//! After an action, back to a page that says once how it went.

use super::html::sentence;
use super::session::{Session, cookie};
use crate::error::Failure;
use crate::middleware::Outcome;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NAME: &str = "rollcall-flash";

/// What a page says once at its top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flash {
    pub done: bool,
    pub text: String,
}

impl Session {
    /// Back to `path`, which then says what was done.
    pub(super) fn done(&self, path: &str, text: &str) -> Response {
        self.back(
            path,
            Flash {
                done: true,
                text: text.to_owned(),
            },
        )
    }

    /// Back to `path`, which then says why it was not done; the audit log keeps the failure's status.
    pub(super) fn refused(&self, path: &str, failure: &Failure) -> Response {
        let text = sentence(failure.detail());
        let mut response = self.back(path, Flash { done: false, text });
        response.extensions_mut().insert(Outcome(failure.status()));
        response
    }

    fn back(&self, path: &str, flash: Flash) -> Response {
        let mut response = see_other(path);
        if let Some(cookie) = cookie::set(NAME, &flash.encode(), self.secure, Some(60)) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The header that forgets the message this page has said.
    pub(super) fn flash_is_told(&self) -> Option<HeaderValue> {
        self.flash.as_ref()?;
        cookie::set(NAME, "", self.secure, Some(0))
    }
}

impl Flash {
    /// What the page that is asked for has to say.
    pub(super) fn of(headers: &HeaderMap, secure: bool) -> Option<Flash> {
        Flash::decode(&cookie::get(headers, NAME, secure)?)
    }

    fn encode(&self) -> String {
        let kind = if self.done { "done" } else { "refused" };
        format!("{kind}.{}", URL_SAFE_NO_PAD.encode(&self.text))
    }

    fn decode(value: &str) -> Option<Flash> {
        let (kind, text) = value.split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let done = kind == "done";
        Some(Flash { done, text })
    }
}

/// 303: look there now.
pub(super) fn see_other(path: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(path) else {
        return see_other("/");
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flash_survives_the_cookie_whatever_it_says() {
        for (done, text) in [(true, "3 links; “Ada” \r\n=,"), (false, "")] {
            let flash = Flash {
                done,
                text: text.to_owned(),
            };
            assert_eq!(Flash::decode(&flash.encode()), Some(flash));
        }
        assert_eq!(Flash::decode("done.%%%"), None);
    }
}
