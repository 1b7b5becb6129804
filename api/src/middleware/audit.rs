use crate::auth::Token;
use crate::error::{Failure, Surface};
use crate::state::App;
use axum::RequestExt as _;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::directory::WorkLane;
use rollcall_shared::store::{StoreError, audit};
use std::sync::Arc;
use uuid::Uuid;

/// How an action ended whose answer has another status: one that leads back to a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome(pub StatusCode);

/// Write down what an operator is about to do, let it happen, and add how it ended. What cannot be
/// written down is not done. Reading is no action.
pub(crate) async fn record(
    State((app, surface)): State<(App, Surface)>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = request.extensions().get::<Arc<Token>>().cloned();
    let (Some(token), false) = (token, matches!(*request.method(), Method::GET | Method::HEAD)) else {
        return next.run(request).await;
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    let action = format!("{} {route}", request.method());
    let target = target(&mut request).await;
    let begun = async {
        let mut connection = app.pool.acquire().await?;
        audit::begin(
            &mut connection,
            token.tenant,
            token.id,
            &action,
            target.as_deref(),
        )
        .await
    };
    let id = match begun.await {
        Ok(id) => id,
        Err(error) => return surface.response(Failure::from(error)),
    };
    let response = next.run(request).await;
    let outcome = response.extensions().get::<Outcome>();
    let status = outcome
        .map_or(response.status(), |Outcome(status)| *status)
        .as_u16();
    let finished = async {
        let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
        audit::finish(&mut connection, token.tenant, id, status).await
    };
    if let Err(error) = finished.await {
        // It shows as under way; that it was begun is written.
        let error: &dyn std::error::Error = &error;
        tracing::warn!(tenant = %token.tenant, error, "the outcome of an action is missing in the audit log");
    }
    response
}

/// The ids and lanes in the path. Whatever else a client may have put there could be anybody's name.
async fn target(request: &mut Request) -> Option<String> {
    let parameters = request.extract_parts::<RawPathParams>().await.ok()?;
    let ids: Vec<&str> = parameters.iter().map(|(_, value)| value).collect();
    (!ids.is_empty() && ids.iter().all(|value| is_id(value))).then(|| ids.join("/"))
}

fn is_id(value: &str) -> bool {
    Uuid::try_parse(value).is_ok()
        || WorkLane::parse(value).is_some()
        || value.parse::<i64>().is_ok()
        || (value.len() <= 512
            && value
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("urn:")))
}
