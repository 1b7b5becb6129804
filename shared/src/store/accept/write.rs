use super::read::{MemberRow, Resource};
use crate::directory::{Key, Lane, TenantId};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// How long after acceptance the feeder leaves a key to the job the API pushes itself.
const ENQUEUE_GRACE_SECONDS: f64 = 3.0;

/// Write resources that are new.
pub async fn insert_resources(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Resource],
) -> Result<(), StoreError> {
    if resources.is_empty() {
        return Ok(());
    }
    let c = Columns::of(resources);
    sqlx::query!(
        "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, manager_seq,
             additional_managers_seq, source, created_seq, created_at, modified_at)
         select $1, * from unnest($2::uuid[], $3::int2[], $4::uuid[], $5::jsonb[], $6::int8[], $7::int8[],
             $8::int8[], $9::int8[], $10::text[], $11::int8[], $12::timestamptz[], $13::timestamptz[])",
        tenant.0,
        &c.id,
        &c.kind,
        &c.directory,
        &c.document,
        &c.version,
        &c.seq,
        &c.manager_seq as _,
        &c.additional_seq as _,
        &c.source,
        &c.created_seq,
        &c.created_at,
        &c.modified_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Write new versions of resources, tombstones included.
pub async fn update_resources(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Resource],
) -> Result<(), StoreError> {
    if resources.is_empty() {
        return Ok(());
    }
    let c = Columns::of(resources);
    let deleted: Vec<Option<i64>> = resources.iter().map(|resource| resource.deleted_seq).collect();
    sqlx::query!(
        "update scim_resources r set document = n.document, version = n.version, seq = n.seq,
             manager_seq = n.manager_seq, additional_managers_seq = n.additional_managers_seq,
             modified_at = n.modified_at, deleted_seq = n.deleted_seq
         from unnest($2::uuid[], $3::jsonb[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::timestamptz[], $9::int8[])
             as n (id, document, version, seq, manager_seq, additional_managers_seq, modified_at, deleted_seq)
         cross join lateral (select ctid from scim_resources where tenant_id = $1 and id = n.id offset 0) found
         where r.ctid = found.ctid",
        tenant.0, &c.id, &c.document, &c.version, &c.seq, &c.manager_seq as _, &c.additional_seq as _,
        &c.modified_at, &deleted as _
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
         cross join lateral (select directory_id from scim_resources
             where tenant_id = $1 and id = named.group_id and deleted_seq is null offset 0) r",
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

/// The name of an attribute team as one write spells it.
#[derive(Debug, Clone)]
pub struct TeamName {
    pub kind: String,
    pub folded: String,
    pub name: String,
    pub team_id: Uuid,
    pub first_seq: i64,
}

/// Fix identity and spelling of attribute teams named for the first time; names already known
/// stay as they are.
pub async fn insert_team_names(
    conn: &mut PgConnection,
    tenant: TenantId,
    names: &[TeamName],
) -> Result<(), StoreError> {
    if names.is_empty() {
        return Ok(());
    }
    let kind: Vec<String> = names.iter().map(|name| name.kind.clone()).collect();
    let folded: Vec<String> = names.iter().map(|name| name.folded.clone()).collect();
    let name: Vec<String> = names.iter().map(|name| name.name.clone()).collect();
    let team: Vec<Uuid> = names.iter().map(|name| name.team_id).collect();
    let seq: Vec<i64> = names.iter().map(|name| name.first_seq).collect();
    sqlx::query!(
        "insert into team_names (tenant_id, kind, folded, name, team_id, first_seq)
         select $1, n.* from unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::int8[])
             as n (kind, folded, name, team_id, first_seq)
         order by n.kind collate \"C\", n.folded collate \"C\", n.first_seq
         on conflict do nothing",
        tenant.0,
        &kind,
        &folded,
        &name,
        &team,
        &seq
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One accepted write in the ledger.
#[derive(Debug, Clone)]
pub struct Change {
    pub seq: i64,
    pub txn: Uuid,
    pub txn_index: i32,
    pub resource_id: Uuid,
    pub directory_id: Uuid,
    pub kind: i16,
    pub operation: &'static str,
    pub unchanged: bool,
    /// Names of what changed, never values.
    pub attributes: Vec<String>,
    pub version: i64,
    /// Whose write it is; `None`: the retention time of a person was over.
    pub token: Option<Uuid>,
}

/// Append to the ledger.
pub async fn insert_changes(
    conn: &mut PgConnection,
    tenant: TenantId,
    changes: &[Change],
    accepted_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    // unnest flattens arrays of arrays, so the names travel joined by a character no name holds.
    let attributes: Vec<String> = changes
        .iter()
        .map(|change| change.attributes.join("\u{1f}"))
        .collect();
    let seq: Vec<i64> = changes.iter().map(|change| change.seq).collect();
    let txn: Vec<Uuid> = changes.iter().map(|change| change.txn).collect();
    let index: Vec<i32> = changes.iter().map(|change| change.txn_index).collect();
    let resource: Vec<Uuid> = changes.iter().map(|change| change.resource_id).collect();
    let directory: Vec<Uuid> = changes.iter().map(|change| change.directory_id).collect();
    let kind: Vec<i16> = changes.iter().map(|change| change.kind).collect();
    let operation: Vec<String> = changes.iter().map(|change| change.operation.to_owned()).collect();
    let unchanged: Vec<bool> = changes.iter().map(|change| change.unchanged).collect();
    let version: Vec<i64> = changes.iter().map(|change| change.version).collect();
    let token: Vec<Option<Uuid>> = changes.iter().map(|change| change.token).collect();
    sqlx::query!(
        "insert into changes (tenant_id, seq, txn, txn_index, resource_id, directory_id, kind, operation, unchanged,
             attributes, version, token_id, accepted_at)
         select $1, seq, txn, txn_index, resource_id, directory_id, kind, operation, unchanged,
             string_to_array(attributes, E'\\x1f'), version, token_id, $13
         from unnest($2::int8[], $3::uuid[], $4::int4[], $5::uuid[], $6::uuid[], $7::int2[], $8::text[], $9::bool[],
             $10::text[], $11::int8[], $12::uuid[])
             as n (seq, txn, txn_index, resource_id, directory_id, kind, operation, unchanged, attributes, version, token_id)",
        tenant.0, &seq, &txn, &index, &resource, &directory, &kind, &operation, &unchanged, &attributes,
        &version, &token as _, accepted_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One key a change asks the workers to look at.
#[derive(Debug, Clone)]
pub struct PendingRow {
    pub key: Key,
    pub seq: i64,
    pub lane: Lane,
    /// Of the request, where it is traced.
    pub traceparent: Option<Arc<str>>,
}

/// Append to the outbox.
pub async fn insert_pending(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[PendingRow],
    accepted_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let kind: Vec<i16> = rows.iter().map(|row| row.key.kind()).collect();
    let id: Vec<Uuid> = rows.iter().map(|row| row.key.id()).collect();
    let member: Vec<String> = rows.iter().map(|row| row.key.member().to_owned()).collect();
    let seq: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let lane: Vec<i16> = rows.iter().map(|row| row.lane as i16).collect();
    // Empty where nothing is traced: `unnest` fills what a shorter array lacks with nulls.
    let traced = rows.iter().any(|row| row.traceparent.is_some());
    let traceparent: Vec<Option<String>> = match traced {
        true => rows
            .iter()
            .map(|row| row.traceparent.as_deref().map(str::to_owned))
            .collect(),
        false => vec![],
    };
    sqlx::query!(
        "insert into pending (tenant_id, key_kind, key_id, member, seq, lane, traceparent, accepted_at, due_at)
         select $1, *, $8::timestamptz, $8::timestamptz + make_interval(secs => $9)
         from unnest($2::int2[], $3::uuid[], $4::text[], $5::int8[], $6::int2[], $7::text[])",
        tenant.0,
        &kind,
        &id,
        &member,
        &seq,
        &lane,
        &traceparent as &[Option<String>],
        accepted_at,
        ENQUEUE_GRACE_SECONDS
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Columns {
    id: Vec<Uuid>,
    kind: Vec<i16>,
    directory: Vec<Uuid>,
    document: Vec<Value>,
    version: Vec<i64>,
    seq: Vec<i64>,
    manager_seq: Vec<Option<i64>>,
    additional_seq: Vec<Option<i64>>,
    source: Vec<String>,
    created_seq: Vec<i64>,
    created_at: Vec<DateTime<Utc>>,
    modified_at: Vec<DateTime<Utc>>,
}

impl Columns {
    fn of(resources: &[Resource]) -> Columns {
        Columns {
            id: resources.iter().map(|r| r.id).collect(),
            kind: resources.iter().map(|r| r.kind).collect(),
            directory: resources.iter().map(|r| r.directory_id).collect(),
            document: resources.iter().map(|r| r.document.clone()).collect(),
            version: resources.iter().map(|r| r.version).collect(),
            seq: resources.iter().map(|r| r.seq).collect(),
            manager_seq: resources.iter().map(|r| r.manager_seq).collect(),
            additional_seq: resources.iter().map(|r| r.additional_managers_seq).collect(),
            source: resources.iter().map(|r| r.source.clone()).collect(),
            created_seq: resources.iter().map(|r| r.created_seq).collect(),
            created_at: resources.iter().map(|r| r.created_at).collect(),
            modified_at: resources.iter().map(|r| r.modified_at).collect(),
        }
    }
}
