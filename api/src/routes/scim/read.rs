use super::answer::Answer;
use super::present::{location, present, selects_derived};
use crate::error::ScimFailure;
use crate::extract::{BaseUrl, Caller, Protocol, SearchQuery, Target};
use crate::openapi::Selected;
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, Rules, ScimError, etag_matches};
use rollcall_shared::store::search::{self, Stored};
use rollcall_shared::store::{PgConnection, StoreError};
use uuid::Uuid;

/// `GET /Users/{id}`: a User, by id or else by externalId. 304 when the client has this version and
/// asks for nothing derived.
#[utoipa::path(
    get,
    path = "/Users/{id}",
    params(
        Selected,
        ("If-None-Match" = Option<String>, Header, description = "The version that the client has.")
    ),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/User"),
            content_type = "application/scim+json",
            headers(("ETag"), ("Location"), ("Content-Location"))
        ),
        (status = 304, headers(("ETag")))
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    Target { kind, id }: Target,
    query: SearchQuery,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let found = find(&mut connection, tenant, rules, kind, &id).await?;
    let resource = found.ok_or_else(|| not_found(kind))?;
    let url = location(&base, kind, resource.id);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| etag_matches(tags, resource.version))
        && !selects_derived(kind, &query.selection)
    {
        return Ok(Answer::new(StatusCode::NOT_MODIFIED, None).version(resource.version));
    }
    let version = resource.version;
    let body = present(
        &mut connection,
        tenant,
        &base,
        &[resource],
        &query.selection,
        vec![],
    )
    .await?;
    Ok(Answer::json(StatusCode::OK, body).resource(&url).version(version))
}

async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    id: &str,
) -> Result<Option<Stored>, StoreError> {
    if let Ok(id) = Uuid::try_parse(id)
        && let Some(resource) = search::get(connection, tenant, kind, id).await?
    {
        return Ok(Some(resource));
    }
    match by_external_id(connection, tenant, rules, kind, id).await? {
        Some(id) => search::get(connection, tenant, kind, id).await,
        None => Ok(None),
    }
}

/// The resource that has this externalId, where the dialect lets a path hold one.
pub(super) async fn by_external_id(
    connection: &mut PgConnection,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    external_id: &str,
) -> Result<Option<Uuid>, StoreError> {
    if !rules.dialect.finds_by_external_id() {
        return Ok(None);
    }
    let found = search::by_external_ids(connection, tenant, kind, &[external_id]).await?;
    Ok(found.into_values().next())
}

/// 404 for a resource of this kind.
pub(super) fn not_found(kind: ResourceType) -> ScimError {
    ScimError::not_found(format!("there is no such {}", kind.name()))
}
