//! Teams as operators look them up.

use super::people::Brief;
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A team as the directory shows it now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    pub id: Uuid,
    /// `group`, or the attribute whose values name it.
    pub kind: String,
    pub name: String,
    pub external_id: Option<String>,
    /// The SCIM Group last applied.
    pub resource_id: Option<Uuid>,
    /// Its group is gone.
    pub deleted: bool,
    pub members: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Somebody in a team.
#[derive(Debug, Clone)]
pub struct Member {
    pub person: Brief,
    /// What put them there: attributes, or `member:<folded value>` of a group.
    pub sources: Vec<String>,
    pub since: DateTime<Utc>,
}

/// Which teams are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    pub kind: Option<&'a str>,
    /// A part of the name, in lower case.
    pub part: Option<&'a str>,
    /// Those whose group is gone, too.
    pub deleted: bool,
    /// Only those with a greater id.
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// Teams in the order of ids.
///
/// # Errors
/// When the statement fails.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    wanted: &Wanted<'_>,
) -> Result<Vec<Team>, StoreError> {
    Ok(sqlx::query_as!(
        Team,
        r#"select t.id, t.kind, t.name, t.external_id, t.resource_id, t.deleted, t.created_at, t.updated_at,
                  (select count(distinct person_id) from team_members
                   where tenant_id = $1 and team_id = t.id) as "members!"
           from teams t
           where t.tenant_id = $1 and t.id > $2 and ($3::text is null or t.kind = $3) and (not t.deleted or $4)
             and ($5::text is null or position($5 in lower(t.name)) > 0)
           order by t.id limit $6"#,
        tenant.0,
        wanted.after.unwrap_or_default(),
        wanted.kind,
        wanted.deleted,
        wanted.part,
        wanted.limit
    )
    .fetch_all(conn)
    .await?)
}

/// One team.
///
/// # Errors
/// When the statement fails.
pub async fn team(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Team>, StoreError> {
    Ok(sqlx::query_as!(
        Team,
        r#"select t.id, t.kind, t.name, t.external_id, t.resource_id, t.deleted, t.created_at, t.updated_at,
                  (select count(distinct person_id) from team_members
                   where tenant_id = $1 and team_id = t.id) as "members!"
           from teams t where t.tenant_id = $1 and t.id = $2"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// The members of a team, in the order of ids, after one of them.
///
/// # Errors
/// When the statement fails.
pub async fn members(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.id, p.resource_id, p.status, p.login, p.email, p.display_name,
                  m.sources as "sources!: Vec<String>", m.since as "since!"
           from (select person_id, array_agg(source order by source) as sources, min(since) as since
                 from team_members where tenant_id = $1 and team_id = $2 and person_id > $3
                 group by person_id order by person_id limit $4) m
           cross join lateral (select id, resource_id, status, login, email, display_name from people
               where tenant_id = $1 and id = m.person_id offset 0) p
           order by p.id"#,
        tenant.0,
        team,
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Member {
            person: Brief {
                id: row.id,
                resource_id: row.resource_id,
                status: row.status,
                login: row.login,
                email: row.email,
                display_name: row.display_name,
            },
            sources: row.sources,
            since: row.since,
        })
        .collect())
}
