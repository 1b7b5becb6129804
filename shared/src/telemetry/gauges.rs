//! The service's gauges, read at scrape. They are set here and nowhere else.

use super::labels::*;
use super::metrics::Metrics;
use crate::queue::{Depth, QueueError, Queues};
use crate::store::overview::{self, Backlog};
use crate::store::watch::{self, Watch};
use crate::store::{PgPool, StoreError};
use std::time::Duration;

/// Longest time a scrape waits for either store.
const LONGEST: Duration = Duration::from_secs(3);

/// Set every service gauge from Postgres and Redis. When a store does not answer, its gauges
/// are left out, not 0: unknown is not empty.
pub async fn read_gauges(metrics: &Metrics, pool: &PgPool, queues: &Queues) {
    let backlog = tokio::time::timeout(LONGEST, read_backlog(pool));
    let depths = tokio::time::timeout(LONGEST, read_depths(queues));
    let (backlog, depths) = tokio::join!(backlog, depths);
    let (backlog, watch) = backlog.ok().and_then(Result::ok).unzip();
    set_backlog(metrics, backlog);
    set_watch(metrics, watch.unwrap_or_default());
    set_depths(metrics, depths.ok().and_then(Result::ok));
}

async fn read_backlog(pool: &PgPool) -> Result<(Backlog, Watch), StoreError> {
    let mut connection = pool.acquire().await?;
    let backlog = overview::backlog(&mut connection, None).await?;
    Ok((backlog, watch::watch(&mut connection).await?))
}

/// The depth of every queue.
///
/// # Errors
/// When Redis does not answer.
pub async fn read_depths(queues: &Queues) -> Result<[(QueueName, Depth); 4], QueueError> {
    Ok([
        (QueueName::Live, queues.live.depth().await?),
        (QueueName::Bulk, queues.bulk.depth().await?),
        (QueueName::Links, queues.links.depth().await?),
        (QueueName::Runs, queues.runs.depth().await?),
    ])
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
}

fn set_depths(metrics: &Metrics, depths: Option<[(QueueName, Depth); 4]>) {
    let dependency = Dependency::Redis;
    metrics
        .dependency_up
        .get_or_create(&DependencyLabels { dependency })
        .set(depths.is_some().into());
    metrics.queue_depth.clear();
    metrics.queue_oldest_ready_seconds.clear();
    for (queue, depth) in depths.into_iter().flatten() {
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
