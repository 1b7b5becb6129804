use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `wakes`: keys that became referable, or whose waiters must look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wakes {
    pub id: i64,
    pub keys: Vec<String>,
}

/// Record whom to wake after the commit: `keys` as they are.
pub async fn insert_wakes(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<Option<Wakes>, StoreError> {
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        sqlx::query_as!(
            Wakes,
            "insert into wakes (tenant_id, keys) values ($1, $2) returning id, keys",
            tenant.0,
            keys
        )
        .fetch_one(conn)
        .await?,
    ))
}

/// As [`insert_wakes`], and with them the values that these people (with the seq applied to them
/// before) have begun or ceased to hold.
///
/// Only values somebody waits for: whoever parks a waiter later has seen the change, because it
/// was accepted before this transaction began. That does not hold for `person:` keys, which tell
/// what this very transaction does; they must be in `keys`.
pub async fn insert_wakes_of_applied(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
    applied: &[(Uuid, i64)],
) -> Result<Option<Wakes>, StoreError> {
    if applied.is_empty() {
        return insert_wakes(conn, tenant, keys).await;
    }
    let person: Vec<Uuid> = applied.iter().map(|(person, _)| *person).collect();
    let before: Vec<i64> = applied.iter().map(|(_, before)| *before).collect();
    Ok(sqlx::query_as!(
        Wakes,
        "insert into wakes (tenant_id, keys)
         select $1, array_agg(distinct key) from (
             select unnest($2::text[]) as key
             union all
             select k.folded from unnest($3::uuid[], $4::int8[]) as p (id, before)
             join scim_resources r on r.tenant_id = $1 and r.directory_id = p.id
             join scim_keys k on k.tenant_id = $1 and k.resource_id = r.id
                 and (k.from_seq > p.before or k.to_seq > p.before)
             where exists (select from waiters w where w.tenant_id = $1 and w.wait_key = k.folded)
         ) as wanted
         having count(*) > 0
         returning id, keys",
        tenant.0,
        keys,
        &person,
        &before
    )
    .fetch_optional(conn)
    .await?)
}

/// The keys of one row, unless somebody has dealt with it.
pub async fn wakes(conn: &mut PgConnection, tenant: TenantId, id: i64) -> Result<Option<Wakes>, StoreError> {
    Ok(sqlx::query_as!(
        Wakes,
        "select id, keys from wakes where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// Everyone this row was about has been woken.
pub async fn delete_wakes(conn: &mut PgConnection, tenant: TenantId, id: i64) -> Result<(), StoreError> {
    sqlx::query!("delete from wakes where tenant_id = $1 and id = $2", tenant.0, id)
        .execute(conn)
        .await?;
    Ok(())
}
