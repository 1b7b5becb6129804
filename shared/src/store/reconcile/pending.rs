use super::KeyColumns;
use crate::directory::{Key, Lane, TenantId};
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A change that was taken out of the outbox because it is applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settled {
    pub seq: i64,
    pub lane: Lane,
    /// Since the change was accepted.
    pub waited_seconds: f64,
}

/// Those of `keys` with something pending that is not parked, and how often each has failed.
///
/// `is distinct from` does not imply that there is a `due_at`, which the index on it wants: keys are found by key.
pub async fn workable_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Key],
) -> Result<Vec<(Key, i32)>, StoreError> {
    let c = KeyColumns::of(keys.iter());
    let rows = sqlx::query!(
        r#"select k.kind as "kind!", k.id as "id!", k.member as "member!", coalesce(f.attempts, 0) as "attempts!"
           from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
           cross join lateral (select from pending where tenant_id = $1 and key_kind = k.kind and key_id = k.id
               and member = k.member and due_at is distinct from 'infinity' limit 1) p
           left join lateral (select attempts from key_failures where tenant_id = $1 and key_kind = k.kind
               and key_id = k.id and member = k.member offset 0) f on true"#,
        tenant.0,
        &c.kind,
        &c.id,
        &c.member
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((Key::from_columns(row.kind, row.id, row.member)?, row.attempts)))
        .collect())
}

/// `traceparent` of the traced requests that changed these keys, up to `limit` different ones.
pub async fn traceparents(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Key],
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let c = KeyColumns::of(keys.iter());
    Ok(sqlx::query_scalar!(
        r#"select distinct p.traceparent as "traceparent!"
           from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
           cross join lateral (select traceparent from pending where tenant_id = $1 and key_kind = k.kind
               and key_id = k.id and member = k.member and traceparent is not null offset 0) p limit $5"#,
        tenant.0,
        &c.kind,
        &c.id,
        &c.member,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The highest pending change of each key; keys without one are left out.
///
/// `offset 0` keeps Postgres from walking the index on `seq` until it meets the key.
pub async fn highest_pending(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Key],
) -> Result<HashMap<Key, i64>, StoreError> {
    let c = KeyColumns::of(keys.iter());
    let rows = sqlx::query!(
        r#"select k.kind as "kind!", k.id as "id!", k.member as "member!", highest.seq as "seq!"
           from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
           cross join lateral (select max(seq) as seq from (select p.seq from pending p where p.tenant_id = $1
               and p.key_kind = k.kind and p.key_id = k.id and p.member = k.member offset 0) of_key) highest
           where highest.seq is not null"#,
        tenant.0,
        &c.kind,
        &c.id,
        &c.member
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((Key::from_columns(row.kind, row.id, row.member)?, row.seq)))
        .collect())
}

/// What applying some keys left of the outbox.
#[derive(Debug, Default)]
pub struct Finished {
    pub settled: Vec<Settled>,
    /// Keys that were changed again while they were being applied, with the lane of the newest change.
    pub newer: Vec<(Key, Lane)>,
}

/// Take what is applied out of the outbox: of each key everything up to the seq that was read.
pub async fn finish_pending(
    conn: &mut PgConnection,
    tenant: TenantId,
    read: &[(&Key, i64)],
) -> Result<Finished, StoreError> {
    let c = KeyColumns::of(read.iter().map(|(key, _)| *key));
    let seq: Vec<i64> = read.iter().map(|(_, seq)| *seq).collect();
    let rows = sqlx::query!(
        r#"with found as materialized (
               select k.kind, k.id, k.member, k.seq as upto, p.ctid, p.seq, p.lane
               from unnest($2::int2[], $3::uuid[], $4::text[], $5::int8[]) as k (kind, id, member, seq)
               cross join lateral (select ctid, seq, lane from pending where tenant_id = $1 and key_kind = k.kind
                   and key_id = k.id and member = k.member for update) p),
           settled as (
               delete from pending p using found where p.ctid = found.ctid and found.seq <= found.upto
               returning p.seq, p.lane, extract(epoch from clock_timestamp() - p.accepted_at)::float8 as waited)
           select seq as "seq!", lane as "lane!", waited, null::int2 as kind, null::uuid as id, null as member
           from settled
           union all (
               select distinct on (kind, id, member) seq, lane, null, kind, id, member from found where seq > upto
               order by kind, id, member, seq desc)"#,
        tenant.0,
        &c.kind,
        &c.id,
        &c.member,
        &seq
    )
    .fetch_all(conn)
    .await?;
    let mut finished = Finished::default();
    for row in rows {
        let lane = if row.lane == Lane::Live as i16 {
            Lane::Live
        } else {
            Lane::Bulk
        };
        if let Some(waited) = row.waited {
            finished.settled.push(Settled {
                seq: row.seq,
                lane,
                waited_seconds: waited.max(0.0),
            });
        } else if let (Some(kind), Some(id), Some(member)) = (row.kind, row.id, row.member) {
            let key = Key::from_columns(kind, id, member);
            finished.newer.extend(key.map(|key| (key, lane)));
        }
    }
    Ok(finished)
}

/// The receipts of these changes.
pub async fn receipts(
    conn: &mut PgConnection,
    tenant: TenantId,
    seqs: &[i64],
) -> Result<Vec<(i64, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "select c.seq, c.txn from unnest($2::int8[]) as asked (seq)
         cross join lateral (select seq, txn from changes where tenant_id = $1 and seq = asked.seq offset 0) c
         order by c.seq",
        tenant.0,
        seqs
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.txn)).collect())
}
