//! Delivering. A worker leases a webhook for a turn; what it sends, and what came of it, is written
//! under the lease only. Whoever dies leaves a delivery that is pending, and sent again by whoever
//! leases next. Nothing is locked while a delivery is on its way.

use super::place::{self, Place};
use crate::directory::TenantId;
use crate::store::StoreError;
use crate::store::follow::{self, Entry, Position};
use crate::webhooks::{DAYS_OF_FAILURE, MAX_BYTES, PING, changed};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// How long a worker has a webhook to itself without saying so again: longer than a delivery takes.
const LEASE_SECONDS: f64 = 30.0;
/// Days that deliveries are kept, once delivered or given up.
const DELIVERED_DAYS: i32 = 7;
const DEAD_DAYS: i32 = 30;
/// Rows of the feed that are read for one delivery; each may tell of several changes.
const ROWS: i64 = 50;
/// Kind of a delivery that tells of changes.
const CHANGES: &str = "changes";
/// Deliveries removed in one statement.
const REMOVED_AT_ONCE: i64 = 5_000;

/// A webhook that is this worker's for the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub tenant: TenantId,
    pub webhook: Uuid,
    lease: Uuid,
}

/// What is to be sent next. Without `Debug`: it holds secrets.
pub struct Attempt {
    pub delivery: Uuid,
    pub kind: String,
    pub url: String,
    /// Each of them signs; the newest first.
    pub secrets: Vec<Vec<u8>>,
    pub body: String,
    /// Attempts that failed before.
    pub failed: i32,
    /// The time of the database.
    pub now: DateTime<Utc>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Of the answer, when there was one.
    pub status: Option<u16>,
    pub end: End,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Delivered,
    /// For a reason of this class, and is to be tried again after this time; `None`: given up.
    Failed(&'static str, Option<Duration>),
    /// The receiver wants no more: the webhook is disabled, and the delivery waits.
    Gone,
}

/// What writing an outcome down has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    Kept,
    /// The webhook was disabled.
    Disabled,
    /// The lease was over: somebody else delivers, and it is theirs to write down.
    Lost,
}

/// Lease webhooks that have something to be delivered and that nobody else delivers to, those first
/// whose turn is longest ago. Those of a suspended tenant wait.
///
/// # Errors
/// When the statement fails.
pub async fn claim(conn: &mut PgConnection, limit: i64) -> Result<Vec<Lease>, StoreError> {
    let rows = sqlx::query!(
        r#"with due as (
               select w.ctid as place from webhooks w
               join tenants t on t.id = w.tenant_id and t.suspended_at is null
               left join lateral (select true as told from history h
                   where w.enabled and (h.tenant_id + 0, h.order_xid, h.id) > (w.tenant_id, w.after_xid::text::xid8, w.after_id)
                     and h.tenant_id + 0 <= w.tenant_id
                     and h.order_xid < (select pg_snapshot_xmin(pg_current_snapshot())) and h.fields <> '{}'
                   order by h.tenant_id + 0, h.order_xid, h.id limit 1) next on true
               where (w.leased_until is null or w.leased_until <= now())
                 and (exists (select from webhook_deliveries d
                          where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.state = 'pending'
                            and d.next_attempt_at <= now() and (w.enabled or d.kind = 'ping'))
                      or next.told
                         and not exists (select from webhook_deliveries d
                             where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.state = 'pending'
                               and d.in_order))
               order by w.turn_at limit $1 for no key update of w skip locked)
           update webhooks w set lease = gen_random_uuid(), turn_at = now(),
               leased_until = now() + make_interval(secs => $2)
           from due where w.ctid = due.place
           returning w.tenant_id, w.id, w.lease as "lease!""#,
        limit,
        LEASE_SECONDS
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            tenant: TenantId(row.tenant_id),
            webhook: row.id,
            lease: row.lease,
        })
        .collect())
}

/// What a worker does next under its lease.
pub enum Next {
    Send(Attempt),
    /// Look again: what was read of the feed concerns nobody.
    Look,
    /// Its place in the feed is gone: it was disabled.
    Lost,
    /// There is nothing for the moment, or the lease was over.
    Nothing,
}

/// What to send next, in a transaction: a delivery that is due, else one made of the changes that are
/// in none yet.
///
/// # Errors
/// When a statement fails.
pub async fn next(conn: &mut PgConnection, lease: &Lease) -> Result<Next, StoreError> {
    let held = sqlx::query!(
        r#"update webhooks set leased_until = now() + make_interval(secs => $4)
           where tenant_id = $1 and id = $2 and lease = $3
           returning url, secret, case when old_secret_ends > now() then old_secret end as old_secret, types,
               enabled, after_xid, after_id, now() as "now!""#,
        lease.tenant.0,
        lease.webhook,
        lease.lease,
        LEASE_SECONDS
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(held) = held else {
        return Ok(Next::Nothing);
    };
    let due = sqlx::query!(
        r#"select d.id, d.kind, d.body, d.attempts from webhook_deliveries d
           where d.tenant_id = $1 and d.webhook_id = $2 and d.state = 'pending' and d.next_attempt_at <= now()
             and ($3 or d.kind = 'ping')
           order by d.next_attempt_at, d.id limit 1"#,
        lease.tenant.0,
        lease.webhook,
        held.enabled
    )
    .fetch_optional(&mut *conn)
    .await?;
    let attempt = |delivery, kind, body, failed| {
        Next::Send(Attempt {
            delivery,
            kind,
            url: held.url,
            secrets: [held.secret].into_iter().chain(held.old_secret).collect(),
            body,
            failed,
            now: held.now,
        })
    };
    if let Some(due) = due {
        return Ok(attempt(due.id, due.kind, due.body, due.attempts));
    }
    if !held.enabled || in_order_waits(conn, lease).await? {
        return Ok(Next::Nothing);
    }
    let after = Position {
        xid: held.after_xid,
        id: held.after_id,
    };
    if !follow::is_kept(conn, lease.tenant, after).await? {
        let place = Place {
            tenant: lease.tenant,
            webhook: lease.webhook,
            position: after,
        };
        place::disable(conn, &[place]).await?;
        return Ok(Next::Lost);
    }
    let part = read(conn, lease.tenant, after, &held.types, held.now).await?;
    sqlx::query!(
        "update webhooks set after_xid = $3, after_id = $4 where tenant_id = $1 and id = $2",
        lease.tenant.0,
        lease.webhook,
        part.position.xid,
        part.position.id
    )
    .execute(&mut *conn)
    .await?;
    let Some(first) = part.entries.first() else {
        return Ok(if part.more { Next::Look } else { Next::Nothing });
    };
    let delivery = Uuid::now_v7();
    sqlx::query!(
        "insert into webhook_deliveries (tenant_id, webhook_id, id, kind, in_order, changes, changed_at, body)
         values ($1, $2, $3, $4, true, $5, $6, $7)",
        lease.tenant.0,
        lease.webhook,
        delivery,
        CHANGES,
        i32::try_from(part.entries.len()).unwrap_or(i32::MAX),
        first.at,
        part.body
    )
    .execute(conn)
    .await?;
    Ok(attempt(delivery, CHANGES.to_owned(), part.body, 0))
}

/// Whether a delivery of changes is yet to be tried again: later ones wait for it.
async fn in_order_waits(conn: &mut PgConnection, lease: &Lease) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from webhook_deliveries
               where tenant_id = $1 and webhook_id = $2 and in_order and state = 'pending') as "waits!""#,
        lease.tenant.0,
        lease.webhook
    )
    .fetch_one(conn)
    .await?)
}

/// A part of the feed that fits into one delivery.
struct Part {
    entries: Vec<Entry>,
    body: String,
    position: Position,
    more: bool,
}

/// Read on; entries of other types than these are left out.
async fn read(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Position,
    types: &[String],
    now: DateTime<Utc>,
) -> Result<Part, StoreError> {
    let mut rows = ROWS;
    loop {
        let page = follow::read(conn, tenant, after, rows).await?;
        let mut entries = page.entries;
        entries.retain(|entry| types.is_empty() || types.iter().any(|name| name == entry.event.name()));
        let told: Vec<Value> = entries.iter().map(shown).collect();
        let body = changed(&told, now);
        // What one row tells belongs together, however long it is.
        if body.len() <= MAX_BYTES || rows == 1 {
            return Ok(Part {
                entries,
                body,
                position: page.position,
                more: page.more,
            });
        }
        rows /= 2;
    }
}

/// As the feed shows it.
fn shown(entry: &Entry) -> Value {
    let mut shown = json!({ "id": entry.id, "at": entry.at });
    if let (Value::Object(shown), Value::Object(event)) = (&mut shown, json!(entry.event)) {
        shown.extend(event);
    }
    shown
}

/// Write down what came of an attempt, in a transaction.
///
/// # Errors
/// When a statement fails.
pub async fn note(
    conn: &mut PgConnection,
    lease: &Lease,
    attempt: &Attempt,
    outcome: &Outcome,
) -> Result<Noted, StoreError> {
    let (error, again) = match outcome.end {
        End::Delivered => (None, None),
        End::Failed(error, again) => (Some(error), again.map(|again| again.as_secs_f64())),
        End::Gone => (Some("gone"), None),
    };
    let gone = outcome.end == End::Gone;
    let delivered = outcome.end == End::Delivered;
    // What a ping meets says something of the receiver, but nobody waits for it.
    let fails = !delivered && attempt.kind != PING;
    let held = sqlx::query!(
        r#"update webhooks set
               delivered_at = case when $4 then now() else delivered_at end,
               failing_since = case when $4 then null when $5 then coalesce(failing_since, now()) else failing_since end,
               enabled = enabled and not ($5 and ($6 or coalesce(failing_since < now() - make_interval(days => $7), false))),
               disabled_reason = case when not enabled then disabled_reason when $5 and $6 then 'gone'
                   when $5 and failing_since < now() - make_interval(days => $7) then 'failing' end
           where tenant_id = $1 and id = $2 and lease = $3 returning disabled_reason"#,
        lease.tenant.0,
        lease.webhook,
        lease.lease,
        delivered,
        fails,
        gone,
        DAYS_OF_FAILURE
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(held) = held else { return Ok(Noted::Lost) };
    // Who is gone may come back: what waits then goes on from here.
    let waits = gone && fails;
    sqlx::query!(
        "update webhook_deliveries set attempts = attempts + 1, status = $4, error = $5,
             state = case when $6 then 'delivered' when $7 or $8::float8 is not null then 'pending' else 'dead' end,
             next_attempt_at = case when $6 then null when $7 then now() else now() + make_interval(secs => $8) end,
             finished_at = case when not $7 and $8::float8 is null then now() end
         where tenant_id = $1 and webhook_id = $2 and id = $3 and state = 'pending'",
        lease.tenant.0,
        lease.webhook,
        attempt.delivery,
        outcome.status.and_then(|status| i16::try_from(status).ok()),
        error,
        delivered,
        waits,
        again
    )
    .execute(&mut *conn)
    .await?;
    Ok(match held.disabled_reason {
        Some(_) if fails => Noted::Disabled,
        _ => Noted::Kept,
    })
}

/// Leave a webhook to whoever comes next.
///
/// # Errors
/// When the statement fails.
pub async fn release(conn: &mut PgConnection, lease: &Lease) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhooks set lease = null, leased_until = null where tenant_id = $1 and id = $2 and lease = $3",
        lease.tenant.0,
        lease.webhook,
        lease.lease
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remove some deliveries whose time is over; answers whether there may be more.
///
/// # Errors
/// When the statement fails.
pub async fn tidy(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let removed = sqlx::query!(
        "delete from webhook_deliveries d using (
             select ctid as place from webhook_deliveries
             where state <> 'pending' and finished_at < now() - make_interval(days => $1)
               and (state = 'delivered' or finished_at < now() - make_interval(days => $2))
             order by finished_at limit $3 for update skip locked) over
         where d.ctid = over.place",
        DELIVERED_DAYS,
        DEAD_DAYS,
        REMOVED_AT_ONCE
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected() as i64 == REMOVED_AT_ONCE)
}
