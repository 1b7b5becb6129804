//! Previews of a change of the mapping. The comparison is a run of its own; a preview says what it
//! compares with, and what is to become of it.

use super::rules;
use super::runs::{self, Scope};
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::mapping::effect::Losses;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// A preview can be applied for so long.
const VALID_HOURS: i32 = 24;

/// Why a preview that was to be applied was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another version came into force meanwhile.
    Moved,
    /// It would take away more than was agreed to.
    Exceeded,
    /// Its run was cancelled.
    Cancelled,
    /// It was made by a worker that does not know of previews.
    Incomplete,
}

impl Refusal {
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Moved => "moved",
            Refusal::Exceeded => "exceeded",
            Refusal::Cancelled => "cancelled",
            Refusal::Incomplete => "incomplete",
        }
    }

    fn from_column(name: &str) -> Option<Refusal> {
        [
            Refusal::Moved,
            Refusal::Exceeded,
            Refusal::Cancelled,
            Refusal::Incomplete,
        ]
        .into_iter()
        .find(|refusal| refusal.name() == name)
    }
}

/// A candidate and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    pub id: Uuid,
    pub run: Uuid,
    /// The version it was compared with.
    pub base_version: i32,
    pub document: Value,
    /// The newest write accepted before it began.
    pub seq: i64,
    /// See [`rules::deciding_day`]: as it was then.
    pub deciding_day: Option<NaiveDate>,
    /// Who asked for it.
    pub token: Uuid,
    pub note: Option<String>,
    /// It comes into force when it takes away no more than this.
    pub at_most: Option<Losses>,
    /// It did, as this version.
    pub applied_version: Option<i32>,
    pub refused: Option<Refusal>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub expired: bool,
}

/// What is to be previewed.
#[derive(Debug, Clone, Copy)]
pub struct NewPreview<'a> {
    pub base_version: i32,
    pub document: &'a Value,
    pub token: Uuid,
    pub note: Option<&'a str>,
    pub at_most: Option<Losses>,
}

/// Start a preview.
///
/// # Errors
/// When a statement fails.
pub async fn start(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: NewPreview<'_>,
) -> Result<Preview, StoreError> {
    let id = Uuid::now_v7();
    let (run, _) = runs::start(conn, tenant, Scope::Preview(id), true).await?;
    let deciding_day = rules::deciding_day(conn, tenant).await?;
    let row = sqlx::query!(
        r#"insert into mapping_previews (tenant_id, id, run_id, base_version, document, seq, token_id, note, at_most,
               expires_at, deciding_day)
           values ($1, $2, $3, $4, $5, (select coalesce(max(seq), 0) from changes where tenant_id = $1), $6, $7, $8,
               now() + make_interval(hours => $9), $10)
           returning seq, created_at, expires_at"#,
        tenant.0,
        id,
        run,
        new.base_version,
        new.document,
        new.token,
        new.note,
        new.at_most.map(|losses| json!(losses)),
        VALID_HOURS,
        deciding_day
    )
    .fetch_one(conn)
    .await?;
    Ok(Preview {
        id,
        run,
        base_version: new.base_version,
        document: new.document.clone(),
        seq: row.seq,
        deciding_day,
        token: new.token,
        note: new.note.map(str::to_owned),
        at_most: new.at_most,
        applied_version: None,
        refused: None,
        created_at: row.created_at,
        expires_at: row.expires_at,
        expired: false,
    })
}

/// One preview.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Preview>, StoreError> {
    let row = sqlx::query!(
        r#"select run_id, base_version, document, seq, deciding_day, token_id, note, at_most, applied_version, refused,
               created_at, expires_at, expires_at < now() as "expired!"
           from mapping_previews where tenant_id = $1 and id = $2"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Preview {
        id,
        run: row.run_id,
        base_version: row.base_version,
        document: row.document,
        seq: row.seq,
        deciding_day: row.deciding_day,
        token: row.token_id,
        note: row.note,
        at_most: row.at_most.and_then(|losses| serde_json::from_value(losses).ok()),
        applied_version: row.applied_version,
        refused: row.refused.as_deref().and_then(Refusal::from_column),
        created_at: row.created_at,
        expires_at: row.expires_at,
        expired: row.expired,
    }))
}

/// How many of a tenant's previews are under way.
///
/// # Errors
/// When the statement fails.
pub async fn under_way(conn: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from runs where tenant_id = $1 and scope = 'preview' and phase <> 'done'"#,
        tenant.0
    );
    Ok(count.fetch_one(conn).await?)
}

/// Whether anything that the preview depends on is not what it was: a write was accepted since, dates decide by
/// another day, or whether they do was changed.
///
/// # Errors
/// When a statement fails.
pub async fn is_outdated(
    conn: &mut PgConnection,
    tenant: TenantId,
    preview: &Preview,
) -> Result<bool, StoreError> {
    if rules::deciding_day(conn, tenant).await? != preview.deciding_day {
        return Ok(true);
    }
    let since = sqlx::query_scalar!(
        r#"select exists (select from changes where tenant_id = $1 and seq > $2) as "since!""#,
        tenant.0,
        preview.seq
    );
    Ok(since.fetch_one(conn).await?)
}

/// Note what became of a preview: the version it came into force as, or why it did not.
///
/// # Errors
/// When the statement fails.
pub async fn decided(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    outcome: Result<i32, Refusal>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update mapping_previews set applied_version = $3, refused = $4 where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        outcome.ok(),
        outcome.err().map(Refusal::name)
    )
    .execute(conn)
    .await?;
    Ok(())
}
