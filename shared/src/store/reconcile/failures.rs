use super::KeyColumns;
use crate::directory::{Key, TenantId};
use crate::store::StoreError;
use sqlx::PgConnection;

/// How often reconciling a key has failed, this time included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub key: Key,
    pub attempts: i32,
}

/// Count one more failure of each key, and leave its pending changes up to `seq` alone for a while: from two
/// seconds on, doubled with each failure, ten minutes at most. With `park_after` attempts the key
/// is parked until its next change or an operator.
///
/// `pending` before `key_failures`, the order in which success clears them.
pub async fn record_failures(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Key],
    error: &str,
    park_after: Option<i32>,
    seq: i64,
) -> Result<Vec<Failure>, StoreError> {
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort();
    let c = KeyColumns::of(sorted.into_iter());
    if let Some(park_after) = park_after {
        sqlx::query!(
            "update pending p set due_at = case when coalesce(f.attempts, 0) + 1 >= $5 then 'infinity'
                 else now() + make_interval(secs => least(600, power(2, coalesce(f.attempts, 0) + 1))) end
             from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
             left join key_failures f on f.tenant_id = $1 and f.key_kind = k.kind and f.key_id = k.id
                 and f.member = k.member
             where p.tenant_id = $1 and p.key_kind = k.kind and p.key_id = k.id and p.member = k.member
                 and p.seq <= $6",
            tenant.0,
            &c.kind,
            &c.id,
            &c.member,
            park_after,
            seq
        )
        .execute(&mut *conn)
        .await?;
    }
    let rows = sqlx::query!(
        "insert into key_failures (tenant_id, key_kind, key_id, member, attempts, error, parked)
         select $1, k.kind, k.id, k.member, 1, $5, coalesce(1 >= $6, false)
         from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
         order by k.kind, k.id, k.member
         on conflict (tenant_id, key_kind, key_id, member)
         do update set attempts = key_failures.attempts + 1, error = excluded.error, updated_at = now(),
             parked = coalesce(key_failures.attempts + 1 >= $6, key_failures.parked)
         returning key_kind, key_id, member, attempts",
        tenant.0,
        &c.kind,
        &c.id,
        &c.member,
        error,
        park_after
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Failure {
                key: Key::from_columns(row.key_kind, row.key_id, row.member)?,
                attempts: row.attempts,
            })
        })
        .collect())
}

/// Forget the failures of keys that are applied.
pub async fn clear_failures(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[&Key],
) -> Result<(), StoreError> {
    let c = KeyColumns::of(keys.iter().copied());
    sqlx::query!(
        "with failed as materialized (
             select f.key_kind, f.key_id, f.member
             from unnest($2::int2[], $3::uuid[], $4::text[]) as k (kind, id, member)
             join key_failures f on f.tenant_id = $1 and f.key_kind = k.kind and f.key_id = k.id
                 and f.member = k.member
             order by f.key_kind, f.key_id, f.member for update of f)
         delete from key_failures f using failed
         where f.tenant_id = $1 and f.key_kind = failed.key_kind and f.key_id = failed.key_id
             and f.member = failed.member",
        tenant.0,
        &c.kind,
        &c.id,
        &c.member
    )
    .execute(conn)
    .await?;
    Ok(())
}
