//! The read side of desired state: resources by id, by filter, with their links.

mod compare;
mod filter;
mod hot;
mod links;

pub use links::{groups_of, managers_of, members_of};

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::scim::filter::Filter;
use crate::scim::{Document, ResourceType, ScimError};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
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

#[derive(FromRow)]
struct Row {
    id: Uuid,
    directory_id: Uuid,
    document: Value,
    version: i64,
    seq: i64,
    created_at: DateTime<Utc>,
    modified_at: DateTime<Utc>,
}

impl Row {
    fn stored(self, kind: ResourceType) -> Stored {
        let document = match self.document {
            Value::Object(attributes) => Document(attributes),
            _ => Document(Default::default()),
        };
        Stored {
            id: self.id,
            directory_id: self.directory_id,
            kind,
            document,
            version: self.version,
            seq: self.seq,
            created_at: self.created_at,
            modified_at: self.modified_at,
        }
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
    let row = sqlx::query_as!(
        Row,
        "select id, directory_id, document, version, seq, created_at, modified_at
         from scim_resources where tenant_id = $1 and id = $2 and kind = $3 and deleted_seq is null",
        tenant.0,
        id,
        kind as i16
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| row.stored(kind)))
}

/// A page of the live resources that satisfy the filter, in creation order, and how many there
/// are in all. `start_index` counts from 1; with `count` 0 only the total is read.
///
/// # Errors
/// `invalidFilter` for a filter that cannot be answered; when the statement fails.
pub async fn list(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    filter: &Option<Filter>,
    start_index: i64,
    count: i64,
) -> Result<(Vec<Stored>, i64), SearchError> {
    let mut query = QueryBuilder::new("select count(*)");
    matching(&mut query, tenant, kind, filter.as_ref())?;
    let total: i64 = query.build_query_scalar().fetch_one(&mut *connection).await?;
    let skipped = start_index.max(1) - 1;
    if count <= 0 || skipped >= total {
        return Ok((vec![], total));
    }
    let mut query = QueryBuilder::new(
        "select r.id, r.directory_id, r.document, r.version, r.seq, r.created_at, r.modified_at",
    );
    matching(&mut query, tenant, kind, filter.as_ref())?;
    query
        .push(" order by r.created_seq limit ")
        .push_bind(count)
        .push(" offset ")
        .push_bind(skipped);
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok((rows.into_iter().map(|row| row.stored(kind)).collect(), total))
}

/// `from … where …` of the live resources a filter means, as `r`.
fn matching(
    query: &mut QueryBuilder<Postgres>,
    tenant: TenantId,
    kind: ResourceType,
    filter: Option<&Filter>,
) -> Result<(), ScimError> {
    query
        .push(" from scim_resources r where r.tenant_id = ")
        .push_bind(tenant.0);
    query
        .push(" and r.kind = ")
        .push_bind(kind as i16)
        .push(" and r.deleted_seq is null");
    if let Some(filter) = filter {
        query.push(" and ");
        filter::Compiler { query, tenant, kind }.condition(filter)?;
    }
    Ok(())
}
