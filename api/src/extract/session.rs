use super::{BaseUrl, Caller, Prefer, Protocol};
use crate::accept::Writer;
use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use rollcall_shared::directory::Lane;
use rollcall_shared::scim::Rules;
use rollcall_shared::telemetry::traces;
use std::sync::Arc;

/// Whose write it is, by what it is read, and how the client would be answered.
pub(crate) struct Session {
    pub caller: Caller,
    pub rules: Rules,
    pub prefer: Prefer,
    /// The URL of the SCIM root.
    pub base: String,
}

impl Session {
    /// The writer as the acceptor knows it.
    pub(crate) fn writer(&self, lane: Lane) -> Writer {
        let token = &self.caller.0;
        Writer {
            tenant: token.tenant,
            token: token.id,
            source: Arc::clone(&token.source),
            rules: self.rules,
            lane,
            keeps_result: self.prefer.asynchronous,
            traceparent: traces::current(),
        }
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Session, Response> {
        // First: the time a client waits counts from here.
        let Ok(prefer) = Prefer::from_request_parts(parts, app).await;
        let Ok(BaseUrl(base)) = BaseUrl::from_request_parts(parts, app).await;
        let caller = Caller::from_request_parts(parts, app).await?;
        let Protocol(rules) = Protocol::from_request_parts(parts, app).await?;
        Ok(Session {
            caller,
            rules,
            prefer,
            base,
        })
    }
}
