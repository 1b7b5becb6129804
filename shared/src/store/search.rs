//! The read side of desired state: resources by id, by filter, with their links.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::scim::filter::Filter;
use crate::scim::{Document, Member, ResourceType, ScimError};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
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
    _connection: &mut PgConnection,
    _tenant: TenantId,
    _kind: ResourceType,
    _id: Uuid,
) -> Result<Option<Stored>, StoreError> {
    Ok(None)
}

/// A page of the live resources that satisfy the filter, in creation order, and how many there
/// are in all. `start_index` counts from 1; with `count` 0 only the total is read.
///
/// # Errors
/// `invalidFilter` for a filter that cannot be answered; when the statement fails.
pub async fn list(
    _connection: &mut PgConnection,
    _tenant: TenantId,
    _kind: ResourceType,
    _filter: &Option<Filter>,
    _start_index: i64,
    _count: i64,
) -> Result<(Vec<Stored>, i64), SearchError> {
    Ok((Vec::new(), 0))
}

/// The asserted members of each of these groups.
///
/// # Errors
/// When the statement fails.
pub async fn members_of(
    _connection: &mut PgConnection,
    _tenant: TenantId,
    _groups: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Member>>, StoreError> {
    Ok(HashMap::new())
}

/// Of each of these users, id and displayName of the live groups whose members name its id.
///
/// # Errors
/// When the statement fails.
pub async fn groups_of(
    _connection: &mut PgConnection,
    _tenant: TenantId,
    _users: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(Uuid, String)>>, StoreError> {
    Ok(HashMap::new())
}

/// Of each of these people (by directory id), the managers its reporting lines name: reference
/// as asserted, SCIM id and display name.
///
/// # Errors
/// When the statement fails.
pub async fn managers_of(
    _connection: &mut PgConnection,
    _tenant: TenantId,
    _people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(String, Uuid, Option<String>)>>, StoreError> {
    Ok(HashMap::new())
}
