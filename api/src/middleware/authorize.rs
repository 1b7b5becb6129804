use crate::auth::{Scope, Token};
use crate::error::{Failure, Surface};
use crate::middleware::drain;
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
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
    match permitted(&app, request.headers(), allowed.scopes).await {
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

async fn permitted(app: &App, headers: &HeaderMap, scopes: &[Scope]) -> Result<Arc<Token>, Refused> {
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
        let failure = wrong_scope(token.scope, scopes);
        let token = Some(token);
        return Err(Refused { failure, token });
    }
    Ok(token)
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

fn wrong_scope(held: Scope, needed: &[Scope]) -> Failure {
    let names: Vec<&str> = needed.iter().map(|scope| scope.name()).collect();
    let held = held.name();
    let needed = names.join(" or ");
    Failure::challenged(
        StatusCode::FORBIDDEN,
        format!("this token has the scope {held}; this endpoint needs {needed}"),
        format!(
            r#"Bearer realm="rollcall", error="insufficient_scope", scope="{}""#,
            names.join(" ")
        ),
    )
}
