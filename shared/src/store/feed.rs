//! What the feeder asks and claims. Claims are short, skip what another replica holds, and
//! only push a time forward: whatever happens next, the rows come up again. What belongs to a paused
//! lane is left where it is.

use super::StoreError;
use crate::directory::{Key, Lane, TenantId};
use crate::queue::LinksWork;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// How long a claimed key is left to the job it was pushed with.
const CLAIM_SECONDS: f64 = 30.0;
/// Age at which leftovers of a worker that died after its commit are taken over.
pub const LEFTOVER_SECONDS: f64 = 5.0;
/// Age after which a waiting link is no longer retried; its target's arrival still wakes it.
const STALE_DAYS: i32 = 30;

/// What is due, in one look.
#[derive(Debug, Default)]
pub struct Due {
    /// Tenants with keys to be pushed.
    pub keys: Vec<(TenantId, Lane)>,
    pub waiters: bool,
    pub wakes: bool,
}

/// See what is due; costs a few index probes per tenant that has pending keys, and next to
/// nothing when there is none.
///
/// # Errors
/// When the statement fails.
pub async fn due(conn: &mut PgConnection) -> Result<Due, StoreError> {
    let rows = sqlx::query!(
        r#"with recursive tenants as (
             (select tenant_id from pending order by tenant_id limit 1)
             union all
             select (select p.tenant_id from pending p where p.tenant_id > t.tenant_id order by p.tenant_id limit 1)
             from tenants t where t.tenant_id is not null)
         select t.tenant_id as "tenant_id!", l.lane as "lane!"
         from tenants t, (values (1::int2, 'live'), (2::int2, 'bulk')) as l (lane, name)
         where t.tenant_id is not null
           and exists (select from pending p where p.tenant_id = t.tenant_id and p.lane = l.lane and p.due_at <= now())
           and not exists (select from paused_lanes s where s.tenant_id = t.tenant_id and s.lane = l.name)"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let others = sqlx::query!(
        r#"select exists (select from waiters where next_attempt_at <= now()
                          and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'links'))) as "waiters!",
                  exists (select from wakes where created_at < now() - make_interval(secs => $1)
                          and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'links'))) as "wakes!""#,
        LEFTOVER_SECONDS
    )
    .fetch_one(conn)
    .await?;
    let lane = |lane: i16| Lane::ALL.into_iter().find(|known| *known as i16 == lane);
    Ok(Due {
        keys: rows
            .into_iter()
            .filter_map(|row| Some((TenantId(row.tenant_id), lane(row.lane)?)))
            .collect(),
        waiters: others.waiters,
        wakes: others.wakes,
    })
}

/// Claim up to `limit` of a tenant's pending rows that have been due for so long; answers their keys, each once.
///
/// # Errors
/// When the statement fails.
pub async fn claim_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    lane: Lane,
    overdue: Duration,
    limit: i64,
) -> Result<Vec<Key>, StoreError> {
    let rows = sqlx::query!(
        "with due as (
             select ctid from pending where tenant_id = $1 and lane = $2
                 and due_at <= now() - make_interval(secs => $5)
             order by due_at limit $3 for update skip locked)
         update pending p set due_at = now() + make_interval(secs => $4) from due where p.ctid = due.ctid
         returning p.key_kind, p.key_id, p.member, p.seq",
        tenant.0,
        lane as i16,
        limit,
        CLAIM_SECONDS,
        overdue.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    // In order of acceptance, so that what waited longest goes first.
    let mut first: BTreeMap<Key, i64> = BTreeMap::new();
    for row in rows {
        if let Some(key) = Key::from_columns(row.key_kind, row.key_id, row.member) {
            let seq = first.entry(key).or_insert(row.seq);
            *seq = (*seq).min(row.seq);
        }
    }
    let mut keys: Vec<(i64, Key)> = first.into_iter().map(|(key, seq)| (seq, key)).collect();
    keys.sort_unstable();
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// Claim up to `limit` due waiters: each is set to its next attempt, 1 s doubling to 10 min
/// with ±20 % jitter, or to none when it has become stale. Answers the work per tenant.
///
/// A tenant whose arrivals are being handled is left for a later round: they wake whom they
/// concern, and retrying everybody else meanwhile would only compete with them for locks.
///
/// # Errors
/// When the statement fails.
pub async fn claim_waiters(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<BTreeMap<TenantId, LinksWork>, StoreError> {
    let rows = sqlx::query!(
        "with due as (
             select d.ctid from waiters d where next_attempt_at <= now()
               and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'links'))
               and not exists (select from wakes k where k.tenant_id = d.tenant_id
                               and k.created_at > now() - make_interval(secs => $3))
             order by next_attempt_at limit $1 for update skip locked)
         update waiters w set attempts = w.attempts + 1,
             next_attempt_at = case when w.since > now() - make_interval(days => $2) then
                 now() + make_interval(secs => least(power(2, least(w.attempts + 1, 20)), 600) * (0.8 + 0.4 * random()))
             end
         from due where w.ctid = due.ctid
         returning w.tenant_id, w.subject_id, w.slot, w.place",
        limit,
        STALE_DAYS,
        LEFTOVER_SECONDS
    )
    .fetch_all(conn)
    .await?;
    let mut work: BTreeMap<TenantId, Waiting> = BTreeMap::new();
    for row in rows {
        let waiting = work.entry(TenantId(row.tenant_id)).or_default();
        match row.slot {
            3 => waiting.members.push((row.subject_id, row.place)),
            _ => waiting.people.push(row.subject_id),
        }
    }
    Ok(work
        .into_iter()
        .map(|(tenant, Waiting { mut people, members })| {
            people.sort_unstable();
            people.dedup();
            (tenant, LinksWork::Retry { people, members })
        })
        .collect())
}

#[derive(Default)]
struct Waiting {
    people: Vec<Uuid>,
    members: Vec<(Uuid, String)>,
}

/// Claim batches of arrivals whose worker died before it woke those who wait for them.
///
/// # Errors
/// When the statement fails.
pub async fn claim_wakes(conn: &mut PgConnection, limit: i64) -> Result<Vec<(TenantId, i64)>, StoreError> {
    let rows = sqlx::query!(
        "with left_over as (
             select id from wakes where created_at < now() - make_interval(secs => $2)
               and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'links'))
             order by id limit $1 for update skip locked)
         update wakes w set created_at = now() from left_over where w.id = left_over.id
         returning w.id, w.tenant_id",
        limit,
        LEFTOVER_SECONDS
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId(row.tenant_id), row.id))
        .collect())
}
