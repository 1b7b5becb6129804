use crate::error::{Failure, ScimFailure};
use crate::middleware::drain;
use crate::state::App;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rollcall_shared::scim::{ScimError, ScimType};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Longest time a client may take to send a body.
const SENDING: Duration = Duration::from_secs(30);

/// The JSON body of a single request, and its share of the budget for bodies in memory.
pub(crate) struct Body {
    pub json: Value,
    pub room: OwnedSemaphorePermit,
}

/// The JSON body of a bulk request.
pub(crate) struct BulkBody(pub Body);

impl FromRequest<App> for Body {
    type Rejection = ScimFailure;

    async fn from_request(request: Request, app: &App) -> Result<Body, ScimFailure> {
        read(request, app, app.http.body_bytes).await.map_err(ScimFailure)
    }
}

impl FromRequest<App> for BulkBody {
    type Rejection = ScimFailure;

    async fn from_request(request: Request, app: &App) -> Result<BulkBody, ScimFailure> {
        let body = read(request, app, app.http.bulk_body_bytes)
            .await
            .map_err(ScimFailure)?;
        Ok(BulkBody(body))
    }
}

async fn read(request: Request, app: &App, limit: usize) -> Result<Body, Failure> {
    let (parts, mut body) = request.into_parts();
    let (size, room) = match admit(&parts.headers, app, limit) {
        Ok(admitted) => admitted,
        Err(failure) => {
            drain(&parts.headers, body).await;
            return Err(failure);
        }
    };
    let reading = Limited::new(&mut body, size).collect();
    let bytes = match tokio::time::timeout(SENDING, reading).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(&parts.headers, body).await;
            return Err(too_large(limit));
        }
        Ok(Err(_)) => return Err(ScimError::invalid_syntax("the body ended before it was complete").into()),
        Err(_) => {
            let detail = "the body was not sent within 30 seconds";
            return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, detail));
        }
    };
    let json = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
    Ok(Body { json, room })
}

/// Check the headers; answers how many bytes to read at most, and the room for them.
fn admit(headers: &HeaderMap, app: &App, limit: usize) -> Result<(usize, OwnedSemaphorePermit), Failure> {
    if !is_json(headers) {
        let detail = "the body must be application/scim+json or application/json";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let size = match length.map(str::parse) {
        Some(Ok(length)) if length <= limit => length,
        Some(_) => return Err(too_large(limit)),
        // Sent in chunks: it may grow up to the limit.
        None => limit,
    };
    let room = app.bodies.take(size).ok_or_else(|| {
        Failure::unavailable("too many request bodies are under way; try again in a moment")
    })?;
    Ok((size, room))
}

/// A missing `Content-Type` is taken for JSON: nothing else could be meant.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let essence = content_type.to_str().map(|text| {
        text.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    matches!(
        essence.as_deref(),
        Ok("application/scim+json" | "application/json")
    )
}

fn too_large(limit: usize) -> Failure {
    ScimError::too_large(format!("the body is larger than {limit} bytes")).into()
}

/// What is wrong and where; a syntax error of serde_json quotes nothing of the input.
fn malformed(error: &serde_json::Error) -> Failure {
    let detail = format!("the body is not valid JSON: {error}");
    Failure::new(StatusCode::BAD_REQUEST, detail).with_type(ScimType::InvalidSyntax)
}
