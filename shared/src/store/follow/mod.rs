//! Following the directory: what happened to it since a position, in an order that skips nothing.
//!
//! History is read in the order of `order_xid` and id, up to the oldest transaction that still runs.
//! Whatever is yet to be committed comes after that, so who goes on from the last position read misses
//! nothing; and rows about one subject come in the order in which they happened (docs/adr/0017).
//!
//! The statements name the tenant as the index `history_in_order` does, `tenant_id + 0`, and are in its
//! whole order: no other index, and no sorting of all that is new, looks cheaper, whatever Postgres
//! expects of the tenant.

mod event;

pub use event::Event;

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// A place in a tenant's feed: everything up to it was read. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// `history.order_xid`
    pub xid: i64,
    /// `history.id`
    pub id: i64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The same whenever it is told; unique in the tenant.
    pub id: String,
    pub at: DateTime<Utc>,
    pub event: Event,
}

/// A part of the feed.
#[derive(Debug, Clone)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// Where to go on. The entries before it belong together: no page ends between them.
    pub position: Position,
    /// There may be more already.
    pub more: bool,
}

impl Page {
    /// Nothing yet, from here on.
    pub fn empty(position: Position) -> Page {
        Page {
            entries: vec![],
            position,
            more: false,
        }
    }
}

/// What happened after a position, from at most `limit` rows of history; each may tell several things.
///
/// # Errors
/// When a statement fails.
pub async fn read(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Position,
    limit: i64,
) -> Result<Page, StoreError> {
    let rows = sqlx::query!(
        r#"select order_xid::text::int8 as "xid!", id, key_kind, key_id, fields, applied_at
           from history
           where (tenant_id + 0, order_xid, id) > ($1, $2::int8::text::xid8, $3) and tenant_id + 0 <= $1
             and order_xid < (select pg_snapshot_xmin(pg_current_snapshot())) and fields <> '{}'
           order by tenant_id + 0, order_xid, id limit $4"#,
        tenant.0,
        after.xid,
        after.id,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let more = i64::try_from(rows.len()) == Ok(limit);
    let last = rows.last().map(|row| Position {
        xid: row.xid,
        id: row.id,
    });
    let mut entries = vec![];
    for row in rows {
        let Value::Object(fields) = row.fields else {
            continue;
        };
        let events = match row.key_kind {
            1 => event::of_person(row.key_id, &fields),
            2 => event::of_team(row.key_id, &fields),
            _ => event::of_member(row.key_id, &fields),
        };
        let told = events.into_iter().enumerate().map(|(place, event)| Entry {
            id: format!("{}.{place}", row.id),
            at: row.applied_at,
            event,
        });
        entries.extend(told);
    }
    drop_what_goes_on(conn, tenant, &mut entries).await?;
    Ok(Page {
        entries,
        position: last.unwrap_or(after),
        more,
    })
}

/// A membership has a reason, and may have several: when one ends, the person has not left.
async fn drop_what_goes_on(
    conn: &mut PgConnection,
    tenant: TenantId,
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let ended = |entry: &Entry| match entry.event {
        Event::MemberRemoved { team_id, person_id } => Some((team_id, person_id)),
        Event::PartRemoved { team_id, part_id } => Some((team_id, part_id)),
        _ => None,
    };
    let (teams, members): (Vec<Uuid>, Vec<Uuid>) = entries.iter().filter_map(ended).unzip();
    if teams.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"select asked.team as "team!", asked.member as "member!"
           from unnest($2::uuid[], $3::uuid[]) as asked (team, member)
           cross join lateral (
               (select 1 from team_members
                where tenant_id = $1 and person_id = asked.member and team_id = asked.team limit 1)
               union all
               (select 1 from team_parts
                where tenant_id = $1 and part_id = asked.member and team_id = asked.team limit 1)
               limit 1) still"#,
        tenant.0,
        &teams,
        &members
    )
    .fetch_all(conn)
    .await?;
    let still: HashSet<(Uuid, Uuid)> = rows.into_iter().map(|row| (row.team, row.member)).collect();
    entries.retain(|entry| ended(entry).is_none_or(|pair| !still.contains(&pair)));
    Ok(())
}

/// The position everything told so far is before. Who reads the directory afterwards and then goes on from
/// here misses nothing.
///
/// # Errors
/// When the statement fails.
pub async fn latest(conn: &mut PgConnection, tenant: TenantId) -> Result<Position, StoreError> {
    let row = sqlx::query_as!(
        Position,
        r#"(select order_xid::text::int8 as "xid!", id as "id!" from history
            where (tenant_id + 0, order_xid) < ($1, (select pg_snapshot_xmin(pg_current_snapshot())))
              and tenant_id + 0 >= $1 and order_xid is not null and fields <> '{}'
            order by tenant_id + 0 desc, order_xid desc, id desc limit 1)
           union all
           (select xid, id from ledger_ends where tenant_id = $1 and xid is not null)
           order by 1 desc, 2 desc limit 1"#,
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.unwrap_or_default())
}

/// Whether what comes after this position can still be told: the row it was read from is there, or was the
/// last of what was dropped, and the database has not been set back behind it.
///
/// # Errors
/// When the statement fails.
pub async fn is_kept(
    conn: &mut PgConnection,
    tenant: TenantId,
    position: Position,
) -> Result<bool, StoreError> {
    Ok(kept(conn, &[(tenant, position)]).await? == [true])
}

/// The same of several positions, in their order.
///
/// # Errors
/// When the statement fails.
pub async fn kept(conn: &mut PgConnection, read: &[(TenantId, Position)]) -> Result<Vec<bool>, StoreError> {
    let [tenants, xids, ids] = columns(read);
    Ok(sqlx::query_scalar!(
        r#"select coalesce((asked.xid, asked.id) = (0, 0) and e.xid is null
               or exists (select from history h
                   where h.id = asked.id and h.tenant_id = asked.tenant and h.order_xid = asked.xid::text::xid8
                     and h.order_xid < (select pg_snapshot_xmin(pg_current_snapshot())))
               or asked.id < (select min(number) << 40 from ledger_periods) and (asked.xid, asked.id) >= (e.xid, e.id),
               false) as "kept!"
           from unnest($1::int8[], $2::int8[], $3::int8[]) with ordinality as asked (tenant, xid, id, place)
           left join ledger_ends e on e.tenant_id = asked.tenant
           order by asked.place"#,
        &tenants,
        &xids,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// Tenants, `xid`s and ids, each by itself.
fn columns(read: &[(TenantId, Position)]) -> [Vec<i64>; 3] {
    [
        read.iter().map(|(tenant, _)| tenant.0).collect(),
        read.iter().map(|(_, position)| position.xid).collect(),
        read.iter().map(|(_, position)| position.id).collect(),
    ]
}

/// Those of these tenants to whom something happened after their position: one look at an index each.
///
/// # Errors
/// When the statement fails.
pub async fn behind(
    conn: &mut PgConnection,
    read: &[(TenantId, Position)],
) -> Result<Vec<TenantId>, StoreError> {
    let [tenants, xids, ids] = columns(read);
    let behind = sqlx::query_scalar!(
        r#"select asked.tenant as "tenant!"
           from unnest($1::int8[], $2::int8[], $3::int8[]) as asked (tenant, xid, id)
           cross join lateral (select 1 from history
               where (tenant_id + 0, order_xid, id) > (asked.tenant, asked.xid::text::xid8, asked.id)
                 and tenant_id + 0 <= asked.tenant
                 and order_xid < (select pg_snapshot_xmin(pg_current_snapshot())) and fields <> '{}'
               order by tenant_id + 0, order_xid, id limit 1) next"#,
        &tenants,
        &xids,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(behind.into_iter().map(TenantId).collect())
}
