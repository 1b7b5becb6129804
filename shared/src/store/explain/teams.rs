use super::links::{Asserted, asserted};
use crate::directory::TenantId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// As much of a team as tells which it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TeamBrief {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    /// The SCIM Group; `None` for teams that attributes name.
    pub resource_id: Option<Uuid>,
    /// Its group was deleted.
    pub deleted: bool,
}

/// One team that is part of another, as told of either.
#[derive(Debug, Clone)]
pub struct Nesting {
    /// The other team.
    pub team: TeamBrief,
    /// The member as asserted; `None` when the outer group asserts it no more.
    pub reference: Option<String>,
    pub since: DateTime<Utc>,
    pub asserted: Option<Asserted>,
}

/// Which side of a nesting to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The teams that are part of this one.
    Parts,
    /// The teams this one is part of.
    Wholes,
}

/// The team with this directory id, or of the SCIM Group with this id.
///
/// # Errors
/// When the statement fails.
pub async fn team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<TeamBrief>, StoreError> {
    Ok(sqlx::query_as!(
        TeamBrief,
        r#"select t.id, t.kind, t.name, t.resource_id, t.deleted
           from (select $2::uuid as id
                 union all select directory_id from scim_resources
                     where tenant_id = $1 and id = $2 and kind = 2) asked
           cross join lateral (select id, kind, name, resource_id, deleted from teams
               where tenant_id = $1 and id = asked.id offset 0) t limit 1"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// Which teams these are.
///
/// # Errors
/// When the statement fails.
pub async fn team_briefs(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, TeamBrief>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_as!(
        TeamBrief,
        "select t.* from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, kind, name, resource_id, deleted from teams
             where tenant_id = $1 and id = asked.id offset 0) t",
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|brief| (brief.id, brief)).collect())
}

/// The nestings of a team on one side, at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn nestings(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    side: Side,
    limit: i64,
) -> Result<Vec<Nesting>, StoreError> {
    let rows = sqlx::query!(
        r#"select t.id, t.kind, t.name, t.resource_id, t.deleted, p.since as "since!", m.value as "value?",
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from (select part_id as other, team_id, source, since from team_parts
                     where tenant_id = $1 and team_id = $2 and $3
                 union all
                 select team_id, team_id, source, since from team_parts
                     where tenant_id = $1 and part_id = $2 and not $3) p
           join teams t on t.tenant_id = $1 and t.id = p.other
           join teams o on o.tenant_id = $1 and o.id = p.team_id
           left join scim_members m on m.tenant_id = $1 and m.group_id = o.resource_id
                and m.member = substr(p.source, length('member:') + 1)
           left join changes c on c.tenant_id = $1 and c.seq = m.asserted_seq
           order by t.name, t.id, p.source limit $4"#,
        tenant.0,
        team,
        side == Side::Parts,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Nesting {
            team: TeamBrief {
                id: row.id,
                kind: row.kind,
                name: row.name,
                resource_id: row.resource_id,
                deleted: row.deleted,
            },
            reference: row.value,
            since: row.since,
            asserted: asserted(row.txn, row.txn_index, row.accepted_at),
        })
        .collect())
}

/// The teams that this one is part of, directly or through others, each once, so that a cycle ends
/// it too; at most `limit`. A team that is among them is part of itself.
///
/// # Errors
/// When the statement fails.
pub async fn teams_above(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    limit: i64,
) -> Result<HashSet<Uuid>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"with recursive above as (
               select team_id from team_parts where tenant_id = $1 and part_id = $2
               union
               select p.team_id from above a
               cross join lateral (select team_id from team_parts
                   where tenant_id = $1 and part_id = a.team_id offset 0) p)
           select team_id as "team_id!" from above limit $3"#,
        tenant.0,
        team,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}
