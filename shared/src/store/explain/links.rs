use crate::directory::TenantId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The accepted change a link comes from.
#[derive(Debug, Clone, Copy)]
pub struct Asserted {
    pub txn: Uuid,
    pub txn_index: i32,
    pub accepted_at: DateTime<Utc>,
}

/// A reporting line of a person.
#[derive(Debug, Clone)]
pub struct LinkedManager {
    /// 1 manager, 2 additional manager.
    pub slot: i16,
    pub ordinal: i16,
    pub manager_id: Uuid,
    /// As asserted.
    pub reference: String,
    /// `self`, for a person who manages themselves.
    pub flag: Option<String>,
    pub since: DateTime<Utc>,
    pub asserted: Option<Asserted>,
}

/// A team a person belongs to.
#[derive(Debug, Clone)]
pub struct LinkedTeam {
    pub team_id: Uuid,
    pub kind: String,
    pub name: String,
    /// The attribute, or `member:<folded value>` of a group.
    pub source: String,
    pub since: DateTime<Utc>,
    /// Of a group: the member as asserted, and by which change.
    pub group: Option<GroupLink>,
}

/// What a group asserts about one of its members.
#[derive(Debug, Clone)]
pub struct GroupLink {
    pub reference: String,
    pub asserted: Option<Asserted>,
}

/// A link that waits.
#[derive(Debug, Clone)]
pub struct WaitingLink {
    /// The person, or the team of a member link.
    pub subject_id: Uuid,
    pub slot: i16,
    pub place: String,
    pub reference: String,
    /// A member that is said to be a group.
    pub names_group: bool,
    pub wait_key: String,
    pub reason: String,
    pub since: DateTime<Utc>,
    pub attempts: i32,
    /// `None`: stale; woken, but no longer retried.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Of a member link: the group's name.
    pub team: Option<String>,
    pub asserted: Option<Asserted>,
}

pub(super) fn asserted(txn: Option<Uuid>, index: Option<i32>, at: Option<DateTime<Utc>>) -> Option<Asserted> {
    Some(Asserted {
        txn: txn?,
        txn_index: index?,
        accepted_at: at?,
    })
}

struct WaitingRow {
    subject_id: Uuid,
    slot: i16,
    place: String,
    reference: String,
    names_group: bool,
    wait_key: String,
    reason: String,
    since: DateTime<Utc>,
    attempts: i32,
    next_attempt_at: Option<DateTime<Utc>>,
    team: Option<String>,
    txn: Option<Uuid>,
    txn_index: Option<i32>,
    accepted_at: Option<DateTime<Utc>>,
}

impl From<WaitingRow> for WaitingLink {
    fn from(row: WaitingRow) -> WaitingLink {
        WaitingLink {
            subject_id: row.subject_id,
            slot: row.slot,
            place: row.place,
            reference: row.reference,
            names_group: row.names_group,
            wait_key: row.wait_key,
            reason: row.reason,
            since: row.since,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            team: row.team,
            asserted: asserted(row.txn, row.txn_index, row.accepted_at),
        }
    }
}

/// A person's reporting lines, the manager first.
///
/// # Errors
/// When the statement fails.
pub async fn linked_managers(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
) -> Result<Vec<LinkedManager>, StoreError> {
    let rows = sqlx::query!(
        r#"select l.slot, l.ordinal, l.manager_id, l.reference, l.flag, l.since,
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from reporting_lines l
           left join changes c on c.tenant_id = l.tenant_id and c.seq = l.asserted_seq
           where l.tenant_id = $1 and l.person_id = $2 order by l.slot, l.ordinal"#,
        tenant.0,
        person
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LinkedManager {
            slot: row.slot,
            ordinal: row.ordinal,
            manager_id: row.manager_id,
            reference: row.reference,
            flag: row.flag,
            since: row.since,
            asserted: asserted(row.txn, row.txn_index, row.accepted_at),
        })
        .collect())
}

/// The teams a person belongs to, at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn linked_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
    limit: i64,
) -> Result<Vec<LinkedTeam>, StoreError> {
    let rows = sqlx::query!(
        r#"select m.team_id, t.kind, t.name, m.source, m.since, g.value as "value?",
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from team_members m
           join teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
           left join scim_members g on g.tenant_id = m.tenant_id and g.group_id = t.resource_id
                and starts_with(m.source, 'member:') and g.member = substr(m.source, length('member:') + 1)
           left join changes c on c.tenant_id = m.tenant_id and c.seq = g.asserted_seq
           where m.tenant_id = $1 and m.person_id = $2 order by t.kind, t.name, m.team_id, m.source limit $3"#,
        tenant.0,
        person,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LinkedTeam {
            team_id: row.team_id,
            kind: row.kind,
            name: row.name,
            source: row.source,
            since: row.since,
            group: row.value.map(|reference| GroupLink {
                reference,
                asserted: asserted(row.txn, row.txn_index, row.accepted_at),
            }),
        })
        .collect())
}

/// A person's links that wait: their own, and the memberships of groups that name a value they
/// hold, or wait for them; at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn waiting_links(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
    limit: i64,
) -> Result<Vec<WaitingLink>, StoreError> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"with keys as (
               select 'person:' || $2::uuid::text as wait_key
               union
               select k.folded from scim_resources r
               cross join lateral (select folded from scim_keys
                   where tenant_id = $1 and resource_id = r.id and to_seq is null offset 0) k
               where r.tenant_id = $1 and r.directory_id = $2 and r.kind = 1),
           concerned as (
               select * from waiters where tenant_id = $1 and subject_id = $2 and slot <> 3
               union all
               select w.* from keys
               cross join lateral (select * from waiters
                   where tenant_id = $1 and wait_key = keys.wait_key offset 0) w
               where w.slot = 3 and (not w.names_group or starts_with(w.wait_key, 'person:')))
           select w.subject_id as "subject_id!", w.slot as "slot!", w.place as "place!",
                  w.reference as "reference!", w.names_group as "names_group!", w.wait_key as "wait_key!", w.reason as "reason!",
                  w.since as "since!", w.attempts as "attempts!", w.next_attempt_at, t.name as "team?",
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from concerned w
           left join teams t on t.tenant_id = $1 and t.id = w.subject_id and w.slot = 3
           left join changes c on c.tenant_id = $1 and c.seq = w.asserted_seq
           order by w.slot, length(w.place), w.place, w.subject_id limit $3"#,
        tenant.0,
        person,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(WaitingLink::from).collect())
}

/// The members of a group's team that wait, at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn waiting_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    limit: i64,
) -> Result<Vec<WaitingLink>, StoreError> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"select w.subject_id, w.slot, w.place, w.reference, w.names_group, w.wait_key, w.reason, w.since,
                  w.attempts, w.next_attempt_at, null::text as "team?",
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from waiters w
           left join changes c on c.tenant_id = $1 and c.seq = w.asserted_seq
           where w.tenant_id = $1 and w.subject_id = $2 and w.slot = 3 order by w.place limit $3"#,
        tenant.0,
        team,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(WaitingLink::from).collect())
}
