use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// What only another version of the program answers otherwise; clients may keep it for a while.
pub(crate) struct Constant {
    content: String,
    content_type: &'static str,
    tag: HeaderValue,
}

pub(crate) const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

impl Constant {
    pub(crate) fn new(content: String, content_type: &'static str) -> Constant {
        let digest = Sha256::digest(&content);
        let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::try_from(format!("\"{digest}\""));
        Constant {
            content,
            content_type,
            // Hexadecimal digits are a header's value.
            tag: tag.unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }

    /// The content, or 304 for a client that has it.
    pub(crate) fn answer(&'static self, headers: &HeaderMap) -> Response {
        let caching = [(header::ETAG, self.tag.clone()), (header::CACHE_CONTROL, CACHED)];
        let known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        let is_this = |tag: &str| tag.trim().trim_start_matches("W/").as_bytes() == self.tag.as_bytes();
        if known.is_some_and(|tags| tags.split(',').any(is_this)) {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        (caching, content_type, self.content.as_str()).into_response()
    }
}
