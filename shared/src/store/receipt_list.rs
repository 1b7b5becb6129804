//! Accepted writes, the newest first. How far a write has come is in no column, so what cannot be one
//! in the state that is asked for is left out here, and the rest is looked at with
//! [`super::receipts::find`].
//!
//! Each statement looks at a bounded number of writes, however long the ledger and however few match.

use super::search::last_before;
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Writes that are looked at in one statement.
pub const LOOKED: i64 = 5_000;

/// Among which writes to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    All,
    /// Those that asserted something new.
    Changing,
    /// Those that asserted nothing new.
    Unchanged,
    /// Those the directory has yet to catch up with.
    Pending,
    /// Those of which a link waits or a value was rejected.
    Flawed,
}

/// Which writes to list.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    pub among: Among,
    pub resource: Option<Uuid>,
    /// Of the client.
    pub token: Option<Uuid>,
    /// Only writes after this one.
    pub after: i64,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The newest first.
    pub seqs: Vec<i64>,
    /// Where to go on, if this is not all.
    pub next: Option<i64>,
}

/// The last change accepted before a moment; 0 when there is none.
///
/// # Errors
/// When the statement fails.
pub async fn seq_before(
    connection: &mut PgConnection,
    tenant: TenantId,
    moment: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let last = last_before(connection, tenant, moment).await?;
    Ok(last.map_or(0, |last| last.seq))
}

/// At most `count` writes from before `before`.
///
/// # Errors
/// When the statement fails.
pub async fn part(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: i64,
    count: i64,
) -> Result<Part, StoreError> {
    let found = match filter.among {
        Among::Pending => pending(connection, tenant, filter, before, count).await?,
        Among::Flawed => flawed(connection, tenant, filter, before, count).await?,
        Among::All | Among::Changing | Among::Unchanged => {
            ledger(connection, tenant, filter, before, count).await?
        }
    };
    let full = i64::try_from(found.seqs.len()) == Ok(count);
    let next = match full {
        true => found.seqs.last().copied(),
        false => found.last.filter(|_| found.looked == LOOKED),
    };
    Ok(Part {
        seqs: found.seqs,
        next,
    })
}

struct Found {
    seqs: Vec<i64>,
    /// How many were looked at, and the last of them.
    looked: i64,
    last: Option<i64>,
}

async fn ledger(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: i64,
    count: i64,
) -> Result<Found, StoreError> {
    let unchanged = match filter.among {
        Among::Unchanged => Some(true),
        Among::Changing => Some(false),
        _ => None,
    };
    Ok(sqlx::query_as!(
        Found,
        // Step by step, so that Postgres need not guess how many there are.
        r#"with recursive looked as (
               select $2::int8 as seq, false as hit, 0 as looked, 0 as found
               union all
               select c.seq, c.hit, l.looked + 1, l.found + c.hit::int from looked l
               cross join lateral (
                   select seq, ($5::uuid is null or token_id = $5) and ($6::boolean is null or unchanged = $6) as hit
                   from changes
                   where tenant_id = $1 and seq < l.seq and seq > $3 and ($4::uuid is null or resource_id = $4)
                   order by seq desc limit 1) c
               where l.looked < $8 and l.found < $7)
           select array(select seq from looked where hit order by seq desc) as "seqs!",
                  (select max(looked)::int8 from looked) as "looked!",
                  (select min(seq) from looked where looked > 0) as last"#,
        tenant.0,
        before,
        filter.after,
        filter.resource,
        filter.token,
        unchanged,
        i32::try_from(count).unwrap_or(i32::MAX),
        i32::try_from(LOOKED).unwrap_or(i32::MAX)
    )
    .fetch_one(connection)
    .await?)
}

async fn pending(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: i64,
    count: i64,
) -> Result<Found, StoreError> {
    Ok(sqlx::query_as!(
        Found,
        r#"with recursive looked as (
               select $2::int8 as seq, false as hit, 0 as looked, 0 as found
               union all
               select c.seq, c.hit, l.looked + 1, l.found + c.hit::int from looked l
               cross join lateral (
                   select p.seq, exists (
                       select from changes c where c.tenant_id = $1 and c.seq = p.seq
                         and ($4::uuid is null or c.resource_id = $4) and ($5::uuid is null or c.token_id = $5)) as hit
                   from pending p where tenant_id = $1 and seq < l.seq and seq > $3 order by seq desc limit 1) c
               where l.looked < $7 and l.found < $6)
           select array(select seq from looked where hit order by seq desc) as "seqs!",
                  (select max(looked)::int8 from looked) as "looked!",
                  (select min(seq) from looked where looked > 0) as last"#,
        tenant.0,
        before,
        filter.after,
        filter.resource,
        filter.token,
        i32::try_from(count).unwrap_or(i32::MAX),
        i32::try_from(LOOKED).unwrap_or(i32::MAX)
    )
    .fetch_one(connection)
    .await?)
}

/// The writes that asserted what waits; and of a rejected value those between the apply before it was
/// found and the one that found it.
async fn flawed(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: i64,
    count: i64,
) -> Result<Found, StoreError> {
    Ok(sqlx::query_as!(
        Found,
        r#"with looked as materialized (
               select seq from (
                   select asserted_seq as seq from waiters where tenant_id = $1
                   union
                   select c.seq from rejections r
                   cross join lateral (
                       select seq, directory_id from changes
                       where tenant_id = $1 and resource_id = r.resource_id and seq <= r.seq offset 0) c
                   where r.tenant_id = $1 and not exists (
                       select from history h
                       where h.tenant_id = $1 and h.key_id = c.directory_id and h.seq >= c.seq and h.seq < r.seq
                         and h.cause = 'apply')
               ) flawed
               where seq < $2 and seq > $3 order by seq desc limit $7)
           select array(select l.seq from looked l
                        cross join lateral (
                            select from changes c where c.tenant_id = $1 and c.seq = l.seq
                              and ($4::uuid is null or c.resource_id = $4) and ($5::uuid is null or c.token_id = $5)
                            offset 0) c
                        order by l.seq desc limit $6) as "seqs!",
                  (select count(*) from looked) as "looked!", (select min(seq) from looked) as last"#,
        tenant.0,
        before,
        filter.after,
        filter.resource,
        filter.token,
        count,
        LOOKED
    )
    .fetch_one(connection)
    .await?)
}
