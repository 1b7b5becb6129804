use super::Caller;
use crate::error::ScimFailure;
use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use rollcall_shared::scim::Rules;

/// By what this request is read: its tenant's schemas, and its token's dialect.
pub(crate) struct Protocol(pub Rules);

impl FromRequestParts<App> for Protocol {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Protocol, Response> {
        let Caller(token) = Caller::from_request_parts(parts, app).await?;
        let schemas = app
            .schemas
            .of(token.tenant)
            .await
            .map_err(|error| ScimFailure::from(error).into_response())?;
        Ok(Protocol(Rules {
            schemas,
            dialect: token.dialect,
        }))
    }
}
