use crate::directory::TenantId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Something that links wait for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The folded reference, or `person:<id>` or `team:<id>` where it is known who.
    pub wait_key: String,
    /// As one of the links asserts it.
    pub reference: String,
    pub reasons: Vec<String>,
    /// Whatever waits for it says that it is a group.
    pub names_group: bool,
    pub links: i64,
    /// People who lack a manager or an additional manager for it.
    pub people: i64,
    /// Groups that lack a member for it.
    pub groups: i64,
    /// Links that are no longer retried.
    pub stale: i64,
    /// Of the one that waits longest.
    pub since: DateTime<Utc>,
    /// Of the one that was tried most often.
    pub attempts: i32,
    /// Of the one that is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// How many different things the links of a tenant wait for.
///
/// # Errors
/// When the statement fails.
pub async fn count_targets(
    conn: &mut PgConnection,
    tenant: TenantId,
    reason: Option<&str>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(distinct wait_key) as "count!" from waiters
           where tenant_id = $1 and ($2::text is null or reason = $2)"#,
        tenant.0,
        reason
    )
    .fetch_one(conn)
    .await?)
}

/// What the links of a tenant wait for, what most links wait for first.
///
/// # Errors
/// When the statement fails.
pub async fn targets(
    conn: &mut PgConnection,
    tenant: TenantId,
    reason: Option<&str>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Target>, StoreError> {
    Ok(sqlx::query_as!(
        Target,
        r#"select wait_key, min(reference) as "reference!", array_agg(distinct reason) as "reasons!",
                  bool_and(names_group) as "names_group!",
                  count(*) as "links!",
                  count(distinct subject_id) filter (where slot <> 3) as "people!",
                  count(distinct subject_id) filter (where slot = 3) as "groups!",
                  count(*) filter (where next_attempt_at is null) as "stale!",
                  min(since) as "since!", max(attempts) as "attempts!", min(next_attempt_at) as next_attempt_at
           from waiters where tenant_id = $1 and ($2::text is null or reason = $2)
           group by wait_key order by count(*) desc, min(since), wait_key offset $3 limit $4"#,
        tenant.0,
        reason,
        offset,
        limit
    )
    .fetch_all(conn)
    .await?)
}
