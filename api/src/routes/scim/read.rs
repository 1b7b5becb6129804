use super::answer::Answer;
use super::present::{location, present, selects_derived};
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Caller, Protocol, SearchQuery, Target};
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, Rules, ScimError, etag_matches, filter};
use rollcall_shared::store::search::{self, Search, Stored};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::Value;
use uuid::Uuid;

/// `GET /Users/{id}`: by id, or else by externalId. 304 when the client has this version and
/// asks for nothing derived.
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
    Ok(Answer::json(StatusCode::OK, body).location(&url).version(version))
}

async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    id: &str,
) -> Result<Option<Stored>, Failure> {
    if let Ok(id) = Uuid::try_parse(id)
        && let Some(resource) = search::get(connection, tenant, kind, id).await?
    {
        return Ok(Some(resource));
    }
    by_external_id(connection, tenant, rules, kind, id).await
}

/// The resource that has this externalId, where the dialect lets a path hold one.
pub(super) async fn by_external_id(
    connection: &mut PgConnection,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    external_id: &str,
) -> Result<Option<Stored>, Failure> {
    if !rules.dialect.finds_by_external_id() {
        return Ok(None);
    }
    // What cannot stand in a filter, such as a NUL, is nobody's externalId.
    let Ok(filter) = filter::parse(rules, &format!("externalId eq {}", Value::from(external_id))) else {
        return Ok(None);
    };
    let search = Search {
        schemas: rules.schemas,
        kinds: &[kind],
        filter: Some(&filter),
        sort: None,
    };
    let (mut found, total) = search::by_index(connection, tenant, &search, 1, 2).await?;
    // Two sources may use the same externalId: then it names nobody.
    Ok(found.pop().filter(|_| total == 1))
}

/// 404 for a resource of this kind.
pub(super) fn not_found(kind: ResourceType) -> ScimError {
    ScimError::not_found(format!("there is no such {}", kind.name()))
}
