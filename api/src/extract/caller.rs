use crate::auth::Token;
use crate::error::{Failure, Surface};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use std::sync::Arc;

/// Whose request it is.
pub(crate) struct Caller(pub Arc<Token>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, Response> {
        parts
            .extensions
            .get::<Arc<Token>>()
            .cloned()
            .map(Caller)
            .ok_or_else(|| {
                tracing::error!("a route that needs a token is not behind the token check");
                Surface::Problem.response(Failure::internal())
            })
    }
}
