//! What a part of a run is about: a full outer join of what is and what should be, so that rows
//! nobody asserts are found too.

use super::{Chunk, ChunkKind};
use crate::directory::{Key, TenantId};
use crate::store::StoreError;
use crate::store::reconcile::{Book, Cause};
use sqlx::PgConnection;
use uuid::Uuid;

/// The keys of a part. None for attribute teams, which are compared as rows
/// ([`attribute_teams`]).
///
/// # Errors
/// When the statement fails.
pub async fn keys(conn: &mut PgConnection, tenant: TenantId, chunk: &Chunk) -> Result<Vec<Key>, StoreError> {
    if let Some(keys) = &chunk.keys {
        return Ok(keys.clone());
    }
    let (after, after_member) = (chunk.after.0.unwrap_or_default(), chunk.after.1.as_str());
    let (upto, upto_member) = (chunk.upto.0, chunk.upto.1.as_str());
    Ok(match chunk.kind {
        ChunkKind::People => sqlx::query_scalar!(
            r#"select directory_id as "id!" from scim_resources
                   where tenant_id = $1 and kind = 1 and directory_id > $2 and directory_id <= $3
               union select id from people where tenant_id = $1 and id > $2 and id <= $3"#,
            tenant.0,
            after,
            upto
        )
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(Key::Person)
        .collect(),
        ChunkKind::GroupTeams => sqlx::query_scalar!(
            r#"select directory_id as "id!" from scim_resources
                   where tenant_id = $1 and kind = 2 and directory_id > $2 and directory_id <= $3
               union select id from teams where tenant_id = $1 and kind = 'group' and id > $2 and id <= $3"#,
            tenant.0,
            after,
            upto
        )
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(Key::Team)
        .collect(),
        // The bounds of one group are told to its index, so that a part of a large group does not
        // read all of it. No text is greater than the last one can be.
        ChunkKind::Members => sqlx::query!(
            r#"select r.directory_id as "team!", m.member as "member!" from scim_resources r
                   cross join lateral (select member from scim_members where tenant_id = $1 and group_id = r.id
                       and member > case when r.directory_id = $2 then $3 else '' end
                       and member <= case when r.directory_id = $4 then $5 else repeat(chr(1114111), 128) end
                       offset 0) m
                   where r.tenant_id = $1 and r.kind = 2 and r.deleted_seq is null
                       and r.directory_id >= $2 and r.directory_id <= $4
               union select team_id, substr(source, 8) from team_members
                   where tenant_id = $1 and team_id >= $2 and team_id <= $4 and starts_with(source, 'member:')
                       and (team_id, source) > ($2, 'member:' || $3) and (team_id, source) <= ($4, 'member:' || $5)
               union select team_id, substr(source, 8) from team_parts
                   where tenant_id = $1 and team_id >= $2 and team_id <= $4
                       and (team_id, source) > ($2, 'member:' || $3) and (team_id, source) <= ($4, 'member:' || $5)
               union select subject_id, place from waiters
                   where tenant_id = $1 and slot = 3 and subject_id >= $2 and subject_id <= $4
                       and (subject_id, place) > ($2, $3) and (subject_id, place) <= ($4, $5)"#,
            tenant.0,
            after,
            after_member,
            upto,
            upto_member
        )
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| Key::Member(row.team, row.member))
        .collect(),
        ChunkKind::AttributeTeams => vec![],
    })
}

/// An attribute team that is not as it was accepted.
#[derive(Debug, Clone)]
pub struct AttributeTeamDrift {
    pub id: Uuid,
    pub name: String,
    pub accepted_name: String,
}

/// How many attribute teams there are in a part, and those that differ from what was accepted.
/// Teams created after the run began are not looked at, or it would depend on the order of the
/// parts whether one that another part creates is counted.
///
/// # Errors
/// When a statement fails.
pub async fn attribute_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    chunk: &Chunk,
) -> Result<(i64, Vec<AttributeTeamDrift>), StoreError> {
    let (after, upto) = (chunk.after.0.unwrap_or_default(), chunk.upto.0);
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from teams
           where tenant_id = $1 and kind <> 'group' and id > $2 and id <= $3
             and created_at <= (select started_at from runs where tenant_id = $1 and id = $4)"#,
        tenant.0,
        after,
        upto,
        chunk.run
    )
    .fetch_one(&mut *conn)
    .await?;
    let drift = sqlx::query_as!(
        AttributeTeamDrift,
        r#"select t.id, t.name, n.name as accepted_name from teams t
           join team_names n on n.tenant_id = $1 and n.team_id = t.id
           where t.tenant_id = $1 and t.kind <> 'group' and t.id > $2 and t.id <= $3
             and t.created_at <= (select started_at from runs where tenant_id = $1 and id = $4)
             and (t.name, t.kind, t.folded) is distinct from (n.name, n.kind, n.folded)
           order by t.id"#,
        tenant.0,
        after,
        upto,
        chunk.run
    )
    .fetch_all(conn)
    .await?;
    Ok((count, drift))
}

/// Give these attribute teams the names they were accepted with, for a run.
///
/// # Errors
/// When the statement fails.
pub async fn restore_attribute_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    book: Book,
    teams: &[Uuid],
) -> Result<(), StoreError> {
    sqlx::query!(
        "with before as (
             select id, name from teams where tenant_id = $1 and id = any($2) order by id for no key update),
         restored as (
             update teams t set name = n.name, kind = n.kind, folded = n.folded, updated_at = now()
             from before join team_names n on n.tenant_id = $1 and n.team_id = before.id
             where t.tenant_id = $1 and t.id = before.id
             returning t.id, before.name as old, n.name as new, n.first_seq)
         insert into history (tenant_id, key_kind, key_id, cause, seq, fields, mapping_version, run_id, applied_at)
         select $1, 2, id, $3, first_seq, jsonb_build_object('name', jsonb_build_array(old, new)), $4, $5,
             statement_timestamp()
         from restored where old <> new",
        tenant.0,
        teams,
        Cause::Run.name(),
        book.mapping,
        book.run
    )
    .execute(conn)
    .await?;
    Ok(())
}
