use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// Up to `limit` people whose last User was deleted so many days ago and who are not erased yet.
///
/// # Errors
/// When the statement fails.
pub async fn due(
    conn: &mut PgConnection,
    tenant: TenantId,
    days: i32,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select distinct directory_id from (
             select directory_id from scim_resources r
             where tenant_id = $1 and retained_since <= now() - make_interval(days => $2)
               and not exists (select from scim_resources later
                   where later.tenant_id = $1 and later.directory_id = r.directory_id and later.kind = 1
                     and (later.deleted_seq is null or later.retained_since > now() - make_interval(days => $2)))
             order by retained_since limit $3) gone",
        tenant.0,
        days,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Those of `people` for whom that still holds: one may have come back meanwhile. The caller holds
/// the tenant's lock.
pub(super) async fn still_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
    days: i32,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select asked.id as "id!" from unnest($2::uuid[]) as asked (id)
           where not exists (select from scim_resources where tenant_id = $1 and directory_id = asked.id
               and kind = 1 and (deleted_seq is null or retained_since > now() - make_interval(days => $3)))"#,
        tenant.0,
        people,
        days
    )
    .fetch_all(conn)
    .await?)
}
