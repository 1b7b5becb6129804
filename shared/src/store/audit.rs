//! What operators did. The table refuses everything but a new row and its outcome.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One request of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub token_id: Uuid,
    /// `None`: the token is gone.
    pub token_name: Option<String>,
    /// Method and template of the route.
    pub action: String,
    /// The id in the path, or several with slashes between them.
    pub target: Option<String>,
    /// Status of the answer; `None` while the request is under way, or when its process died.
    pub status: Option<i16>,
}

/// Write down what is about to be done; answers the row's id.
///
/// # Errors
/// When the statement fails: then it must not be done.
pub async fn begin(
    connection: &mut PgConnection,
    tenant: TenantId,
    token: Uuid,
    action: &str,
    target: Option<&str>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        "insert into audit (tenant_id, token_id, action, target) values ($1, $2, $3, $4) returning id",
        tenant.0,
        token,
        action,
        target
    )
    .fetch_one(connection)
    .await?)
}

/// Fill in how it ended.
///
/// # Errors
/// When the statement fails.
pub async fn finish(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: i64,
    status: u16,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update audit set status = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        i16::try_from(status).unwrap_or_default()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest rows first, from before `before`.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Option<i64>,
    count: i64,
) -> Result<Vec<AuditRow>, StoreError> {
    Ok(sqlx::query_as!(
        AuditRow,
        r#"select a.id, a.at, a.token_id, t.name as "token_name?", a.action, a.target, a.status
           from audit a left join tokens t on t.tenant_id = a.tenant_id and t.id = a.token_id
           where a.tenant_id = $1 and a.id < $2 order by a.id desc limit $3"#,
        tenant.0,
        before.unwrap_or(i64::MAX),
        count
    )
    .fetch_all(connection)
    .await?)
}
