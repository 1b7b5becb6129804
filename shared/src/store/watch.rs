//! Figures of the whole deployment that alerts are made of, beside those of the backlog.

use super::{PgConnection, StoreError};

/// What an operator should hear of before somebody asks. Each is left out when there is nothing to
/// measure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watch {
    /// Seconds since the source that has been silent longest sent anything. A source that has been
    /// silent for 30 days counts as gone.
    pub source_silence_seconds: Option<f64>,
    /// Seconds until the first token ends that is in use and has no successor of the same scope and
    /// source; negative for a week after it has ended.
    pub token_expiry_seconds: Option<f64>,
    /// Age of the oldest run under way whose tenant has not paused them.
    pub oldest_run_seconds: Option<f64>,
    /// Seconds since the first change that the feed does not tell yet, because a transaction that began before
    /// it is still open; 0 when there is none.
    pub feed_held_seconds: Option<f64>,
    /// Seconds since the oldest change that an enabled webhook has not been told of; 0 when there is none.
    pub webhook_undelivered_seconds: Option<f64>,
    /// Deliveries to webhooks that were given up.
    pub webhook_dead_letters: Option<i64>,
    /// Webhooks that were disabled because their receiver failed for days, or is gone, or their place in the feed is.
    pub webhooks_disabled: Option<i64>,
}

/// Look at sources, tokens, runs, feeds and webhooks of all tenants.
///
/// # Errors
/// When the statement fails.
pub async fn watch(connection: &mut PgConnection) -> Result<Watch, StoreError> {
    Ok(sqlx::query_as!(
        Watch,
        "select
             (select extract(epoch from now() - min(last))::float8 from (
                 select max(last_used_at) as last from tokens
                 where scope = 'scim' and revoked_at is null group by tenant_id, source) sources
              where last > now() - interval '30 days') as source_silence_seconds,
             (select extract(epoch from min(expires_at) - now())::float8 from tokens t
              where revoked_at is null and expires_at > now() - interval '7 days'
                and last_used_at > now() - interval '30 days'
                and not exists (select from tokens s
                    where s.tenant_id = t.tenant_id and s.scope = t.scope and s.source = t.source
                      and s.revoked_at is null and (s.expires_at is null or s.expires_at > t.expires_at)))
                 as token_expiry_seconds,
             (select extract(epoch from now() - min(created_at))::float8 from runs where phase <> 'done'
                 and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'runs')))
                 as oldest_run_seconds,
             (select coalesce(extract(epoch from now() - min(held.applied_at)), 0)::float8
              from tenants t cross join lateral (select applied_at from history h
                  where (h.tenant_id + 0, h.order_xid) >= (t.id, (select pg_snapshot_xmin(pg_current_snapshot())))
                    and h.tenant_id + 0 <= t.id and h.order_xid is not null and h.fields <> '{}'
                  order by h.tenant_id + 0, h.order_xid, h.id limit 1) held) as feed_held_seconds,
             (select coalesce(extract(epoch from now() - min(coalesce(waits.changed_at, next.applied_at))), 0)::float8
              from webhooks w
              join tenants t on t.id = w.tenant_id and t.suspended_at is null
              left join lateral (select changed_at from webhook_deliveries d
                  where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.in_order and d.state = 'pending') waits
                  on true
              left join lateral (select applied_at from history h
                  where (h.tenant_id + 0, h.order_xid, h.id) > (w.tenant_id, w.after_xid::text::xid8, w.after_id)
                    and h.tenant_id + 0 <= w.tenant_id and h.fields <> '{}'
                  order by h.tenant_id + 0, h.order_xid, h.id limit 1) next on true
              where w.enabled) as webhook_undelivered_seconds,
             (select count(*) from webhook_deliveries where state = 'dead') as webhook_dead_letters,
             (select count(*) from webhooks where disabled_reason in ('gone', 'failing', 'lost')) as webhooks_disabled"
    )
    .fetch_one(connection)
    .await?)
}
