use crate::error::ScimFailure;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use rollcall_shared::scim::ScimError;

/// The one variable segment of a path, percent-decoded.
pub(crate) struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ScimFailure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segment, ScimFailure> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Segment(segment)),
            // Not UTF-8: no resource has such an id.
            Err(_) => Err(ScimError::not_found("there is no such resource").into()),
        }
    }
}
