use crate::directory::TenantId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

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

/// What the links of a tenant wait for: what blocks most people first, then what blocks most links.
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
           group by wait_key
           order by count(distinct subject_id) filter (where slot <> 3) desc, count(*) desc, min(since), wait_key offset $3 limit $4"#,
        tenant.0,
        reason,
        offset,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A link that waits, and whose it is.
#[derive(Debug, Clone)]
pub struct Blocked {
    pub wait_key: String,
    /// The person, or the team of a member link.
    pub subject_id: Uuid,
    pub slot: i16,
    /// Of the person or team.
    pub name: Option<String>,
    pub since: DateTime<Utc>,
    pub attempts: i32,
    /// `None`: no longer retried.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Some of the links that wait for each of these keys, at most `limit` each.
///
/// # Errors
/// When the statement fails.
pub async fn blocked(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
    limit: i64,
) -> Result<Vec<Blocked>, StoreError> {
    Ok(sqlx::query_as!(
        Blocked,
        r#"select w.wait_key, w.subject_id, w.slot, w.since, w.attempts, w.next_attempt_at,
                  case w.slot when 3 then t.name else p.name end as name
           from unnest($2::text[]) as asked (wait_key)
           cross join lateral (select * from waiters
               where tenant_id = $1 and wait_key = asked.wait_key limit $3) w
           left join lateral (select coalesce(display_name, login, external_id) as name from people
               where tenant_id = $1 and id = w.subject_id offset 0) p on w.slot <> 3
           left join lateral (select name from teams
               where tenant_id = $1 and id = w.subject_id offset 0) t on w.slot = 3
           order by w.since, w.subject_id, w.slot"#,
        tenant.0,
        keys,
        limit
    )
    .fetch_all(conn)
    .await?)
}
