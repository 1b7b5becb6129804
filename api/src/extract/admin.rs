use super::Caller;
use crate::auth::Scope;
use crate::error::{Failure, Surface};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

/// Lets admins pass, on a path that others may use otherwise.
pub(crate) struct Admin;

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Admin, Response> {
        let Caller(token) = Caller::from_request_parts(parts, state).await?;
        match token.scope {
            Scope::Admin => Ok(Admin),
            held => Err(Surface::Problem.response(Failure::wrong_scope(held, &[Scope::Admin]))),
        }
    }
}
