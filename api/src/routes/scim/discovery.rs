//! What the server can do (RFC 7644 §4).

use super::answer::Answer;
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Protocol, Segment};
use crate::state::App;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::scim::{ScimError, discovery};

/// Refuse a filter with 403 (RFC 7644 §4): whoever sends one would take everything for a match.
pub(super) async fn unfiltered(request: Request, next: Next) -> Result<Response, ScimFailure> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let filtered = |(name, _): &(String, String)| name.eq_ignore_ascii_case("filter");
    if pairs.is_ok_and(|Query(pairs)| pairs.iter().any(filtered)) {
        let detail = "filter is not supported by this endpoint";
        return Err(ScimFailure(Failure::new(StatusCode::FORBIDDEN, detail)));
    }
    Ok(next.run(request).await)
}

/// `GET /ServiceProviderConfig`: what this server can do.
#[utoipa::path(
    get,
    path = "/ServiceProviderConfig",
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/ServiceProviderConfig"),
            content_type = "application/scim+json"
        )
    )
)]
pub(super) async fn service_provider_config(
    State(app): State<App>,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    headers: HeaderMap,
) -> Answer {
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let security_events = !rules
        .dialect
        .hides_security_events(user_agent.unwrap_or_default());
    Answer::ok(discovery::service_provider_config(
        &base,
        &app.limits,
        security_events,
    ))
}

/// `GET /Schemas`: every schema that resources may have.
#[utoipa::path(
    get,
    path = "/Schemas",
    responses(
        (status = 200, body = ref("#/components/schemas/SchemaList"), content_type = "application/scim+json")
    )
)]
pub(super) async fn schemas(Protocol(rules): Protocol, BaseUrl(base): BaseUrl) -> Answer {
    Answer::ok(discovery::schemas(rules.schemas, &base))
}

/// `GET /Schemas/{id}`: a schema, by its URN.
#[utoipa::path(
    get,
    path = "/Schemas/{id}",
    responses(
        (status = 200, body = ref("#/components/schemas/Schema"), content_type = "application/scim+json")
    )
)]
pub(super) async fn schema(
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    Segment(urn): Segment,
) -> Result<Answer, ScimFailure> {
    let schema = discovery::schema(rules.schemas, &base, &urn);
    Ok(schema
        .map(Answer::ok)
        .ok_or_else(|| ScimError::not_found("there is no such schema"))?)
}

/// `GET /ResourceTypes`: the types of resources.
#[utoipa::path(
    get,
    path = "/ResourceTypes",
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/ResourceTypeList"),
            content_type = "application/scim+json"
        )
    )
)]
pub(super) async fn resource_types(Protocol(rules): Protocol, BaseUrl(base): BaseUrl) -> Answer {
    Answer::ok(discovery::resource_types(rules.schemas, &base))
}

/// `GET /ResourceTypes/{id}`: a type of resources, by its name.
#[utoipa::path(
    get,
    path = "/ResourceTypes/{id}",
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/ResourceType"),
            content_type = "application/scim+json"
        )
    )
)]
pub(super) async fn resource_type(
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    Segment(name): Segment,
) -> Result<Answer, ScimFailure> {
    let found = discovery::resource_type(rules.schemas, &base, &name);
    Ok(found
        .map(Answer::ok)
        .ok_or_else(|| ScimError::not_found("there is no such resource type"))?)
}

/// `/Me`: is not supported; a token speaks for a system, not for a person.
#[utoipa::path(method(get, post, put, patch, delete), path = "/Me", responses((status = 501)))]
pub(super) async fn me() -> ScimFailure {
    ScimError::not_implemented("/Me is not supported: a token speaks for a system, not for a person").into()
}
