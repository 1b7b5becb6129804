use crate::directory::TenantId;
use crate::store::people::Brief;
use crate::store::{PgConnection, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Somebody in a team, or in a part of it.
#[derive(Debug, Clone)]
pub struct MemberOf {
    pub person: Brief,
    pub since: DateTime<Utc>,
}

/// Members of a team in the order of ids, after one of them; with `nested`, of its parts and of theirs
/// too, everybody once. Also the last id looked at, when there may be more: a page may be short of
/// those who are not part of the company any more.
///
/// # Errors
/// When the statement fails.
pub async fn members(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    nested: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<(Vec<MemberOf>, Option<Uuid>), StoreError> {
    let rows = sqlx::query!(
        r#"with recursive parts (id) as (
               select $2::uuid
               union
               select p.part_id from parts
               cross join lateral (select part_id from team_parts
                   where tenant_id = $1 and team_id = parts.id offset 0) p
               where $3)
           select p.id, p.resource_id, p.status, p.login, p.email, p.display_name, m.since as "since!",
                  p.status <> 'deprovisioned' and p.erased_at is null as "shown!"
           from (select m.person_id, min(m.since) as since from parts
                 cross join lateral (select person_id, since from team_members
                     where tenant_id = $1 and team_id = parts.id and person_id > $4 offset 0) m
                 group by m.person_id order by m.person_id limit $5) m
           cross join lateral (select * from people where tenant_id = $1 and id = m.person_id offset 0) p
           order by p.id"#,
        tenant.0,
        team,
        nested,
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?;
    let last = rows.last().map(|row| row.id);
    let next = last.filter(|_| i64::try_from(rows.len()) == Ok(limit));
    let shown = rows.into_iter().filter(|row| row.shown);
    let members = shown.map(|row| MemberOf {
        person: Brief {
            id: row.id,
            resource_id: row.resource_id,
            status: row.status,
            login: row.login,
            email: row.email,
            display_name: row.display_name,
        },
        since: row.since,
    });
    Ok((members.collect(), next))
}
