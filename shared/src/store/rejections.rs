//! Values that could not be projected, as operators see and handle them.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A value of a person's that could not be projected.
#[derive(Debug, Clone)]
pub struct OfPerson {
    /// The directory's field.
    pub rule: String,
    pub reason: String,
    pub since: DateTime<Utc>,
}

/// What is rejected of the Users that describe a person.
///
/// # Errors
/// When the statement fails.
pub async fn of_person(
    connection: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
) -> Result<Vec<OfPerson>, StoreError> {
    Ok(sqlx::query_as!(
        OfPerson,
        "select r.rule, r.reason, r.since from scim_resources s
         cross join lateral (select rule, reason, since from rejections
             where tenant_id = $1 and resource_id = s.id offset 0) r
         where s.tenant_id = $1 and s.directory_id = $2 and s.kind = 1 order by r.rule",
        tenant.0,
        person
    )
    .fetch_all(connection)
    .await?)
}
