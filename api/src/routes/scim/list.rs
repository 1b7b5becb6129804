use super::answer::Answer;
use super::present::{present, present_users, selects_derived};
use crate::cursor::{Cursor, Scope};
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Body, Caller, Protocol, SearchQuery, Window};
use crate::openapi::SearchParameters;
use crate::state::App;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, ScimError, ScimType};
use rollcall_shared::store::search::{self, Claim, Search, Stored};
use rollcall_shared::store::{self, PgConnection, StoreError};
use serde_json::json;

/// `GET /Users`: a page of the Users that match.
#[utoipa::path(
    get,
    path = "/Users",
    params(SearchParameters),
    responses(
        (status = 200, body = ref("#/components/schemas/UserList"), content_type = "application/scim+json")
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Extension(kind): Extension<ResourceType>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    query: SearchQuery,
) -> Result<Answer, ScimFailure> {
    Ok(answer(&app, &caller, &[kind], &base, &query).await?)
}

/// `POST /Users/.search`: a page of the Users that match, asked for by a message.
#[utoipa::path(
    post,
    path = "/Users/.search",
    request_body = ref("#/components/schemas/SearchRequest"),
    responses(
        (status = 200, body = ref("#/components/schemas/UserList"), content_type = "application/scim+json")
    )
)]
pub(super) async fn search(
    State(app): State<App>,
    Extension(kind): Extension<ResourceType>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let query = SearchQuery::from_message(rules, &body.json)?;
    Ok(answer(&app, &caller, &[kind], &base, &query).await?)
}

/// `POST /.search`: a page of the Users and Groups that match, in one list.
#[utoipa::path(
    post,
    path = "/.search",
    request_body = ref("#/components/schemas/SearchRequest"),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/ResourceList"),
            content_type = "application/scim+json"
        )
    )
)]
pub(super) async fn search_everything(
    State(app): State<App>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let query = SearchQuery::from_message(rules, &body.json)?;
    Ok(answer(&app, &caller, &ResourceType::ALL, &base, &query).await?)
}

/// A page of a list, found.
struct Page<R> {
    resources: Vec<R>,
    total: i64,
    /// Of a page by index.
    start_index: Option<i64>,
    /// Of a page by cursor that is not the last.
    next_cursor: Option<String>,
}

async fn answer(
    app: &App,
    caller: &Caller,
    kinds: &[ResourceType],
    base: &str,
    query: &SearchQuery,
) -> Result<Answer, Failure> {
    let tenant = caller.0.tenant;
    if let Some(claim) = sole_claim(app, kinds, query) {
        return by_claim(app, tenant, claim, base, query).await;
    }
    let search = Search {
        rules: query.rules,
        kinds,
        filter: query.filter.as_ref(),
        sort: query.sort.as_ref(),
    };
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let page = match &query.window {
        Window::Index(start_index) => {
            let count = page_size(app, query.count);
            let (resources, total) =
                search::by_index(&mut connection, tenant, &search, *start_index, count).await?;
            Page {
                resources,
                total,
                start_index: Some(*start_index),
                next_cursor: None,
            }
        }
        Window::Cursor(cursor) => by_cursor(app, &mut connection, tenant, &search, query, cursor).await?,
    };
    let head = head(&page);
    let body = present(
        &mut connection,
        tenant,
        base,
        &page.resources,
        &query.selection,
        head.into_bytes(),
    );
    let mut body = body.await?;
    body.extend_from_slice(b"]}");
    Ok(Answer::json(StatusCode::OK, body))
}

/// The claim whose holders are what is asked for, from the first on.
fn sole_claim(app: &App, kinds: &[ResourceType], query: &SearchQuery) -> Option<Claim> {
    let from_first = matches!(query.window, Window::Index(..=1)) && page_size(app, query.count) > 0;
    match (kinds, &query.filter, &query.sort) {
        ([kind @ ResourceType::User], Some(filter), None) if from_first => {
            search::claim(query.rules, *kind, filter)
        }
        _ => None,
    }
}

/// The page that a search for the holders of a claim has, gathered with whatever else is read of single
/// Users: it is what clients ask before each write.
async fn by_claim(
    app: &App,
    tenant: TenantId,
    claim: Claim,
    base: &str,
    query: &SearchQuery,
) -> Result<Answer, Failure> {
    let derived = selects_derived(ResourceType::User, &query.selection);
    let mut resources = app.gather.holders(tenant, claim, derived).await?;
    let total = i64::try_from(resources.len()).unwrap_or(i64::MAX);
    resources.truncate(usize::try_from(page_size(app, query.count)).unwrap_or(usize::MAX));
    let start_index = match query.window {
        Window::Index(start_index) => Some(start_index),
        Window::Cursor(_) => None,
    };
    let page = Page {
        resources,
        total,
        start_index,
        next_cursor: None,
    };
    let head = head(&page).into_bytes();
    let mut body = present_users(base, &page.resources, &query.selection, head);
    body.extend_from_slice(b"]}");
    Ok(Answer::json(StatusCode::OK, body))
}

/// A page behind a cursor, or the first one (RFC 9865).
async fn by_cursor(
    app: &App,
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
    query: &SearchQuery,
    cursor: &str,
) -> Result<Page<Stored>, Failure> {
    let seal = app.cursors.seal(connection).await?;
    let now = store::now(connection).await?;
    let asked: Vec<u8> = search.kinds.iter().map(|kind| *kind as u8).collect();
    let asked = [&asked[..], &query.identity].concat();
    let scope = Scope {
        tenant,
        query: &asked,
    };
    let before = match cursor {
        "" => None,
        cursor => Some(seal.open(cursor, scope, now)?),
    };
    let count = match (&before, query.count) {
        (Some(before), Some(count)) if page_size(app, Some(count)) != before.count => {
            return Err(ScimError::bad_request(
                ScimType::InvalidCount,
                "count must stay what it was on the first page",
            )
            .into());
        }
        (Some(before), _) => before.count,
        (None, count) => page_size(app, count),
    };
    let position = before.as_ref().map(|before| &before.position);
    let (resources, next) = match count {
        0 => (vec![], None),
        count => search::after(connection, tenant, search, position, count).await?,
    };
    // Counting costs more than a page: a walk counts once, at its beginning.
    let total = match (before, &next) {
        (Some(before), _) => before.total,
        (None, None) if count > 0 => i64::try_from(resources.len()).unwrap_or(i64::MAX),
        (None, _) => search::count(connection, tenant, search).await?,
    };
    let next_cursor = next.and_then(|position| {
        let cursor = Cursor {
            position,
            count,
            total,
            expires_at: now.saturating_add(app.limits.cursor_seconds.into()),
        };
        seal.close(&cursor, scope)
    });
    Ok(Page {
        resources,
        total,
        start_index: None,
        next_cursor,
    })
}

/// Resources to return, within what the server allows.
fn page_size(app: &App, count: Option<i64>) -> i64 {
    let bounded = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    let (most, usual) = (bounded(app.limits.results), bounded(app.limits.page));
    count.unwrap_or(usual).clamp(0, most)
}

/// A `ListResponse` (RFC 7644 §3.4.2) up to its first resource: the numbers are JSON numbers.
fn head<R>(page: &Page<R>) -> String {
    let mut head = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": page.total,
        "itemsPerPage": page.resources.len(),
    });
    if let Some(start_index) = page.start_index {
        head["startIndex"] = start_index.into();
    }
    if let Some(next_cursor) = &page.next_cursor {
        head["nextCursor"] = next_cursor.as_str().into();
    }
    let mut head = head.to_string();
    head.pop();
    head + r#","Resources":["#
}
