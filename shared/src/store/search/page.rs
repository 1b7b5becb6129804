//! Windows on the result of a search: by index (RFC 7644 §3.4.2.4) or after a position (RFC 9865).

use super::ledger::span;
use super::source::{Search, Source};
use super::{SearchError, Stored, stored};
use crate::directory::TenantId;
use crate::scim::ScimError;
use crate::store::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

type Query = QueryBuilder<Postgres>;

/// The place of a resource in the order of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Creation order; decides between equals.
    seq: i64,
    number: Option<f64>,
    text: Option<String>,
}

/// A page of what matches and how many match in all. `start_index` counts from 1; with `count` 0
/// only the total is read.
///
/// # Errors
/// `invalidFilter` or `invalidPath` for a search that cannot be answered, `tooMany` for one that
/// takes too long; when the statement fails.
pub async fn by_index(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
    start_index: i64,
    count: i64,
) -> Result<(Vec<Stored>, i64), SearchError> {
    let source = source(connection, tenant, search).await?;
    let (offset, count) = (start_index.max(1) - 1, count.max(0));
    let mut page = Vec::new();
    if count > 0 {
        let mut query = Query::new("");
        push_page(&mut query, &source, search, None, count)?;
        query.push(" offset ").push_bind(offset);
        for row in query.build().fetch_all(&mut *connection).await? {
            page.push(stored(&row)?);
        }
    }
    // A page that is not full ends the list: its total is known, unless it lies behind the end.
    let read = i64::try_from(page.len()).unwrap_or(i64::MAX);
    if read < count && (read > 0 || offset == 0) {
        return Ok((page, offset + read));
    }
    Ok((page, total(connection, &source).await?))
}

/// At most `count` of what matches, behind `position`, and the position of the last when more
/// follow.
///
/// What was read before is never read again and nothing behind it is missed, whatever is created
/// and deleted meanwhile; with an order by an attribute, as long as that attribute stays.
///
/// # Errors
/// As [`by_index`].
pub async fn after(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
    position: Option<&Position>,
    count: i64,
) -> Result<(Vec<Stored>, Option<Position>), SearchError> {
    let source = source(connection, tenant, search).await?;
    let mut query = Query::new("");
    push_page(&mut query, &source, search, position, count.saturating_add(1))?;
    let mut rows = query.build().fetch_all(connection).await?;
    let full = usize::try_from(count).unwrap_or(usize::MAX);
    let more = rows.len() > full;
    rows.truncate(full);
    let next = match rows.last() {
        Some(last) if more => Some(position_of(last, search)?),
        _ => None,
    };
    let page = rows.iter().map(stored).collect::<Result<_, _>>()?;
    Ok((page, next))
}

/// How many match.
///
/// # Errors
/// As [`by_index`].
pub async fn count(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
) -> Result<i64, SearchError> {
    let unsorted = Search {
        sort: None,
        ..*search
    };
    let source = source(connection, tenant, &unsorted).await?;
    total(connection, &source).await
}

/// How Postgres would read a page (`EXPLAIN`), and how it would count: for whoever asks which
/// index serves a filter.
///
/// # Errors
/// As [`by_index`].
pub async fn plan(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
    count: i64,
) -> Result<[Value; 2], SearchError> {
    let source = source(connection, tenant, search).await?;
    let mut page = Query::new("explain (format json) ");
    push_page(&mut page, &source, search, None, count)?;
    let page = page.build_query_scalar().fetch_one(&mut *connection).await?;
    let mut total = Query::new("explain (format json) select count(*)");
    source.push(&mut total)?;
    let total = total.build_query_scalar().fetch_one(connection).await?;
    Ok([page, total])
}

async fn source<'a>(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'a>,
) -> Result<Source<'a>, SearchError> {
    let span = span(connection, tenant, search).await?;
    Ok(Source::new(tenant, *search, span)?)
}

async fn total(connection: &mut PgConnection, source: &Source<'_>) -> Result<i64, SearchError> {
    let mut query = Query::new("select count(*)");
    source.push(&mut query)?;
    Ok(query.build_query_scalar().fetch_one(connection).await?)
}

fn push_page(
    query: &mut Query,
    source: &Source<'_>,
    search: &Search<'_>,
    position: Option<&Position>,
    count: i64,
) -> Result<(), ScimError> {
    query.push("select q.*");
    source.push(query)?;
    if let Some(position) = position {
        query.push(" where ");
        push_behind(query, source, search, position);
    }
    query.push(" order by ");
    if let (Some(sort), Some(collation)) = (search.sort, source.collation) {
        // A missing value counts as the largest, which is Postgres' own rule for nulls.
        let direction = if sort.descending { " desc, " } else { ", " };
        query.push("q.sort_number").push(direction);
        query.push("q.sort_text").push(collation.sql()).push(direction);
    }
    query.push("q.created_seq limit ").push_bind(count);
    Ok(())
}

/// `q` comes behind the position.
fn push_behind(query: &mut Query, source: &Source<'_>, search: &Search<'_>, position: &Position) {
    let (Some(sort), Some(collation)) = (search.sort, source.collation) else {
        query.push("q.created_seq > ").push_bind(position.seq);
        return;
    };
    push_beyond(query, "q.sort_number", "", sort.descending, position.number);
    query.push(" or (");
    push_level(query, "q.sort_number", position.number);
    query.push(" and (");
    push_beyond(
        query,
        "q.sort_text",
        collation.sql(),
        sort.descending,
        position.text.as_deref(),
    );
    query.push(" or (");
    push_level(query, "q.sort_text", position.text.as_deref());
    query
        .push(" and q.created_seq > ")
        .push_bind(position.seq)
        .push(")))");
}

/// `key` is larger than `value`, or smaller when descending; null is the largest.
fn push_beyond<'q, T>(
    query: &mut Query,
    key: &'static str,
    collation: &'static str,
    descending: bool,
    value: Option<T>,
) where
    T: sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + ToOwned + 'q,
{
    query.push("(");
    match (value, descending) {
        (None, false) => query.push("false"),
        (None, true) => query.push(key).push(" is not null"),
        (Some(value), false) => query
            .push(key)
            .push(" is null or ")
            .push(key)
            .push(collation)
            .push(" > ")
            .push_bind(value),
        (Some(value), true) => query.push(key).push(collation).push(" < ").push_bind(value),
    };
    query.push(")");
}

fn push_level<'q, T>(query: &mut Query, key: &'static str, value: Option<T>)
where
    T: sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + 'q,
{
    match value {
        None => query.push(key).push(" is null"),
        Some(value) => query.push(key).push(" = ").push_bind(value),
    };
}

fn position_of(row: &PgRow, search: &Search<'_>) -> Result<Position, sqlx::Error> {
    let (number, text) = match search.sort {
        Some(_) => (row.try_get("sort_number")?, row.try_get("sort_text")?),
        None => (None, None),
    };
    Ok(Position {
        seq: row.try_get("created_seq")?,
        number,
        text,
    })
}
