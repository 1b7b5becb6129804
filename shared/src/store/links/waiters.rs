use super::members::{MemberOf, columns};
use crate::directory::{Names, TenantId};
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// `waiters.slot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    Manager = 1,
    AdditionalManager = 2,
    Member = 3,
    /// Membership in a team named by an attribute, of a kind that is not created of itself.
    Team = 4,
}

impl Slot {
    pub fn from_column(slot: i16) -> Option<Slot> {
        [Slot::Manager, Slot::AdditionalManager, Slot::Member, Slot::Team]
            .into_iter()
            .find(|known| *known as i16 == slot)
    }
}

/// Which link of which subject: the primary key of `waiters`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WaiterPlace {
    /// The person, or the team of a member link.
    pub subject_id: Uuid,
    pub slot: i16,
    /// Ordinal of a manager, folded value of a member, `<rule>:<folded name>` of an attribute team.
    pub place: String,
}

/// A row of `waiters`, without the times of its retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    pub subject_id: Uuid,
    pub slot: i16,
    pub place: String,
    /// As asserted.
    pub reference: String,
    /// A member that is said to be a group.
    pub names_group: bool,
    /// The folded reference, or `person:<id>` or `team:<id>` once it is known who, or
    /// `team:<kind>:<folded name>`.
    pub wait_key: String,
    /// `missing`, `ambiguous`, `not_applied` or `deprovisioned`.
    pub reason: String,
    pub asserted_seq: i64,
}

impl Waiter {
    /// What the reference may mean.
    pub fn names(&self) -> Names {
        match (self.slot == Slot::Member as i16, self.names_group) {
            (false, _) => Names::Person,
            (true, false) => Names::Member,
            (true, true) => Names::Group,
        }
    }
}

/// The links of these people that wait: to managers, and to teams that are not created of themselves.
pub async fn waiters_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<Vec<Waiter>, StoreError> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        Waiter,
        "select w.* from unnest($2::uuid[]) as asked (subject)
         cross join lateral (
             select subject_id, slot, place, reference, names_group, wait_key, reason, asserted_seq from waiters
             where tenant_id = $1 and subject_id = asked.subject and slot in (1, 2, 4) offset 0) w",
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?)
}

/// The member links with these keys that wait.
pub async fn member_waiters(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Vec<Waiter>, StoreError> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let (team, member) = columns(keys);
    Ok(sqlx::query_as!(
        Waiter,
        "select w.* from unnest($2::uuid[], $3::text[]) as k (team, member)
         cross join lateral (
             select subject_id, slot, place, reference, names_group, wait_key, reason, asserted_seq from waiters
             where tenant_id = $1 and subject_id = k.team and slot = 3 and place = k.member offset 0) w",
        tenant.0,
        &team,
        &member as _
    )
    .fetch_all(conn)
    .await?)
}

/// The links that wait for one of these wait keys.
pub async fn waiting_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<Vec<Waiter>, StoreError> {
    Ok(sqlx::query_as!(
        Waiter,
        "select w.* from unnest($2::text[]) as asked (wait_key)
         cross join lateral (
             select subject_id, slot, place, reference, names_group, wait_key, reason, asserted_seq from waiters
             where tenant_id = $1 and wait_key = asked.wait_key offset 0) w",
        tenant.0,
        keys
    )
    .fetch_all(conn)
    .await?)
}

/// End the waiting of these links; answers how many seconds each has waited.
pub async fn delete_waiters(
    conn: &mut PgConnection,
    tenant: TenantId,
    places: &[WaiterPlace],
) -> Result<Vec<(WaiterPlace, f64)>, StoreError> {
    if places.is_empty() {
        return Ok(vec![]);
    }
    let subject: Vec<Uuid> = places.iter().map(|place| place.subject_id).collect();
    let slot: Vec<i16> = places.iter().map(|place| place.slot).collect();
    let place: Vec<&str> = places.iter().map(|place| place.place.as_str()).collect();
    let rows = sqlx::query!(
        r#"delete from waiters w using (
               select w.ctid from unnest($2::uuid[], $3::int2[], $4::text[]) as gone (subject, slot, place)
               cross join lateral (select ctid from waiters where tenant_id = $1 and subject_id = gone.subject
                   and slot = gone.slot and place = gone.place for update) w) found
           where w.ctid = found.ctid
           returning w.subject_id, w.slot, w.place,
               extract(epoch from clock_timestamp() - w.since)::float8 as "seconds!""#,
        tenant.0,
        &subject,
        &slot,
        &place as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let place = WaiterPlace {
                subject_id: row.subject_id,
                slot: row.slot,
                place: row.place,
            };
            (place, row.seconds.max(0.0))
        })
        .collect())
}

/// Park links, or note that they wait for something else now. The first retry comes after about
/// a second.
pub async fn upsert_waiters(
    conn: &mut PgConnection,
    tenant: TenantId,
    waiters: &[&Waiter],
) -> Result<(), StoreError> {
    if waiters.is_empty() {
        return Ok(());
    }
    let subject: Vec<Uuid> = waiters.iter().map(|waiter| waiter.subject_id).collect();
    let slot: Vec<i16> = waiters.iter().map(|waiter| waiter.slot).collect();
    let place: Vec<&str> = waiters.iter().map(|waiter| waiter.place.as_str()).collect();
    let reference: Vec<&str> = waiters.iter().map(|waiter| waiter.reference.as_str()).collect();
    let names_group: Vec<bool> = waiters.iter().map(|waiter| waiter.names_group).collect();
    let wait_key: Vec<&str> = waiters.iter().map(|waiter| waiter.wait_key.as_str()).collect();
    let reason: Vec<&str> = waiters.iter().map(|waiter| waiter.reason.as_str()).collect();
    let seq: Vec<i64> = waiters.iter().map(|waiter| waiter.asserted_seq).collect();
    sqlx::query!(
        "insert into waiters (tenant_id, subject_id, slot, place, reference, names_group, wait_key, reason,
             asserted_seq, next_attempt_at)
         select $1, n.*, now() + make_interval(secs => 0.8 + 0.4 * random())
         from unnest($2::uuid[], $3::int2[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::int8[])
             as n (subject, slot, place, reference, names_group, wait_key, reason, asserted_seq)
         on conflict (tenant_id, subject_id, slot, place)
         do update set reference = excluded.reference, names_group = excluded.names_group,
             wait_key = excluded.wait_key, reason = excluded.reason, asserted_seq = excluded.asserted_seq, attempts = 0, next_attempt_at = excluded.next_attempt_at,
             since = case when waiters.asserted_seq = excluded.asserted_seq then waiters.since else now() end",
        tenant.0,
        &subject,
        &slot,
        &place as _,
        &reference as _,
        &names_group,
        &wait_key as _,
        &reason as _,
        &seq
    )
    .execute(conn)
    .await?;
    Ok(())
}
