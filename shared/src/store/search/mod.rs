//! The read side of desired state: resources by id, by filter, with their links.

mod compare;
mod filter;
mod hot;
mod links;
mod values;

pub use links::{groups_of, managers_of, members_of};

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::scim::filter::Filter;
use crate::scim::schema::SchemaSet;
use crate::scim::{Document, ResourceType, ScimError};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// A live resource as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: Uuid,
    /// The person or team the resource describes.
    pub directory_id: Uuid,
    pub kind: ResourceType,
    pub document: Document,
    pub version: i64,
    /// The change that made this version.
    pub seq: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
}

/// What a search can fail with.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The filter names an attribute or makes a comparison that does not exist.
    #[error(transparent)]
    Scim(#[from] ScimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SearchError {
    fn from(error: sqlx::Error) -> Self {
        SearchError::Store(error.into())
    }
}

/// The live resource of this kind and id.
///
/// # Errors
/// When the statement fails.
pub async fn get(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    id: Uuid,
) -> Result<Option<Stored>, StoreError> {
    let row = sqlx::query!(
        "select directory_id, document, version, seq, created_at, modified_at
         from scim_resources
         where tenant_id = $1 and id = $2 and kind = $3 and deleted_seq is null",
        tenant.0,
        id,
        kind as i16,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Stored {
        id,
        directory_id: row.directory_id,
        kind,
        document: document(row.document),
        version: row.version,
        seq: row.seq,
        created_at: row.created_at,
        modified_at: row.modified_at,
    }))
}

/// A page of the live resources that satisfy the filter, in creation order, and how many there
/// are in all. `start_index` counts from 1; with `count` 0 only the total is read.
///
/// # Errors
/// `invalidFilter` for a filter that cannot be answered; when the statement fails.
pub async fn list(
    connection: &mut PgConnection,
    tenant: TenantId,
    schemas: SchemaSet,
    kind: ResourceType,
    filter: &Option<Filter>,
    start_index: i64,
    count: i64,
) -> Result<(Vec<Stored>, i64), SearchError> {
    let (offset, count) = (start_index.max(1) - 1, count.max(0));
    let mut page = Vec::new();
    if count > 0 {
        let mut query = QueryBuilder::new(
            "select r.id, r.directory_id, r.document, r.version, r.seq, r.created_at, r.modified_at ",
        );
        push_source(&mut query, tenant, schemas, kind, filter.as_ref())?;
        query.push(" order by r.created_seq limit ").push_bind(count);
        query.push(" offset ").push_bind(offset);
        for row in query.build().fetch_all(&mut *connection).await? {
            page.push(stored(kind, &row)?);
        }
    }
    // A page that is not full ends the list: its total is known.
    let read = i64::try_from(page.len()).unwrap_or(i64::MAX);
    if read > 0 && read < count {
        return Ok((page, offset + read));
    }
    let mut query = QueryBuilder::new("select count(*) ");
    push_source(&mut query, tenant, schemas, kind, filter.as_ref())?;
    let total = query.build_query_scalar().fetch_one(connection).await?;
    Ok((page, total))
}

fn push_source(
    query: &mut QueryBuilder<Postgres>,
    tenant: TenantId,
    schemas: SchemaSet,
    kind: ResourceType,
    filter: Option<&Filter>,
) -> Result<(), ScimError> {
    query
        .push("from scim_resources r where r.tenant_id = ")
        .push_bind(tenant.0);
    query.push(" and r.kind = ").push_bind(kind as i16);
    query.push(" and r.deleted_seq is null");
    match filter {
        Some(filter) => {
            query.push(" and ");
            filter::push_filter(query, tenant, schemas, kind, filter)
        }
        None => Ok(()),
    }
}

fn stored(kind: ResourceType, row: &PgRow) -> Result<Stored, sqlx::Error> {
    Ok(Stored {
        id: row.try_get("id")?,
        directory_id: row.try_get("directory_id")?,
        kind,
        document: document(row.try_get("document")?),
        version: row.try_get("version")?,
        seq: row.try_get("seq")?,
        created_at: row.try_get("created_at")?,
        modified_at: row.try_get("modified_at")?,
    })
}

fn document(stored: Value) -> Document {
    match stored {
        Value::Object(object) => Document(object),
        _ => Document::default(),
    }
}
