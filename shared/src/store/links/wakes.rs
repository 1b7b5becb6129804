use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `wakes`: keys that became referable, or whose waiters must look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wakes {
    pub id: i64,
    pub keys: Vec<String>,
    /// The run that made them look.
    pub run_id: Option<Uuid>,
}

/// Record whom to wake after the commit, of which a run may be the cause: `keys` as they are.
pub async fn insert_wakes(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
    run: Option<Uuid>,
) -> Result<Option<i64>, StoreError> {
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        sqlx::query_scalar!(
            "insert into wakes (tenant_id, keys, run_id) values ($1, $2, $3) returning id",
            tenant.0,
            keys,
            run
        )
        .fetch_one(conn)
        .await?,
    ))
}

/// The values that these people and groups (with the seq applied to them before) have begun or
/// ceased to hold, as far as somebody waits for them.
///
/// Whoever parks a waiter later has seen the change, because it was accepted before this
/// transaction began. (That is not so for `person:` and `team:` keys, which tell what the
/// transaction that applies a person or a group does.)
pub async fn awaited_values(
    conn: &mut PgConnection,
    tenant: TenantId,
    applied: &[(Uuid, i64)],
) -> Result<Vec<String>, StoreError> {
    if applied.is_empty() {
        return Ok(vec![]);
    }
    let described: Vec<Uuid> = applied.iter().map(|(id, _)| *id).collect();
    let before: Vec<i64> = applied.iter().map(|(_, before)| *before).collect();
    Ok(sqlx::query_scalar!(
        "select distinct k.folded from unnest($2::uuid[], $3::int8[]) as d (id, before)
         cross join lateral (select id from scim_resources
             where tenant_id = $1 and directory_id = d.id offset 0) r
         cross join lateral (select folded from scim_keys where tenant_id = $1 and resource_id = r.id
             and (from_seq > d.before or to_seq > d.before) offset 0) k
         cross join lateral (select from waiters where tenant_id = $1 and wait_key = k.folded limit 1) w",
        tenant.0,
        &described,
        &before
    )
    .fetch_all(conn)
    .await?)
}

/// Those of these keys whose waiters somebody is waking at this moment. A row older than
/// `seconds` is what a dead worker left.
pub async fn being_woken(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
    seconds: f64,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select distinct key as "key!" from wakes cross join lateral unnest(keys) as key
           where tenant_id = $1 and created_at > now() - make_interval(secs => $3) and key = any($2)"#,
        tenant.0,
        keys,
        seconds
    )
    .fetch_all(conn)
    .await?)
}

/// The keys of one row, unless somebody has dealt with it.
pub async fn wakes(conn: &mut PgConnection, tenant: TenantId, id: i64) -> Result<Option<Wakes>, StoreError> {
    Ok(sqlx::query_as!(
        Wakes,
        "select id, keys, run_id from wakes where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// Everyone these rows were about has been woken.
pub async fn delete_wakes(conn: &mut PgConnection, tenant: TenantId, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from wakes where tenant_id = $1 and id = any($2)",
        tenant.0,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody is still about to wake those these rows are about: they are as if new.
pub async fn keep_wakes(conn: &mut PgConnection, tenant: TenantId, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query!(
        "update wakes set created_at = now() where tenant_id = $1 and id = any($2)",
        tenant.0,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All keys somebody is about to be woken for.
pub async fn all_wakes(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let keys = sqlx::query_scalar!(
        r#"select unnest(keys) as "key!" from wakes where tenant_id = $1"#,
        tenant.0
    );
    Ok(keys.fetch_all(conn).await?)
}
