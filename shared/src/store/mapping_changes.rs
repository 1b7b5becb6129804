//! Changing a tenant's mapping: a version follows another, and brings a run over everything.

use super::runs::{self, Scope};
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// A version of a mapping, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub version: i32,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub token: Option<Uuid>,
    pub token_name: Option<String>,
}

/// The newest version that somebody made, or this one, with its document. Under [`super::rules::lock`], the
/// newest stays so.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    conn: &mut PgConnection,
    tenant: TenantId,
    version: Option<i32>,
) -> Result<Option<(Version, Value)>, StoreError> {
    let row = sqlx::query!(
        r#"select m.version, m.document, m.note, m.created_at, m.token_id, t.name as "token_name?"
           from mappings m left join tokens t on t.tenant_id = $1 and t.id = m.token_id
           where m.tenant_id = $1 and ($2::int4 is null or m.version = $2) order by m.version desc limit 1"#,
        tenant.0,
        version
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let version = Version {
            version: row.version,
            note: row.note,
            created_at: row.created_at,
            token: row.token_id,
            token_name: row.token_name,
        };
        (version, row.document)
    }))
}

/// Versions that somebody made, the newest first, from `upto` down.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    upto: i32,
    limit: i64,
) -> Result<Vec<Version>, StoreError> {
    Ok(sqlx::query_as!(
        Version,
        r#"select m.version, m.note, m.created_at, m.token_id as token, t.name as "token_name?"
           from mappings m left join tokens t on t.tenant_id = $1 and t.id = m.token_id
           where m.tenant_id = $1 and m.version <= $2 order by m.version desc limit $3"#,
        tenant.0,
        upto,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What is to come into force.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub version: i32,
    pub document: &'a Value,
    pub token: Uuid,
    pub note: Option<&'a str>,
}

/// Put a version in force, and start the run over everything that it asks for; answers the run.
/// That of an earlier version ends: what is left of it is done by the new one. The caller holds
/// [`super::rules::lock`] and has seen that the version before it is the newest.
///
/// # Errors
/// When a statement fails.
pub async fn put(conn: &mut PgConnection, tenant: TenantId, change: Change<'_>) -> Result<Uuid, StoreError> {
    sqlx::query!(
        "insert into mappings (tenant_id, version, document, token_id, note) values ($1, $2, $3, $4, $5)",
        tenant.0,
        change.version,
        change.document,
        change.token,
        change.note
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update runs set cancelled = true, phase = 'links', due_at = now(), started_at = coalesce(started_at, now())
         where tenant_id = $1 and scope = 'mapping' and phase in ('plan', 'reconcile')",
        tenant.0
    )
    .execute(&mut *conn)
    .await?;
    let (run, _) = runs::start(conn, tenant, Scope::Mapping(change.version), false).await?;
    Ok(run)
}
