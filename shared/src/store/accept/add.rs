//! What a transaction of writes adds, in one statement: none of it depends on the rest.

use super::claims::{Claimed, KeyColumns, NewKey};
use super::read::Resource;
use crate::directory::{Key, Lane, TenantId};
use crate::scim::Document;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::sync::Arc;
use uuid::Uuid;

/// How long after acceptance the feeder leaves a key to the job the API pushes itself.
const ENQUEUE_GRACE_SECONDS: f64 = 3.0;

/// The name of an attribute team as one write spells it.
#[derive(Debug, Clone)]
pub struct TeamName {
    pub kind: String,
    pub folded: String,
    pub name: String,
    pub team_id: Uuid,
    pub first_seq: i64,
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

/// One key a change asks the workers to look at.
#[derive(Debug, Clone)]
pub struct PendingRow {
    pub key: Key,
    pub seq: i64,
    pub lane: Lane,
    /// Of the request, where it is traced.
    pub traceparent: Option<Arc<str>>,
}

/// Which unique values were granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    All,
    /// These alone. Of everything else nothing was added.
    Only(Vec<Claimed>),
}

/// Rows to add.
#[derive(Debug, Clone, Copy, Default)]
pub struct Additions<'a> {
    /// Resources that are new.
    pub resources: &'a [Resource],
    /// Values that need no claim.
    pub keys: &'a [NewKey],
    /// Unique values that are claimed first, in the order of the index of holders. A claim that is not granted is
    /// held by another resource.
    pub claims: &'a [NewKey],
    /// Identity and spelling of attribute teams named for the first time; names already known stay as
    /// they are.
    pub team_names: &'a [TeamName],
    /// For the ledger, one for each write.
    pub changes: &'a [Change],
    /// For the outbox.
    pub pending: &'a [PendingRow],
    /// Of the changes and what is pending.
    pub accepted_at: DateTime<Utc>,
}

/// Add all of it, if all claims are granted.
///
/// # Errors
/// When the statement fails.
pub async fn add(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: Additions<'_>,
) -> Result<Granted, StoreError> {
    if rows.changes.is_empty() && rows.team_names.is_empty() && rows.claims.is_empty() {
        return Ok(Granted::All);
    }
    let resource = ResourceColumns::of(rows.resources);
    let key = KeyColumns::of(rows.keys);
    let claim = KeyColumns::of(rows.claims);
    let name = NameColumns::of(rows.team_names);
    let change = ChangeColumns::of(rows.changes);
    let pending = PendingColumns::of(rows.pending);
    let outcome = sqlx::query!(
        r#"with claimed as (
               insert into scim_keys (tenant_id, kind, attribute, value, source, folded, resource_id, directory_id,
                   from_seq, is_unique)
               select $1, n.*, true from unnest($46::int2[], $47::int2[], $48::text[], $49::text[], $50::text[],
                   $51::uuid[], $52::uuid[], $53::int8[]) n
               on conflict do nothing
               returning resource_id, attribute, value),
           granted as materialized (select count(*) = cardinality($51::uuid[]) as everything from claimed),
           resources as (
               insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, manager_seq,
                   additional_managers_seq, source, created_seq, created_at, modified_at)
               select $1, n.* from unnest($4::uuid[], $5::int2[], $6::uuid[], $7::jsonb[], $8::int8[], $9::int8[],
                   $10::int8[], $11::int8[], $12::text[], $13::int8[], $14::timestamptz[], $15::timestamptz[]) n
               where (select everything from granted)),
           keys as (
               insert into scim_keys (tenant_id, kind, attribute, value, source, folded, resource_id, directory_id,
                   from_seq, is_unique)
               select $1, n.*, false from unnest($16::int2[], $17::int2[], $18::text[], $19::text[], $20::text[],
                   $21::uuid[], $22::uuid[], $23::int8[]) n
               where (select everything from granted)),
           names as (
               insert into team_names (tenant_id, kind, folded, name, team_id, first_seq)
               select $1, n.* from unnest($24::text[], $25::text[], $26::text[], $27::uuid[], $28::int8[])
                   as n (kind, folded, name, team_id, first_seq)
               where (select everything from granted)
               order by n.kind collate "C", n.folded collate "C", n.first_seq
               on conflict do nothing),
           ledger as (
               insert into changes (tenant_id, seq, txn, txn_index, resource_id, directory_id, kind, operation,
                   unchanged, attributes, version, token_id, accepted_at)
               select $1, seq, txn, txn_index, resource_id, directory_id, kind, operation, unchanged,
                   string_to_array(attributes, E'\x1f'), version, token_id, $2
               from unnest($29::int8[], $30::uuid[], $31::int4[], $32::uuid[], $33::uuid[], $34::int2[],
                   $35::text[], $36::bool[], $37::text[], $38::int8[], $39::uuid[])
                   as n (seq, txn, txn_index, resource_id, directory_id, kind, operation, unchanged, attributes,
                       version, token_id)
               where (select everything from granted)),
           outbox as (
               insert into pending (tenant_id, key_kind, key_id, member, seq, lane, traceparent, accepted_at,
                   due_at)
               select $1, n.*, $2::timestamptz, $2::timestamptz + make_interval(secs => $3)
               from unnest($40::int2[], $41::uuid[], $42::text[], $43::int8[], $44::int2[], $45::text[]) n
               where (select everything from granted))
           select g.everything as "everything!", c.resource_id as "resource_id?", c.attribute as "attribute?",
               c.value as "value?"
           from granted g left join claimed c on not g.everything"#,
        tenant.0,
        rows.accepted_at,
        ENQUEUE_GRACE_SECONDS,
        &resource.id,
        &resource.kind,
        &resource.directory,
        &resource.document as _,
        &resource.version,
        &resource.seq,
        &resource.manager_seq as _,
        &resource.additional_seq as _,
        &resource.source as _,
        &resource.created_seq,
        &resource.created_at,
        &resource.modified_at,
        &key.kind,
        &key.attribute,
        &key.value as _,
        &key.source as _,
        &key.folded as _,
        &key.resource,
        &key.directory,
        &key.from_seq,
        &name.kind as _,
        &name.folded as _,
        &name.name as _,
        &name.team,
        &name.seq,
        &change.seq,
        &change.txn,
        &change.index,
        &change.resource,
        &change.directory,
        &change.kind,
        &change.operation as _,
        &change.unchanged,
        &change.attributes,
        &change.version,
        &change.token as _,
        &pending.kind,
        &pending.id,
        &pending.member as _,
        &pending.seq,
        &pending.lane,
        &pending.traceparent as _,
        &claim.kind,
        &claim.attribute,
        &claim.value as _,
        &claim.source as _,
        &claim.folded as _,
        &claim.resource,
        &claim.directory,
        &claim.from_seq,
    )
    .fetch_all(conn)
    .await?;
    if outcome.first().is_some_and(|row| row.everything) {
        return Ok(Granted::All);
    }
    let granted = outcome.into_iter().filter_map(|row| {
        Some(Claimed {
            resource_id: row.resource_id?,
            attribute: row.attribute?,
            value: row.value?,
        })
    });
    Ok(Granted::Only(granted.collect()))
}

struct ResourceColumns<'a> {
    id: Vec<Uuid>,
    kind: Vec<i16>,
    directory: Vec<Uuid>,
    document: Vec<Json<&'a Document>>,
    version: Vec<i64>,
    seq: Vec<i64>,
    manager_seq: Vec<Option<i64>>,
    additional_seq: Vec<Option<i64>>,
    source: Vec<&'a str>,
    created_seq: Vec<i64>,
    created_at: Vec<DateTime<Utc>>,
    modified_at: Vec<DateTime<Utc>>,
}

impl<'a> ResourceColumns<'a> {
    fn of(resources: &'a [Resource]) -> ResourceColumns<'a> {
        ResourceColumns {
            id: resources.iter().map(|r| r.id).collect(),
            kind: resources.iter().map(|r| r.kind).collect(),
            directory: resources.iter().map(|r| r.directory_id).collect(),
            document: resources.iter().map(|r| Json(&*r.document)).collect(),
            version: resources.iter().map(|r| r.version).collect(),
            seq: resources.iter().map(|r| r.seq).collect(),
            manager_seq: resources.iter().map(|r| r.manager_seq).collect(),
            additional_seq: resources.iter().map(|r| r.additional_managers_seq).collect(),
            source: resources.iter().map(|r| r.source.as_str()).collect(),
            created_seq: resources.iter().map(|r| r.created_seq).collect(),
            created_at: resources.iter().map(|r| r.created_at).collect(),
            modified_at: resources.iter().map(|r| r.modified_at).collect(),
        }
    }
}

struct NameColumns<'a> {
    kind: Vec<&'a str>,
    folded: Vec<&'a str>,
    name: Vec<&'a str>,
    team: Vec<Uuid>,
    seq: Vec<i64>,
}

impl<'a> NameColumns<'a> {
    fn of(names: &'a [TeamName]) -> NameColumns<'a> {
        NameColumns {
            kind: names.iter().map(|name| name.kind.as_str()).collect(),
            folded: names.iter().map(|name| name.folded.as_str()).collect(),
            name: names.iter().map(|name| name.name.as_str()).collect(),
            team: names.iter().map(|name| name.team_id).collect(),
            seq: names.iter().map(|name| name.first_seq).collect(),
        }
    }
}

struct ChangeColumns {
    seq: Vec<i64>,
    txn: Vec<Uuid>,
    index: Vec<i32>,
    resource: Vec<Uuid>,
    directory: Vec<Uuid>,
    kind: Vec<i16>,
    operation: Vec<&'static str>,
    unchanged: Vec<bool>,
    attributes: Vec<String>,
    version: Vec<i64>,
    token: Vec<Option<Uuid>>,
}

impl ChangeColumns {
    fn of(changes: &[Change]) -> ChangeColumns {
        // unnest flattens arrays of arrays, so the names travel joined by a character no name holds.
        let attributes = changes.iter().map(|change| change.attributes.join("\u{1f}"));
        ChangeColumns {
            seq: changes.iter().map(|change| change.seq).collect(),
            txn: changes.iter().map(|change| change.txn).collect(),
            index: changes.iter().map(|change| change.txn_index).collect(),
            resource: changes.iter().map(|change| change.resource_id).collect(),
            directory: changes.iter().map(|change| change.directory_id).collect(),
            kind: changes.iter().map(|change| change.kind).collect(),
            operation: changes.iter().map(|change| change.operation).collect(),
            unchanged: changes.iter().map(|change| change.unchanged).collect(),
            attributes: attributes.collect(),
            version: changes.iter().map(|change| change.version).collect(),
            token: changes.iter().map(|change| change.token).collect(),
        }
    }
}

struct PendingColumns<'a> {
    kind: Vec<i16>,
    id: Vec<Uuid>,
    member: Vec<&'a str>,
    seq: Vec<i64>,
    lane: Vec<i16>,
    /// Empty where nothing is traced: `unnest` fills what a shorter array lacks with nulls.
    traceparent: Vec<Option<&'a str>>,
}

impl<'a> PendingColumns<'a> {
    fn of(rows: &'a [PendingRow]) -> PendingColumns<'a> {
        let traced = rows.iter().any(|row| row.traceparent.is_some());
        let traceparents = rows.iter().map(|row| row.traceparent.as_deref());
        PendingColumns {
            kind: rows.iter().map(|row| row.key.kind()).collect(),
            id: rows.iter().map(|row| row.key.id()).collect(),
            member: rows.iter().map(|row| row.key.member()).collect(),
            seq: rows.iter().map(|row| row.seq).collect(),
            lane: rows.iter().map(|row| row.lane as i16).collect(),
            traceparent: traceparents.filter(|_| traced).collect(),
        }
    }
}
