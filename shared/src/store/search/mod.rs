//! The read side of desired state: resources by id, by filter, with their links.

mod compare;
mod element;
mod external_ids;
mod filter;
mod hot;
mod ledger;
mod links;
mod page;
mod several;
mod sort;
mod source;
mod values;

pub use external_ids::by_external_ids;
pub use hot::{Claim, claim};
pub(in crate::store) use ledger::last_before;
pub use links::{
    ManagerOf, groups_of, groups_of_each, hanging_on, managers_of, members_of, nested_groups_of,
};
pub use page::{Position, after, by_index, count, plan};
pub use several::{get_several, holders};
pub use source::{Search, Sort};

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::scim::{Document, ResourceType, ScimError, ScimType};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::Arc;
use uuid::Uuid;

/// A live resource as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: Uuid,
    /// The person or team the resource describes.
    pub directory_id: Uuid,
    pub kind: ResourceType,
    pub document: Arc<Document>,
    pub version: i64,
    /// The change that made this version.
    pub seq: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
}

/// A [`Stored`] of this kind from a row of `query!`: each of them is of a type of its own.
macro_rules! stored_as {
    ($row:expr, $kind:expr) => {
        $crate::store::search::Stored {
            id: $row.id,
            directory_id: $row.directory_id,
            kind: $kind,
            document: $crate::store::search::document($row.document),
            version: $row.version,
            seq: $row.seq,
            created_at: $row.created_at,
            modified_at: $row.modified_at,
        }
    };
}
use stored_as;

/// What a search can fail with.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The filter or the order names an attribute or makes a comparison that does not exist, or
    /// answering takes longer than a search may.
    #[error(transparent)]
    Scim(#[from] ScimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SearchError {
    fn from(error: sqlx::Error) -> Self {
        let error = StoreError::from(error);
        match error.sqlstate().as_deref() {
            // The statement was ended by the time limit of searches.
            Some("57014") => SearchError::Scim(ScimError::bad_request(
                ScimType::TooMany,
                "the search takes too long: filter by userName, externalId, id, displayName, emails.value, \
                 active or meta.lastModified, alone or joined to the rest by and",
            )),
            _ => SearchError::Store(error),
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
    let row = sqlx::query!(
        "select id, directory_id, document, version, seq, created_at, modified_at
         from scim_resources
         where tenant_id = $1 and id = $2 and kind = $3 and deleted_seq is null",
        tenant.0,
        id,
        kind as i16,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| stored_as!(row, kind)))
}

fn stored(row: &PgRow) -> Result<Stored, sqlx::Error> {
    let kind: i16 = row.try_get("kind")?;
    let kind = ResourceType::from_column(kind)
        .ok_or_else(|| sqlx::Error::Decode(format!("kind {kind} is unknown").into()))?;
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

fn document(stored: Value) -> Arc<Document> {
    match stored {
        Value::Object(object) => Arc::new(Document(object)),
        _ => Arc::default(),
    }
}
