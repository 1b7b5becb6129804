use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Each person's manager, from these people to the ends of their reporting lines: everybody above
/// them once, so that a cycle ends it too.
///
/// # Errors
/// When the statement fails.
pub async fn managers_above(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"with recursive above as (
               select l.person_id, l.manager_id from unnest($2::uuid[]) as asked (id)
               cross join lateral (select person_id, manager_id from reporting_lines
                   where tenant_id = $1 and person_id = asked.id and slot = 1 offset 0) l
               union
               select l.person_id, l.manager_id from above a
               cross join lateral (select person_id, manager_id from reporting_lines
                   where tenant_id = $1 and person_id = a.manager_id and slot = 1 offset 0) l)
           select person_id as "person!", manager_id as "manager!" from above"#,
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person, row.manager)).collect())
}
