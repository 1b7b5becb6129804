//! Statements of the feeder: what is due goes (back) into the queues. Every replica runs them;
//! `SKIP LOCKED` keeps them out of each other's way, and claiming moves the due time on.

use crate::directory::{Key, Lane, TenantId};
use crate::store::StoreError;
use crate::store::links::MemberOf;
use sqlx::PgConnection;
use uuid::Uuid;

/// Seconds after which what was pushed may be pushed again.
const PUSHED_AGAIN_SECONDS: f64 = 30.0;

/// Tenants with something due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    pub live: Vec<TenantId>,
    pub bulk: Vec<TenantId>,
    /// Links that are to be tried again.
    pub waiters: bool,
    /// Arrivals nobody has told those about who wait for them.
    pub wakes: bool,
}

/// One look at everything; costs a few index probes per tenant with pending changes.
pub async fn due(conn: &mut PgConnection) -> Result<Due, StoreError> {
    let row = sqlx::query!(
        r#"with recursive lanes (lane) as (values (1::int2), (2::int2)),
           served (lane, tenant_id) as (
               select lane, (select min(tenant_id) from pending p where p.lane = lanes.lane) from lanes
               union all
               select s.lane, (select min(p.tenant_id) from pending p
                   where p.lane = s.lane and p.tenant_id > s.tenant_id)
               from served s where s.tenant_id is not null),
           due as (
               select s.lane, s.tenant_id from served s where s.tenant_id is not null
                   and exists (select from pending p where p.lane = s.lane and p.tenant_id = s.tenant_id
                       and p.due_at <= now()))
           select coalesce((select array_agg(tenant_id) from due where lane = 1), '{}') as "live!",
               coalesce((select array_agg(tenant_id) from due where lane = 2), '{}') as "bulk!",
               exists (select from waiters where next_attempt_at <= now()) as "waiters!",
               exists (select from wakes where due_at <= now()) as "wakes!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(Due {
        live: row.live.into_iter().map(TenantId).collect(),
        bulk: row.bulk.into_iter().map(TenantId).collect(),
        waiters: row.waiters,
        wakes: row.wakes,
    })
}

/// Claim due keys of one tenant, oldest first. `limit` counts changes.
pub async fn claim_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    lane: Lane,
    limit: i64,
) -> Result<Vec<Key>, StoreError> {
    let rows = sqlx::query!(
        "with due as materialized (
             select key_kind, key_id, member, seq from pending
             where lane = $1 and tenant_id = $2 and due_at <= now()
             order by due_at limit $3 for update skip locked)
         update pending p set due_at = now() + make_interval(secs => $4)
         from due where p.tenant_id = $2 and p.key_kind = due.key_kind and p.key_id = due.key_id
             and p.member = due.member and p.seq = due.seq
         returning p.key_kind, p.key_id, p.member",
        lane as i16,
        tenant.0,
        limit,
        PUSHED_AGAIN_SECONDS
    )
    .fetch_all(conn)
    .await?;
    let mut keys: Vec<Key> = rows
        .into_iter()
        .filter_map(|row| Key::from_columns(row.key_kind, row.key_id, row.member))
        .collect();
    // Neighbours travel together: keys of one group are then worked on by one worker.
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// A waiting link whose next try was due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueWaiter {
    Person(Uuid),
    Member(MemberOf),
}

/// Claim due waiters, which counts as their attempt: the next is due after twice the time, from
/// one second to ten minutes, ±20 %. One that has waited for 30 days is claimed for the last time.
pub async fn claim_waiters(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(TenantId, DueWaiter)>, StoreError> {
    let rows = sqlx::query!(
        "with due as materialized (
             select tenant_id, subject_id, slot, place from waiters
             where next_attempt_at <= now() order by next_attempt_at limit $1 for update skip locked)
         update waiters w set attempts = w.attempts + 1,
             next_attempt_at = case when w.since < now() - interval '30 days' then null
                 else now() + make_interval(secs => least(600, power(2, least(w.attempts + 1, 20)))
                     * (0.8 + 0.4 * random())) end
         from due where w.tenant_id = due.tenant_id and w.subject_id = due.subject_id and w.slot = due.slot
             and w.place = due.place
         returning w.tenant_id, w.subject_id, w.slot, w.place",
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let waiter = if row.slot == 3 {
                DueWaiter::Member((row.subject_id, row.place))
            } else {
                DueWaiter::Person(row.subject_id)
            };
            (TenantId(row.tenant_id), waiter)
        })
        .collect())
}

/// Claim arrivals whose worker did not get to wake anybody.
pub async fn claim_wakes(conn: &mut PgConnection, limit: i64) -> Result<Vec<(TenantId, i64)>, StoreError> {
    let rows = sqlx::query!(
        "with due as materialized (
             select id from wakes where due_at <= now() order by due_at limit $1 for update skip locked)
         update wakes w set due_at = now() + make_interval(secs => $2)
         from due where w.id = due.id returning w.tenant_id, w.id",
        limit,
        PUSHED_AGAIN_SECONDS
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId(row.tenant_id), row.id))
        .collect())
}
