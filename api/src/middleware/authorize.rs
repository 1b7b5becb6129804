use crate::auth::{Scope, Token};
use crate::error::{Failure, Surface};
use crate::middleware::drain;
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::telemetry::{Limit, LimitLabels};
use std::sync::Arc;

/// Which scopes a group of routes takes, and in which dialect it refuses the others.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    pub scopes: &'static [Scope],
    pub surface: Surface,
}

/// Let the request through with its [`Token`] attached, or refuse it before its body is read.
/// The token is attached to the answer too, for the access log.
pub(crate) async fn authorize(
    State((app, allowed)): State<(App, Allowed)>,
    mut request: Request,
    next: Next,
) -> Response {
    let reads = only_reads(request.method(), request.uri().path());
    match permitted(&app, request.headers(), reads, allowed.scopes).await {
        Ok(token) => {
            request.extensions_mut().insert(Arc::clone(&token));
            let mut response = next.run(request).await;
            response.extensions_mut().insert(token);
            response
        }
        Err(refused) => {
            let (parts, body) = request.into_parts();
            drain(&parts.headers, body).await;
            let mut response = allowed.surface.response(refused.failure);
            if let Some(token) = refused.token {
                response.extensions_mut().insert(token);
            }
            response
        }
    }
}

struct Refused {
    failure: Failure,
    /// Whose request it was, where that much is known.
    token: Option<Arc<Token>>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused { failure, token: None }
    }
}

async fn permitted(
    app: &App,
    headers: &HeaderMap,
    reads: bool,
    scopes: &[Scope],
) -> Result<Arc<Token>, Refused> {
    let secret = bearer(headers).ok_or_else(|| {
        let detail = "this endpoint needs a token: send Authorization: Bearer <token>";
        Failure::challenged(StatusCode::UNAUTHORIZED, detail, r#"Bearer realm="rollcall""#)
    })?;
    let token = app
        .tokens
        .find(secret)
        .await
        .map_err(Failure::from)?
        .ok_or_else(|| {
            let detail = "the token is unknown, expired or revoked";
            let challenge = r#"Bearer realm="rollcall", error="invalid_token""#;
            Failure::challenged(StatusCode::UNAUTHORIZED, detail, challenge)
        })?;
    if let Err(wait) = app.rate_limit.check(token.id) {
        let limit = Limit::Token;
        app.metrics
            .rate_limit_waits
            .get_or_create(&LimitLabels { limit })
            .inc();
        let failure = Failure::too_many_requests("this token makes too many requests per second", wait);
        let token = Some(token);
        return Err(Refused { failure, token });
    }
    if !scopes.contains(&token.scope) {
        let failure = Failure::wrong_scope(token.scope, scopes);
        let token = Some(token);
        return Err(Refused { failure, token });
    }
    if token.suspended && !reads {
        let detail = "the tenant is suspended: it can be read but not changed until an admin resumes it";
        let failure = Failure::new(StatusCode::FORBIDDEN, detail);
        let token = Some(token);
        return Err(Refused { failure, token });
    }
    Ok(token)
}

/// A search by POST (RFC 7644 §3.4.3) reads too.
fn only_reads(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) || path.ends_with("/.search")
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}
