use super::{Book, Cause};
use crate::directory::TenantId;
use crate::store::StoreError;
use crate::store::mappings::version_in_force;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

/// The row of a group's team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    pub id: Uuid,
    pub name: String,
    pub external_id: Option<String>,
    /// The SCIM Group last applied.
    pub resource_id: Option<Uuid>,
    pub deleted: bool,
    /// 0: created because a member needed it, its own document not applied yet.
    pub applied_seq: i64,
}

/// A team that values of one attribute name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributeTeam {
    pub kind: String,
    pub folded: String,
    /// As spelled; used only if nobody spelled it before.
    pub name: String,
}

impl AttributeTeam {
    /// What a team that nobody accepted goes by while nothing is written: whoever asks, the same.
    pub fn would_be_id(&self) -> Uuid {
        let mut digest = Sha256::new();
        digest.update(&self.kind);
        digest.update([0]);
        digest.update(&self.folded);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }
}

/// Lock the teams of groups, in id order, and return those there are. The lock serialises work
/// on the members of one group.
pub async fn lock_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<TeamRow>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        TeamRow,
        "select t.* from (select id from unnest($2::uuid[]) as id order by id) asked
         cross join lateral (
             select id, name, external_id, resource_id, deleted, applied_seq
             from teams where tenant_id = $1 and id = asked.id and kind = 'group' for no key update) t",
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?)
}

/// The teams of these groups as they are, without waiting for whoever writes them.
pub async fn read_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<TeamRow>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        TeamRow,
        "select t.* from unnest($2::uuid[]) as asked (id)
         cross join lateral (
             select id, name, external_id, resource_id, deleted, applied_seq
             from teams where tenant_id = $1 and id = asked.id and kind = 'group' offset 0) t",
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?)
}

/// Write teams of groups that are there and locked, unless something newer was applied.
pub async fn update_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[&TeamRow],
) -> Result<(), StoreError> {
    if teams.is_empty() {
        return Ok(());
    }
    let id: Vec<Uuid> = teams.iter().map(|team| team.id).collect();
    let name: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    let external_id: Vec<Option<&str>> = teams.iter().map(|team| team.external_id.as_deref()).collect();
    let resource: Vec<Option<Uuid>> = teams.iter().map(|team| team.resource_id).collect();
    let deleted: Vec<bool> = teams.iter().map(|team| team.deleted).collect();
    let seq: Vec<i64> = teams.iter().map(|team| team.applied_seq).collect();
    sqlx::query!(
        "update teams t set name = n.name, external_id = n.external_id, resource_id = n.resource_id,
             deleted = n.deleted, applied_seq = n.applied_seq, updated_at = now()
         from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bool[], $7::int8[])
             as n (id, name, external_id, resource_id, deleted, applied_seq)
         where t.tenant_id = $1 and t.id = n.id and t.applied_seq <= n.applied_seq",
        tenant.0,
        &id,
        &name as _,
        &external_id as _,
        &resource as _,
        &deleted,
        &seq
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Create teams of groups, in id order; those that are there already stay as they are. Answers how
/// many are new.
pub async fn create_group_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[TeamRow],
) -> Result<u64, StoreError> {
    let id: Vec<Uuid> = teams.iter().map(|team| team.id).collect();
    let name: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    let external_id: Vec<Option<&str>> = teams.iter().map(|team| team.external_id.as_deref()).collect();
    let resource: Vec<Option<Uuid>> = teams.iter().map(|team| team.resource_id).collect();
    let deleted: Vec<bool> = teams.iter().map(|team| team.deleted).collect();
    Ok(sqlx::query!(
        "insert into teams (tenant_id, id, kind, name, external_id, resource_id, deleted, applied_seq)
         select $1, n.id, 'group', n.name, n.external_id, n.resource_id, n.deleted, 0
         from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bool[])
             as n (id, name, external_id, resource_id, deleted)
         order by n.id
         on conflict do nothing",
        tenant.0,
        &id,
        &name as _,
        &external_id as _,
        &resource as _,
        &deleted
    )
    .execute(conn)
    .await?
    .rows_affected())
}

/// The ids of attribute teams, for those that are in `teams` already.
pub async fn find_attribute_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[AttributeTeam],
) -> Result<Vec<(String, String, Uuid)>, StoreError> {
    if teams.is_empty() {
        return Ok(vec![]);
    }
    let kind: Vec<&str> = teams.iter().map(|team| team.kind.as_str()).collect();
    let folded: Vec<&str> = teams.iter().map(|team| team.folded.as_str()).collect();
    let rows = sqlx::query!(
        r#"select t.kind, t.folded as "folded!", t.id
           from unnest($2::text[], $3::text[]) as asked (kind, folded)
           cross join lateral (select kind, folded, id from teams
               where tenant_id = $1 and kind = asked.kind and folded = asked.folded offset 0) t"#,
        tenant.0,
        &kind as _,
        &folded as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.kind, row.folded, row.id))
        .collect())
}

/// The ids these attribute teams were accepted with, whether they are in `teams` or not.
pub async fn accepted_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[AttributeTeam],
) -> Result<Vec<(String, String, Uuid)>, StoreError> {
    if teams.is_empty() {
        return Ok(vec![]);
    }
    let kind: Vec<&str> = teams.iter().map(|team| team.kind.as_str()).collect();
    let folded: Vec<&str> = teams.iter().map(|team| team.folded.as_str()).collect();
    let rows = sqlx::query!(
        "select n.kind, n.folded, n.team_id from unnest($2::text[], $3::text[]) as asked (kind, folded)
         cross join lateral (select kind, folded, team_id from team_names
             where tenant_id = $1 and kind = asked.kind and folded = asked.folded offset 0) n",
        tenant.0,
        &kind as _,
        &folded as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.kind, row.folded, row.team_id))
        .collect())
}

/// Create attribute teams, in order, with the identity and spelling their first acceptance fixed.
/// A name nobody accepted before gets both now. History tells of the new ones; answers how many.
pub async fn create_attribute_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[AttributeTeam],
) -> Result<u64, StoreError> {
    let kind: Vec<&str> = teams.iter().map(|team| team.kind.as_str()).collect();
    let folded: Vec<&str> = teams.iter().map(|team| team.folded.as_str()).collect();
    let name: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    let mapping = version_in_force(&mut *conn, tenant).await?;
    sqlx::query!(
        "insert into team_names (tenant_id, kind, folded, name, team_id, first_seq)
         select $1, n.kind, n.folded, n.name, gen_random_uuid(), 0
         from unnest($2::text[], $3::text[], $4::text[]) as n (kind, folded, name)
         order by n.kind collate \"C\", n.folded collate \"C\"
         on conflict do nothing",
        tenant.0,
        &kind as _,
        &folded as _,
        &name as _
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query!(
        "with asked as (
             select distinct n.* from unnest($2::text[], $3::text[]) as asked (kind, folded)
             cross join lateral (select * from team_names
                 where tenant_id = $1 and kind = asked.kind and folded = asked.folded offset 0) n),
         created as (
             insert into teams (tenant_id, id, kind, folded, name)
             select $1, team_id, kind, folded, name from asked
             order by kind collate \"C\", folded collate \"C\"
             on conflict do nothing
             returning id, name)
         insert into history (tenant_id, key_kind, key_id, cause, seq, fields, mapping_version, applied_at)
         select $1, 2, created.id, $4, asked.first_seq,
             jsonb_build_object('name', jsonb_build_array(null, created.name)), $5, statement_timestamp()
         from created join asked on asked.team_id = created.id",
        tenant.0,
        &kind as _,
        &folded as _,
        Cause::Create.name(),
        mapping
    )
    .execute(conn)
    .await?
    .rows_affected())
}

/// End every membership of these teams and every part of them, each with the change that ends it, and
/// every link that waits to become one.
pub async fn empty_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    book: Book,
    cause: Cause,
    teams: &[(Uuid, i64)],
) -> Result<(), StoreError> {
    if teams.is_empty() {
        return Ok(());
    }
    let (ids, seqs): (Vec<Uuid>, Vec<i64>) = teams.iter().copied().unzip();
    sqlx::query!(
        "with ended as (
             delete from team_members m using (
                 select m.ctid, emptied.seq from unnest($2::uuid[], $3::int8[]) as emptied (team, seq)
                 cross join lateral (select ctid from team_members
                     where tenant_id = $1 and team_id = emptied.team for update) m) found
             where m.ctid = found.ctid
             returning m.team_id, m.source, m.person_id, found.seq)
         insert into history (tenant_id, key_kind, key_id, member, person_id, cause, seq, fields, mapping_version,
             run_id, applied_at)
         select $1, 3, team_id, regexp_replace(source, '^member:', ''), person_id, $4, seq,
             jsonb_build_object('members', jsonb_build_array(person_id, null)), $5, $6, statement_timestamp()
         from ended",
        tenant.0,
        &ids,
        &seqs,
        cause.name(),
        book.mapping,
        book.run
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with ended as (
             delete from team_parts p using (
                 select p.ctid, emptied.seq from unnest($2::uuid[], $3::int8[]) as emptied (team, seq)
                 cross join lateral (select ctid from team_parts
                     where tenant_id = $1 and team_id = emptied.team for update) p) found
             where p.ctid = found.ctid
             returning p.team_id, p.source, p.part_id, found.seq)
         insert into history (tenant_id, key_kind, key_id, member, cause, seq, fields, mapping_version, run_id,
             applied_at)
         select $1, 3, team_id, regexp_replace(source, '^member:', ''), $4, seq,
             jsonb_build_object('parts', jsonb_build_array(part_id, null)), $5, $6, statement_timestamp()
         from ended",
        tenant.0,
        &ids,
        &seqs,
        cause.name(),
        book.mapping,
        book.run
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from waiters where tenant_id = $1 and subject_id = any($2) and slot = 3",
        tenant.0,
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
