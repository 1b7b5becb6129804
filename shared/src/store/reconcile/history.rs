use super::KeyColumns;
use crate::directory::{Key, TenantId};
use crate::store::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Why the directory changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An accepted change was applied.
    Apply,
    /// Whom a link leads to came or went, or a retry found them.
    Link,
    /// A run put right what differed.
    Run,
    /// A team that values of an attribute name was made: somebody is to be in it, or an operator asked.
    Create,
    /// Somebody was erased.
    Erase,
}

impl Cause {
    /// The text kept in the column.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Apply => "apply",
            Cause::Link => "link",
            Cause::Run => "run",
            Cause::Create => "create",
            Cause::Erase => "erase",
        }
    }
}

/// Under what a transaction writes its history.
#[derive(Debug, Clone, Copy)]
pub struct Book {
    /// Version of the mapping in force.
    pub mapping: i32,
    /// The run that repairs, or whose repair has consequences.
    pub run: Option<Uuid>,
}

/// What happened to one key.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    pub key: Key,
    /// Who joined or left, of a member key.
    pub person: Option<Uuid>,
    pub cause: Cause,
    /// The highest change an apply covers; of a link, the change that made it possible or impossible.
    pub seq: i64,
    /// The change that asserted a link which something else settled.
    pub asserted_seq: Option<i64>,
    /// `{field: [old, new]}`.
    pub fields: Value,
}

/// A rejection of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionRow {
    pub resource_id: Uuid,
    pub rule: String,
    pub value_hash: Vec<u8>,
    pub reason: String,
    pub seq: i64,
}

/// Write history. Its time is that of this statement: whoever waited for a lock since the beginning of
/// the transaction comes after whoever held it.
pub async fn insert_history(
    conn: &mut PgConnection,
    tenant: TenantId,
    book: Book,
    rows: &[HistoryRow],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let c = KeyColumns::of(rows.iter().map(|row| &row.key));
    let person: Vec<Option<Uuid>> = rows.iter().map(|row| row.person).collect();
    let cause: Vec<&str> = rows.iter().map(|row| row.cause.name()).collect();
    let seq: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let asserted: Vec<Option<i64>> = rows.iter().map(|row| row.asserted_seq).collect();
    let fields: Vec<Value> = rows.iter().map(|row| row.fields.clone()).collect();
    sqlx::query!(
        "insert into history (tenant_id, key_kind, key_id, member, person_id, cause, seq, asserted_seq, fields,
             mapping_version, run_id, applied_at)
         select $1, n.*, $10, $11, statement_timestamp()
         from unnest($2::int2[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::int8[], $8::int8[], $9::jsonb[])
             as n (kind, id, member, person, cause, seq, asserted, fields)",
        tenant.0,
        &c.kind,
        &c.id,
        &c.member,
        &person as _,
        &cause as _,
        &seq,
        &asserted as _,
        &fields,
        book.mapping,
        book.run
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The rejections of these resources that are not yet put right.
pub async fn open_rejections(
    conn: &mut PgConnection,
    tenant: TenantId,
    resources: &[Uuid],
) -> Result<Vec<RejectionRow>, StoreError> {
    if resources.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        RejectionRow,
        "select r.* from unnest($2::uuid[]) as asked (resource)
         cross join lateral (select resource_id, rule, value_hash, reason, seq from rejections
             where tenant_id = $1 and resource_id = asked.resource offset 0) r",
        tenant.0,
        resources
    )
    .fetch_all(conn)
    .await?)
}

/// Clear what projects now (resource, rule) and record what does not.
pub async fn write_rejections(
    conn: &mut PgConnection,
    tenant: TenantId,
    cleared: &[(Uuid, String)],
    rejected: &[RejectionRow],
) -> Result<(), StoreError> {
    if !cleared.is_empty() {
        let resource: Vec<Uuid> = cleared.iter().map(|(resource, _)| *resource).collect();
        let rule: Vec<&str> = cleared.iter().map(|(_, rule)| rule.as_str()).collect();
        sqlx::query!(
            "delete from rejections r using unnest($2::uuid[], $3::text[]) as gone (resource_id, rule)
             where r.tenant_id = $1 and r.resource_id = gone.resource_id and r.rule = gone.rule",
            tenant.0,
            &resource,
            &rule as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if rejected.is_empty() {
        return Ok(());
    }
    let resource: Vec<Uuid> = rejected.iter().map(|row| row.resource_id).collect();
    let rule: Vec<&str> = rejected.iter().map(|row| row.rule.as_str()).collect();
    let hash: Vec<&[u8]> = rejected.iter().map(|row| row.value_hash.as_slice()).collect();
    let reason: Vec<&str> = rejected.iter().map(|row| row.reason.as_str()).collect();
    let seq: Vec<i64> = rejected.iter().map(|row| row.seq).collect();
    sqlx::query!(
        "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
         select $1, * from unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::int8[])
         on conflict (tenant_id, resource_id, rule)
         do update set value_hash = excluded.value_hash, reason = excluded.reason, seq = excluded.seq,
             since = case when rejections.value_hash = excluded.value_hash then rejections.since else now() end,
             discarded_at = case when rejections.value_hash = excluded.value_hash then rejections.discarded_at end,
             discarded_by = case when rejections.value_hash = excluded.value_hash then rejections.discarded_by end,
             discarded_note = case when rejections.value_hash = excluded.value_hash then rejections.discarded_note end",
        tenant.0,
        &resource,
        &rule as _,
        &hash as _,
        &reason as _,
        &seq
    )
    .execute(conn)
    .await?;
    Ok(())
}
