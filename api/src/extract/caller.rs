use crate::accept::Writer;
use crate::auth::Token;
use crate::error::{Failure, Surface};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use rollcall_shared::directory::Lane;
use rollcall_shared::scim::Rules;
use std::sync::Arc;

/// Whose request it is.
pub(crate) struct Caller(pub Arc<Token>);

impl Caller {
    /// The caller as the acceptor knows it.
    pub(crate) fn writer(&self, rules: Rules, lane: Lane) -> Writer {
        Writer {
            tenant: self.0.tenant,
            token: self.0.id,
            source: Arc::clone(&self.0.source),
            rules,
            lane,
        }
    }
}

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
