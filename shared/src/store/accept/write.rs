use super::read::{MemberRow, Resource};
use crate::directory::TenantId;
use crate::scim::Document;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// Write new versions of resources, tombstones included.
pub async fn update_resources(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Resource],
) -> Result<(), StoreError> {
    if resources.is_empty() {
        return Ok(());
    }
    let id: Vec<Uuid> = resources.iter().map(|resource| resource.id).collect();
    let document: Vec<Json<&Document>> = resources
        .iter()
        .map(|resource| Json(&*resource.document))
        .collect();
    let version: Vec<i64> = resources.iter().map(|resource| resource.version).collect();
    let seq: Vec<i64> = resources.iter().map(|resource| resource.seq).collect();
    let manager_seq: Vec<Option<i64>> = resources.iter().map(|resource| resource.manager_seq).collect();
    let additional_seq: Vec<Option<i64>> = resources
        .iter()
        .map(|resource| resource.additional_managers_seq)
        .collect();
    let modified_at: Vec<DateTime<Utc>> = resources.iter().map(|resource| resource.modified_at).collect();
    let deleted: Vec<Option<i64>> = resources.iter().map(|resource| resource.deleted_seq).collect();
    sqlx::query!(
        "update scim_resources r set document = n.document, version = n.version, seq = n.seq,
             manager_seq = n.manager_seq, additional_managers_seq = n.additional_managers_seq,
             modified_at = n.modified_at, deleted_seq = n.deleted_seq
         from unnest($2::uuid[], $3::jsonb[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::timestamptz[], $9::int8[])
             as n (id, document, version, seq, manager_seq, additional_managers_seq, modified_at, deleted_seq)
         cross join lateral (select ctid from scim_resources where tenant_id = $1 and id = n.id offset 0) found
         where r.ctid = found.ctid",
        tenant.0, &id, &document as _, &version, &seq, &manager_seq as _, &additional_seq as _, &modified_at,
        &deleted as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Assert members; one that is there already is asserted anew.
pub async fn insert_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    members: &[MemberRow],
    asserted_seqs: &[i64],
) -> Result<(), StoreError> {
    if members.is_empty() {
        return Ok(());
    }
    let group: Vec<Uuid> = members.iter().map(|row| row.group_id).collect();
    let member: Vec<String> = members.iter().map(|row| row.member.clone()).collect();
    let value: Vec<String> = members.iter().map(|row| row.value.clone()).collect();
    let attributes: Vec<Option<Value>> = members.iter().map(|row| row.attributes.clone()).collect();
    sqlx::query!(
        "insert into scim_members (tenant_id, group_id, member, value, attributes, asserted_seq)
         select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::int8[])
         on conflict (tenant_id, group_id, member)
         do update set value = excluded.value, attributes = excluded.attributes, asserted_seq = excluded.asserted_seq",
        tenant.0, &group, &member, &value, &attributes as _, asserted_seqs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Take members (group, folded value) out.
pub async fn delete_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    groups: &[Uuid],
    members: &[String],
) -> Result<(), StoreError> {
    if groups.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from scim_members m using (
             select m.ctid from unnest($2::uuid[], $3::text[]) as gone (group_id, member)
             cross join lateral (select ctid from scim_members where tenant_id = $1
                 and group_id = gone.group_id and member = gone.member offset 0) m) found
         where m.ctid = found.ctid",
        tenant.0,
        groups,
        members
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Take deleted Users (their ids, folded, and the changes that deleted them) out of every group
/// they were put into before, and deleted groups' members with them; answers (team, member) of
/// the first kind.
pub async fn delete_members_naming(
    conn: &mut PgConnection,
    tenant: TenantId,
    users: &[String],
    deleted_seqs: &[i64],
    groups: &[Uuid],
) -> Result<Vec<(Uuid, String)>, StoreError> {
    if users.is_empty() && groups.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query!(
        "with named as (
             delete from scim_members m using (
                 select m.ctid from unnest($2::text[], $3::int8[]) as gone (member, seq)
                 cross join lateral (select ctid from scim_members where tenant_id = $1 and member = gone.member
                     and asserted_seq < gone.seq and not group_id = any($4) offset 0) m) found
             where m.ctid = found.ctid
             returning m.group_id, m.member),
         emptied as (delete from scim_members where tenant_id = $1 and group_id = any($4))
         select r.directory_id, named.member from named
         cross join lateral (select directory_id, deleted_seq from scim_resources
             where tenant_id = $1 and id = named.group_id offset 0) r
         where r.deleted_seq is null",
        tenant.0,
        users,
        deleted_seqs,
        groups
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.directory_id, row.member))
        .collect())
}
