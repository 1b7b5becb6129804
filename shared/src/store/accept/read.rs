use crate::directory::{TenantId, fold};
use crate::mapping::FIRST_VERSION;
use crate::scim::Document;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Distinguishes the tenants' accept locks from other advisory locks of the database.
const ACCEPT_LOCK_CLASS: i64 = 0x5c1d << 40;

/// A transaction of the tenant's only writer, once its predecessor has ended.
///
/// # Errors
/// When Postgres is out of reach.
pub async fn begin(pool: &PgPool, tenant: TenantId) -> Result<Transaction<'static, Postgres>, StoreError> {
    let lock = ACCEPT_LOCK_CLASS + tenant.0;
    // One round trip for both. The number is ours.
    let begin = AssertSqlSafe(format!("begin; select pg_advisory_xact_lock({lock})"));
    Ok(pool.begin_with(begin).await?)
}

/// The externalIds of new Users, and the sources that name them so.
#[derive(Debug, Clone, Default)]
pub struct Newcomers {
    pub sources: Vec<String>,
    pub external_ids: Vec<String>,
}

/// What every write of a transaction gets.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Change numbers, rising.
    pub seqs: Vec<i64>,
    /// The time of acceptance.
    pub at: DateTime<Utc>,
    /// The version of the mapping in force.
    pub mapping_version: i32,
    /// The people whom deleted Users described, by (source, externalId), where that User was the
    /// last to hold the externalId: who comes back with it is the same person.
    pub former: HashMap<(String, String), Uuid>,
}

/// Draw for `count` writes, in a transaction that [`begin`] began, or their order says nothing.
///
/// # Errors
/// When the statement fails.
pub async fn draw(
    conn: &mut PgConnection,
    tenant: TenantId,
    count: usize,
    newcomers: &Newcomers,
) -> Result<Drawn, StoreError> {
    let folded: Vec<String> = newcomers.external_ids.iter().map(|value| fold(value)).collect();
    let rows = sqlx::query!(
        r#"select nextval('change_seq') as "seq!", clock_timestamp() as "at!",
               (select max(version) from mappings where tenant_id = $2) as mapping_version,
               case when n = 1 then (
                   select jsonb_agg(jsonb_build_array(last.source, last.value, last.directory_id))
                   from (select distinct on (k.source, k.value) k.source, k.value, k.directory_id, k.deleted
                       from unnest($3::text[], $4::text[], $5::text[]) as asked (source, value, folded)
                       cross join lateral (select source, value, directory_id, deleted, from_seq from scim_keys
                           where tenant_id = $2 and folded = asked.folded and kind = 1 and attribute = 1
                             and value = asked.value and source = asked.source offset 0) k
                       order by k.source, k.value, k.from_seq desc) last
                   where last.deleted)
               end as "former: Json<Vec<(String, String, Uuid)>>"
           from generate_series(1, $1) n"#,
        count as i32,
        tenant.0,
        &newcomers.sources,
        &newcomers.external_ids,
        &folded,
    )
    .fetch_all(conn)
    .await?;
    let mut drawn = Drawn {
        mapping_version: FIRST_VERSION,
        ..Drawn::default()
    };
    for row in rows {
        drawn.seqs.push(row.seq);
        drawn.at = row.at;
        drawn.mapping_version = row.mapping_version.unwrap_or(FIRST_VERSION);
        let former = row.former.into_iter().flat_map(|former| former.0);
        drawn
            .former
            .extend(former.map(|(source, value, person)| ((source, value), person)));
    }
    drawn.seqs.sort_unstable();
    Ok(drawn)
}

/// A resource as stored.
#[derive(Debug, Clone)]
pub struct Resource {
    pub id: Uuid,
    pub kind: i16,
    pub directory_id: Uuid,
    pub document: Arc<Document>,
    pub version: i64,
    pub seq: i64,
    pub manager_seq: Option<i64>,
    pub additional_managers_seq: Option<i64>,
    pub source: String,
    pub created_seq: i64,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    /// Set when this write deletes it.
    pub deleted_seq: Option<i64>,
}

/// Those of `ids` that are live.
pub async fn live_resources(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Resource>, StoreError> {
    let resources = resources(conn, tenant, ids).await?.into_iter();
    let live = resources.filter(|resource| resource.deleted_seq.is_none());
    Ok(live.map(|resource| (resource.id, resource)).collect())
}

/// Those of `ids` that ever were.
pub(in crate::store) async fn resources(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<Resource>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.id, r.kind, r.directory_id, r.document as "document: Json<Document>", r.version, r.seq,
               r.manager_seq, r.additional_managers_seq, r.source, r.created_seq, r.created_at, r.modified_at,
               r.deleted_seq
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (
               select id, kind, directory_id, document, version, seq, manager_seq, additional_managers_seq, source,
                   created_seq, created_at, modified_at, deleted_seq
               from scim_resources where tenant_id = $1 and id = asked.id offset 0) r"#,
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?;
    let resources = rows.into_iter().map(|row| Resource {
        id: row.id,
        kind: row.kind,
        directory_id: row.directory_id,
        document: Arc::new(row.document.0),
        version: row.version,
        seq: row.seq,
        manager_seq: row.manager_seq,
        additional_managers_seq: row.additional_managers_seq,
        source: row.source,
        created_seq: row.created_seq,
        created_at: row.created_at,
        modified_at: row.modified_at,
        deleted_seq: row.deleted_seq,
    });
    Ok(resources.collect())
}

/// A member of a group as asserted.
#[derive(Debug, Clone)]
pub struct MemberRow {
    pub group_id: Uuid,
    /// The folded value: the member's key.
    pub member: String,
    pub value: String,
    pub attributes: Option<Value>,
}

/// Every member of the given groups.
pub async fn all_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    groups: &[Uuid],
) -> Result<Vec<MemberRow>, StoreError> {
    Ok(sqlx::query_as!(
        MemberRow,
        "select m.* from unnest($2::uuid[]) as asked (group_id)
         cross join lateral (select group_id, member, value, attributes from scim_members
             where tenant_id = $1 and group_id = asked.group_id offset 0) m",
        tenant.0,
        groups
    )
    .fetch_all(conn)
    .await?)
}

/// Which of the given (group, folded value) pairs are members.
pub async fn some_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    groups: &[Uuid],
    members: &[String],
) -> Result<Vec<MemberRow>, StoreError> {
    Ok(sqlx::query_as!(
        MemberRow,
        "select m.group_id, m.member, m.value, m.attributes
         from unnest($2::uuid[], $3::text[]) as asked (group_id, member)
         cross join lateral (select group_id, member, value, attributes from scim_members
             where tenant_id = $1 and group_id = asked.group_id and member = asked.member offset 0) m",
        tenant.0,
        groups,
        members
    )
    .fetch_all(conn)
    .await?)
}
