//! Answers that a client may keep and ask after: entity tags (RFC 9110 §8.8.3), weak, of what is shown.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// For the client alone, who asks each time whether it still holds.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// This body, or 304 when the client has it already.
pub(super) fn answer(asked: &HeaderMap, body: &Value) -> Response {
    let text = body.to_string();
    let digest = Sha256::digest(text.as_bytes());
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let mut response = match is_known(asked, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], text).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, CACHE);
    if let Ok(tag) = HeaderValue::try_from(format!("W/\"{tag}\"")) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The answer with the time its subject last changed.
pub(super) fn modified(mut response: Response, at: DateTime<Utc>) -> Response {
    let at = at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(at) = HeaderValue::try_from(at) {
        response.headers_mut().insert(header::LAST_MODIFIED, at);
    }
    response
}

fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let named = asked.get_all(header::IF_NONE_MATCH).iter();
    named.filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|named| {
            let opaque = named.strip_prefix("W/").unwrap_or(named);
            named == "*" || opaque.trim_matches('"') == tag
        })
    })
}
