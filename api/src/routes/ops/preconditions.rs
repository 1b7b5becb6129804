//! `If-Match` and `If-None-Match` of what operators change.

use crate::error::Failure;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::scim::etag_matches;

/// `If-Match` names the version there must be, `If-None-Match: *` that there must be none.
pub(super) fn check(headers: &HeaderMap, version: Option<i64>) -> Result<(), Failure> {
    let tags = |name| {
        let tags = headers.get(name)?;
        Some(tags.to_str().unwrap_or_default())
    };
    let matches = |tags: &str| version.is_some_and(|version| etag_matches(tags, version));
    let unwanted = tags(header::IF_NONE_MATCH).is_some_and(matches);
    let missing = tags(header::IF_MATCH).is_some_and(|tags| !matches(tags));
    match unwanted || missing {
        true => Err(Failure::new(
            StatusCode::PRECONDITION_FAILED,
            "what is to be changed is not in the version that the request wants it in",
        )),
        false => Ok(()),
    }
}
