use super::members::{MemberOf, columns};
use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A row of `team_parts`: the team of a group that is a member of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    pub team_id: Uuid,
    pub part_id: Uuid,
    /// `member:<folded value>`.
    pub source: String,
}

/// The parts that come from these member keys.
pub async fn part_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Vec<Part>, StoreError> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let (team, member) = columns(keys);
    Ok(sqlx::query_as!(
        Part,
        "select p.team_id, p.part_id, p.source
         from unnest($2::uuid[], $3::text[]) as k (team, member)
         cross join lateral (select team_id, part_id, source from team_parts
             where tenant_id = $1 and team_id = k.team and source = 'member:' || k.member offset 0) p",
        tenant.0,
        &team,
        &member as _
    )
    .fetch_all(conn)
    .await?)
}

pub async fn insert_parts(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[Part],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (team, part, source) = part_columns(rows);
    sqlx::query!(
        "insert into team_parts (tenant_id, team_id, part_id, source)
         select $1, * from unnest($2::uuid[], $3::uuid[], $4::text[])
         on conflict do nothing",
        tenant.0,
        &team,
        &part,
        &source as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn delete_parts(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[Part],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (team, part, source) = part_columns(rows);
    sqlx::query!(
        "delete from team_parts p using (
             select p.ctid from unnest($2::uuid[], $3::uuid[], $4::text[]) as gone (team, part, source)
             cross join lateral (select ctid from team_parts where tenant_id = $1 and team_id = gone.team
                 and part_id = gone.part and source = gone.source for update) p) found
         where p.ctid = found.ctid",
        tenant.0,
        &team,
        &part,
        &source as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn part_columns(rows: &[Part]) -> (Vec<Uuid>, Vec<Uuid>, Vec<&str>) {
    (
        rows.iter().map(|row| row.team_id).collect(),
        rows.iter().map(|row| row.part_id).collect(),
        rows.iter().map(|row| row.source.as_str()).collect(),
    )
}

/// How the team of a group stands in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedTeam {
    /// Its group was deleted.
    pub deleted: bool,
    /// The change last applied.
    pub seq: i64,
}

/// How those of these groups' teams stand that are in the directory.
pub async fn applied_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
) -> Result<HashMap<Uuid, AppliedTeam>, StoreError> {
    if teams.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "select t.id, t.deleted, t.applied_seq from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, deleted, applied_seq from teams
             where tenant_id = $1 and id = asked.id and kind = 'group' offset 0) t",
        tenant.0,
        teams
    )
    .fetch_all(conn)
    .await?;
    let applied = rows.into_iter().map(|row| {
        let (deleted, seq) = (row.deleted, row.applied_seq);
        (row.id, AppliedTeam { deleted, seq })
    });
    Ok(applied.collect())
}

/// The member keys that still make one of these teams part of another although its group was
/// deleted.
pub async fn parts_that_are_gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
) -> Result<Vec<MemberOf>, StoreError> {
    if teams.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query!(
        r#"select p.team_id, substr(p.source, length('member:') + 1) as "member!"
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (select id from teams
               where tenant_id = $1 and id = asked.id and deleted offset 0) t
           cross join lateral (select team_id, source from team_parts
               where tenant_id = $1 and part_id = t.id offset 0) p"#,
        tenant.0,
        teams
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team_id, row.member)).collect())
}
