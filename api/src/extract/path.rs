use crate::error::{Failure, ScimFailure};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use rollcall_shared::scim::{ResourceType, ScimError};

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

/// The resource a path names: its kind comes with the route, its id is as sent.
pub(crate) struct Target {
    pub kind: ResourceType,
    pub id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = ScimFailure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Target, ScimFailure> {
        let kind = parts.extensions.get::<ResourceType>().copied();
        let kind = kind.ok_or_else(|| {
            tracing::error!("a route of resources does not say of which kind");
            Failure::internal()
        })?;
        let Segment(id) = Segment::from_request_parts(parts, state).await?;
        Ok(Target { kind, id })
    }
}
