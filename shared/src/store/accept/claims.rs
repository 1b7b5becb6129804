use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A value a resource begins to hold. Ordered as the index of holders is, then by the change:
/// of two writes that claim one value, the earlier wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewKey {
    pub kind: i16,
    pub attribute: i16,
    pub value: String,
    pub source: String,
    pub from_seq: i64,
    pub folded: String,
    pub resource_id: Uuid,
    pub directory_id: Uuid,
    pub unique: bool,
}

/// A key the database knows: whose, and what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claimed {
    pub resource_id: Uuid,
    pub attribute: i16,
    pub value: String,
}

/// Try to claim unique values, sorted; answers which claims were granted. A claim that is not is held by another
/// resource.
pub async fn claim_unique(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[NewKey],
) -> Result<Vec<Claimed>, StoreError> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let columns = KeyColumns::of(keys);
    Ok(sqlx::query_as!(
        Claimed,
        "insert into scim_keys (tenant_id, kind, attribute, value, source, folded, resource_id, directory_id, from_seq, is_unique)
         select $1, * , true
         from unnest($2::int2[], $3::int2[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::int8[])
         on conflict do nothing
         returning resource_id, attribute, value",
        tenant.0, &columns.kind, &columns.attribute, &columns.value, &columns.source, &columns.folded,
        &columns.resource, &columns.directory, &columns.from_seq
    )
    .fetch_all(conn)
    .await?)
}

/// Who holds these unique values now: (kind, attribute, value, source) → resource.
pub async fn holders(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[&NewKey],
) -> Result<HashMap<(i16, i16, String, String), Uuid>, StoreError> {
    let kind: Vec<i16> = keys.iter().map(|key| key.kind).collect();
    let attribute: Vec<i16> = keys.iter().map(|key| key.attribute).collect();
    let value: Vec<String> = keys.iter().map(|key| key.value.clone()).collect();
    let source: Vec<String> = keys.iter().map(|key| key.source.clone()).collect();
    let rows = sqlx::query!(
        "select k.kind, k.attribute, k.value, k.source, k.resource_id
         from unnest($2::int2[], $3::int2[], $4::text[], $5::text[]) as asked (kind, attribute, value, source)
         cross join lateral (select kind, attribute, value, source, resource_id from scim_keys
             where tenant_id = $1 and kind = asked.kind and attribute = asked.attribute and value = asked.value
               and source = asked.source and to_seq is null and is_unique offset 0) k",
        tenant.0,
        &kind,
        &attribute,
        &value,
        &source
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.kind, row.attribute, row.value, row.source), row.resource_id))
        .collect())
}

/// Take back what was claimed by writes that leave the batch, as if they had never come.
pub async fn withdraw(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Uuid],
    from_seqs: &[i64],
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from scim_keys k using (
             select k.ctid from unnest($2::uuid[], $3::int8[]) as gone (resource_id, from_seq)
             cross join lateral (select ctid from scim_keys where tenant_id = $1
                 and resource_id = gone.resource_id and from_seq = gone.from_seq offset 0) k) found
         where k.ctid = found.ctid",
        tenant.0,
        resources,
        from_seqs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// End holdings: (resource, attribute, value) at `to_seq`; `deleted` when the resource itself went.
pub async fn close_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Claimed],
    to_seqs: &[i64],
    deleted: &[bool],
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let resource: Vec<Uuid> = keys.iter().map(|key| key.resource_id).collect();
    let attribute: Vec<i16> = keys.iter().map(|key| key.attribute).collect();
    let value: Vec<String> = keys.iter().map(|key| key.value.clone()).collect();
    sqlx::query!(
        "update scim_keys k set to_seq = ended.to_seq, deleted = ended.deleted
         from unnest($2::uuid[], $3::int2[], $4::text[], $5::int8[], $6::bool[])
             as ended (resource_id, attribute, value, to_seq, deleted)
         cross join lateral (select ctid from scim_keys where tenant_id = $1 and resource_id = ended.resource_id
             and attribute = ended.attribute and value = ended.value and to_seq is null offset 0) found
         where k.ctid = found.ctid",
        tenant.0,
        &resource,
        &attribute,
        &value,
        to_seqs,
        deleted
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What these resources hold now.
pub async fn open_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Uuid],
) -> Result<Vec<Claimed>, StoreError> {
    Ok(sqlx::query_as!(
        Claimed,
        "select k.* from unnest($2::uuid[]) as asked (resource)
         cross join lateral (select resource_id, attribute, value from scim_keys
             where tenant_id = $1 and resource_id = asked.resource and to_seq is null offset 0) k",
        tenant.0,
        resources
    )
    .fetch_all(conn)
    .await?)
}

pub(super) struct KeyColumns {
    pub(super) kind: Vec<i16>,
    pub(super) attribute: Vec<i16>,
    pub(super) value: Vec<String>,
    pub(super) source: Vec<String>,
    pub(super) folded: Vec<String>,
    pub(super) resource: Vec<Uuid>,
    pub(super) directory: Vec<Uuid>,
    pub(super) from_seq: Vec<i64>,
}

impl KeyColumns {
    pub(super) fn of(keys: &[NewKey]) -> KeyColumns {
        KeyColumns {
            kind: keys.iter().map(|key| key.kind).collect(),
            attribute: keys.iter().map(|key| key.attribute).collect(),
            value: keys.iter().map(|key| key.value.clone()).collect(),
            source: keys.iter().map(|key| key.source.clone()).collect(),
            folded: keys.iter().map(|key| key.folded.clone()).collect(),
            resource: keys.iter().map(|key| key.resource_id).collect(),
            directory: keys.iter().map(|key| key.directory_id).collect(),
            from_seq: keys.iter().map(|key| key.from_seq).collect(),
        }
    }
}
