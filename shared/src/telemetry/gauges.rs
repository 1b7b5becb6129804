//! The service's gauges, read at scrape. They are set here and nowhere else.

use super::labels::*;
use super::metrics::Metrics;
use crate::directory::{TenantId, WorkLane};
use crate::queue::{Depth, Queues};
use crate::store::growth::{self, TableSize};
use crate::store::lanes;
use crate::store::overview::{self, Backlog};
use crate::store::watch::{self, Watch};
use crate::store::{PgPool, StoreError};
use std::time::{Duration, Instant};

/// Longest time a scrape waits for either store.
const LONGEST: Duration = Duration::from_secs(3);
/// Tables grow over hours, and asking takes a look at the files of each.
const TABLES_EVERY: Duration = Duration::from_secs(60);

/// Set every service gauge from Postgres and Redis. When a store does not answer, its gauges
/// are left out, not 0: unknown is not empty.
pub async fn read_gauges(metrics: &Metrics, pool: &PgPool, queues: &Queues) {
    let backlog = tokio::time::timeout(LONGEST, read_backlog(pool));
    let depths = tokio::time::timeout(LONGEST, queues.depths());
    let (backlog, depths, ()) = tokio::join!(backlog, depths, read_tables(metrics, pool));
    let figures = backlog.ok().and_then(Result::ok);
    let (backlog, watch, paused) = match figures {
        Some((backlog, watch, paused)) => (Some(backlog), watch, Some(paused)),
        None => Default::default(),
    };
    set_backlog(metrics, backlog);
    set_watch(metrics, watch);
    set_paused(metrics, paused);
    set_depths(metrics, depths.ok().and_then(Result::ok));
}

type Paused = Vec<(TenantId, WorkLane, f64)>;

async fn read_backlog(pool: &PgPool) -> Result<(Backlog, Watch, Paused), StoreError> {
    let mut connection = pool.acquire().await?;
    let backlog = overview::backlog(&mut connection, None).await?;
    let watch = watch::watch(&mut connection).await?;
    Ok((backlog, watch, lanes::all_paused(&mut connection).await?))
}

/// On a connection of its own: whoever changes a table's form keeps its size from being read, and nothing else.
async fn read_tables(metrics: &Metrics, pool: &PgPool) {
    if !metrics.tables_due.take(Instant::now(), TABLES_EVERY) {
        return;
    }
    let sizes = async {
        let names = TableName::ALL
            .iter()
            .map(|table| table.name())
            .collect::<Vec<_>>();
        growth::table_sizes(&mut *pool.acquire().await?, &names).await
    };
    let sizes = tokio::time::timeout(LONGEST, sizes)
        .await
        .ok()
        .and_then(Result::ok);
    if sizes.is_none() {
        metrics.tables_due.give_back();
    }
    set_tables(metrics, &sizes.unwrap_or_default());
}

fn set_tables(metrics: &Metrics, sizes: &[TableSize]) {
    type Column = fn(&TableSize) -> i64;
    let columns: [(_, Column); 4] = [
        (&metrics.table_bytes, |size| size.bytes),
        (&metrics.table_index_bytes, |size| size.index_bytes),
        (&metrics.table_rows, |size| size.rows),
        (&metrics.table_dead_rows, |size| size.dead_rows),
    ];
    for (family, column) in columns {
        family.clear();
        for table in TableName::ALL {
            if let Some(size) = sizes.iter().find(|size| size.name == table.name()) {
                family
                    .get_or_create(&TableLabels { table: *table })
                    .set(column(size));
            }
        }
    }
}

fn set_backlog(metrics: &Metrics, backlog: Option<Backlog>) {
    let dependency = Dependency::Postgres;
    metrics
        .dependency_up
        .get_or_create(&DependencyLabels { dependency })
        .set(backlog.is_some().into());
    metrics.waiters.clear();
    metrics.runs_under_way.clear();
    let known = backlog.as_ref();
    metrics.pending_changes.set(known.map(|backlog| backlog.pending));
    metrics.keys_parked.set(known.map(|backlog| backlog.parked));
    metrics.held_changes.set(known.map(|backlog| backlog.held));
    metrics
        .rejections_open
        .set(known.map(|backlog| backlog.rejections));
    metrics
        .oldest_pending_age_seconds
        .set(known.map(|backlog| backlog.oldest_pending_seconds));
    metrics
        .oldest_waiter_age_seconds
        .set(known.map(|backlog| backlog.oldest_waiter_seconds));
    metrics
        .oldest_full_run_age_seconds
        .set(known.and_then(|backlog| backlog.oldest_full_run_seconds));
    metrics
        .schedule_overdue_seconds
        .set(known.map(|backlog| backlog.schedule_overdue_seconds));
    let Some(backlog) = backlog else { return };
    for phase in RunPhase::ALL {
        let count = backlog.runs.iter().find(|(name, _)| name == phase.name());
        let labels = RunPhaseLabels { phase: *phase };
        metrics
            .runs_under_way
            .get_or_create(&labels)
            .set(count.map_or(0, |(_, count)| *count));
    }
    for slot in LinkSlot::ALL {
        let count = backlog
            .waiters
            .iter()
            .find(|(column, _)| LinkSlot::from_column(*column) == Some(*slot));
        let labels = SlotLabels { slot: *slot };
        metrics
            .waiters
            .get_or_create(&labels)
            .set(count.map_or(0, |(_, count)| *count));
    }
}

fn set_watch(metrics: &Metrics, watch: Watch) {
    metrics.source_silence_seconds.set(watch.source_silence_seconds);
    metrics.token_expiry_seconds.set(watch.token_expiry_seconds);
    metrics.oldest_run_age_seconds.set(watch.oldest_run_seconds);
    metrics.feed_held_seconds.set(watch.feed_held_seconds);
    metrics
        .webhook_oldest_undelivered_seconds
        .set(watch.webhook_undelivered_seconds);
    metrics.webhook_dead_letters.set(watch.webhook_dead_letters);
    metrics.webhooks_disabled.set(watch.webhooks_disabled);
}

fn set_paused(metrics: &Metrics, paused: Option<Paused>) {
    metrics.lane_paused.clear();
    let Some(paused) = paused else { return };
    for lane in WorkLane::ALL {
        let tenants = paused.iter().filter(|(_, known, _)| *known == lane).count();
        let queue = lane.into();
        metrics
            .lane_paused
            .get_or_create(&QueueLabels { queue })
            .set(i64::try_from(tenants).unwrap_or(i64::MAX));
    }
}

fn set_depths(metrics: &Metrics, depths: Option<[(WorkLane, Depth); 4]>) {
    let dependency = Dependency::Redis;
    metrics
        .dependency_up
        .get_or_create(&DependencyLabels { dependency })
        .set(depths.is_some().into());
    metrics.queue_depth.clear();
    metrics.queue_oldest_ready_seconds.clear();
    for (lane, depth) in depths.into_iter().flatten() {
        let queue = lane.into();
        for (state, count) in [
            (JobState::Ready, depth.ready),
            (JobState::Running, depth.running),
            (JobState::Scheduled, depth.scheduled),
            (JobState::Dead, depth.dead),
        ] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            metrics
                .queue_depth
                .get_or_create(&DepthLabels { queue, state })
                .set(count);
        }
        metrics
            .queue_oldest_ready_seconds
            .get_or_create(&QueueLabels { queue })
            .set(depth.oldest_ready_seconds as f64);
    }
}
