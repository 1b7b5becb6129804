//! What hangs on people, of a whole page in one statement each.

use crate::directory::TenantId;
use crate::store::{PgConnection, StoreError};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// Somebody's manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagerOf {
    pub id: Uuid,
    pub display_name: Option<String>,
    /// The manager; the others are additional ones.
    pub primary: bool,
}

/// A team somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamOf {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
}

/// Whom these people report to, the manager first.
///
/// # Errors
/// When the statement fails.
pub async fn managers(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<ManagerOf>>, StoreError> {
    let rows = sqlx::query!(
        r#"select asked.id as "person!", l.slot = 1 as "primary!", p.id, p.display_name
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (select slot, ordinal, manager_id from reporting_lines
               where tenant_id = $1 and person_id = asked.id offset 0) l
           cross join lateral (select id, display_name from people where tenant_id = $1 and id = l.manager_id
               and status <> 'deprovisioned' and erased_at is null offset 0) p
           order by l.slot, l.ordinal"#,
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    let mut managers: HashMap<Uuid, Vec<ManagerOf>> = HashMap::new();
    for row in rows {
        managers.entry(row.person).or_default().push(ManagerOf {
            id: row.id,
            display_name: row.display_name,
            primary: row.primary,
        });
    }
    Ok(managers)
}

/// The teams these people are in themselves, by kind and name.
///
/// # Errors
/// When the statement fails.
pub async fn teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<TeamOf>>, StoreError> {
    let rows = sqlx::query!(
        r#"select asked.id as "person!", t.id, t.kind, t.name
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (select distinct team_id from team_members
               where tenant_id = $1 and person_id = asked.id offset 0) m
           cross join lateral (select id, kind, name from teams
               where tenant_id = $1 and id = m.team_id and not deleted offset 0) t
           order by t.kind, t.name, t.id"#,
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    let mut teams: HashMap<Uuid, Vec<TeamOf>> = HashMap::new();
    for row in rows {
        teams.entry(row.person).or_default().push(TeamOf {
            id: row.id,
            kind: row.kind,
            name: row.name,
        });
    }
    Ok(teams)
}

/// How many of these people's managers and teams are not there yet; who lacks none is left out.
///
/// # Errors
/// When the statement fails.
pub async fn waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"select asked.id as "person!", w.waiting as "waiting!"
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (select count(*) as waiting from waiters
               where tenant_id = $1 and subject_id = asked.id offset 0) w
           where w.waiting > 0"#,
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person, row.waiting)).collect())
}
