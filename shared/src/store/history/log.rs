use crate::directory::TenantId;
use crate::store::{PgConnection, StoreError};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// What one transaction did to a person or team.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Rises with time, for one subject.
    pub id: i64,
    pub at: DateTime<Utc>,
    /// `apply`, `link`, `run`, `create` or `erase`.
    pub cause: String,
    /// Of a membership: the group's team.
    pub group: Option<Uuid>,
    /// `{field: [old, new]}`.
    pub fields: Value,
    pub mapping_version: i32,
    pub run_id: Option<Uuid>,
    /// The change behind it. Of a link that something else settled: the one that made it possible or
    /// impossible.
    pub change: Option<Behind>,
    /// Of such a link: the change that asserted it.
    pub asserted: Option<Behind>,
}

/// An accepted change.
#[derive(Debug, Clone)]
pub struct Behind {
    pub txn: Uuid,
    pub txn_index: i32,
    pub accepted_at: DateTime<Utc>,
    /// Whose change it was; `None` when the token is gone.
    pub by: Option<Writer>,
}

/// A token, as much of it as tells who wrote.
#[derive(Debug, Clone)]
pub struct Writer {
    pub id: Uuid,
    pub name: String,
    pub source: String,
}

/// Which entries are wanted.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    /// Only those with a smaller id.
    pub before: Option<i64>,
    /// Only those that tell of this field.
    pub field: Option<&'a str>,
    /// Not earlier.
    pub since: Option<DateTime<Utc>>,
    /// Earlier than this.
    pub until: Option<DateTime<Utc>>,
    pub limit: i64,
}

/// What happened to a person, or to a team and the members of a group; the newest first.
///
/// # Errors
/// When the statement fails.
pub async fn page(
    conn: &mut PgConnection,
    tenant: TenantId,
    subject: Uuid,
    window: &Window<'_>,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"with own as (
               select * from history
               where tenant_id = $1 and coalesce(person_id, key_id) = $2 and fields <> '{}'
                 and (key_kind <> 3 or person_id is not null)
                 and id < coalesce($3, 9223372036854775807) and ($4::text is null or fields ? $4)
                 and applied_at >= coalesce($5::timestamptz, '-infinity') and applied_at < coalesce($6::timestamptz, 'infinity')
               order by id desc limit $7),
           of_members as (
               select * from history
               where tenant_id = $1 and case when key_kind = 3 then key_id end = $2 and key_kind = 3 and fields <> '{}'
                 and id < coalesce($3, 9223372036854775807) and ($4::text is null or fields ? $4)
                 and applied_at >= coalesce($5::timestamptz, '-infinity') and applied_at < coalesce($6::timestamptz, 'infinity')
               order by id desc limit $7),
           found as (
               select * from (select * from own union all select * from of_members) h order by id desc limit $7)
           select h.id as "id!", h.applied_at as "at!", h.cause as "cause!", h.fields as "fields!",
                  h.mapping_version as "mapping_version!", h.run_id,
                  case h.key_kind when 3 then h.key_id end as group,
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?",
                  t.id as "token?", t.name as "token_name?", t.source as "token_source?",
                  a.txn as "asserted_txn?", a.txn_index as "asserted_index?", a.accepted_at as "asserted_at?",
                  b.id as "asserter?", b.name as "asserter_name?", b.source as "asserter_source?"
           from found h
           left join changes c on c.tenant_id = $1 and c.seq = h.seq
           left join tokens t on t.tenant_id = $1 and t.id = c.token_id
           left join changes a on a.tenant_id = $1 and a.seq = h.asserted_seq
           left join tokens b on b.tenant_id = $1 and b.id = a.token_id
           order by h.id desc"#,
        tenant.0,
        subject,
        window.before,
        window.field,
        window.since,
        window.until,
        window.limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Entry {
            id: row.id,
            at: row.at,
            cause: row.cause,
            group: row.group,
            fields: row.fields,
            mapping_version: row.mapping_version,
            run_id: row.run_id,
            change: behind(
                (row.txn, row.txn_index, row.accepted_at),
                (row.token, row.token_name, row.token_source),
            ),
            asserted: behind(
                (row.asserted_txn, row.asserted_index, row.asserted_at),
                (row.asserter, row.asserter_name, row.asserter_source),
            ),
        })
        .collect())
}

fn behind(
    (txn, txn_index, accepted_at): (Option<Uuid>, Option<i32>, Option<DateTime<Utc>>),
    (token, name, source): (Option<Uuid>, Option<String>, Option<String>),
) -> Option<Behind> {
    let writer = || {
        Some(Writer {
            id: token?,
            name: name?,
            source: source?,
        })
    };
    Some(Behind {
        txn: txn?,
        txn_index: txn_index?,
        accepted_at: accepted_at?,
        by: writer(),
    })
}
