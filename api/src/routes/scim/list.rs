use super::answer::Answer;
use super::present::present;
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Body, Caller, Protocol, SearchQuery};
use crate::state::App;
use axum::Extension;
use axum::extract::State;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, ScimError, list_response};
use rollcall_shared::store::search;
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::Value;

/// `GET /Users`
pub(super) async fn list(
    State(app): State<App>,
    Extension(kind): Extension<ResourceType>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    query: SearchQuery,
) -> Result<Answer, ScimFailure> {
    Ok(Answer::ok(answer(&app, &caller, kind, &base, &query).await?))
}

/// `POST /Users/.search`
pub(super) async fn search(
    State(app): State<App>,
    Extension(kind): Extension<ResourceType>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let query = SearchQuery::from_message(rules, &body.json)?;
    Ok(Answer::ok(answer(&app, &caller, kind, &base, &query).await?))
}

/// `POST /.search`: Users, then Groups.
pub(super) async fn search_everything(
    State(app): State<App>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let query = SearchQuery::from_message(rules, &body.json)?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let most = query.count(app.limits.results);
    let mut resources = vec![];
    let mut total = 0;
    let mut refused = vec![];
    for kind in ResourceType::ALL {
        let left = most - i64::try_from(resources.len()).unwrap_or(most);
        let start = (query.start_index - total).max(1);
        match page(
            &mut connection,
            caller.0.tenant,
            kind,
            &base,
            &query,
            (start, left),
        )
        .await
        {
            Ok((found, of_kind)) => {
                resources.extend(found);
                total += of_kind;
            }
            // An attribute that only the other kind has: none of this kind matches.
            Err(Failed::Filter(error)) => refused.push(error),
            Err(Failed::Other(failure)) => return Err(failure.into()),
        }
    }
    if refused.len() == ResourceType::ALL.len() {
        return Err(refused.swap_remove(0).into());
    }
    Ok(Answer::ok(list_response(resources, total, query.start_index)))
}

async fn answer(
    app: &App,
    caller: &Caller,
    kind: ResourceType,
    base: &str,
    query: &SearchQuery,
) -> Result<Value, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let window = (query.start_index, query.count(app.limits.results));
    let found = page(&mut connection, caller.0.tenant, kind, base, query, window).await;
    let (resources, total) = found.map_err(|failed| match failed {
        Failed::Filter(error) => error.into(),
        Failed::Other(failure) => failure,
    })?;
    Ok(list_response(resources, total, query.start_index))
}

enum Failed {
    Filter(ScimError),
    Other(Failure),
}

/// A page, as (start index, count), of one kind and the number of all that match.
async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    base: &str,
    query: &SearchQuery,
    (start, count): (i64, i64),
) -> Result<(Vec<Value>, i64), Failed> {
    let found = search::list(
        connection,
        tenant,
        query.rules.schemas,
        kind,
        &query.filter,
        start,
        count,
    )
    .await;
    let (resources, total) = found.map_err(|error| match error {
        search::SearchError::Scim(error) => Failed::Filter(error),
        search::SearchError::Store(error) => Failed::Other(error.into()),
    })?;
    let bodies = present(connection, tenant, base, &resources, &query.selection).await;
    Ok((bodies.map_err(Failed::Other)?, total))
}
