//! The feeder: brings back to the queue whatever is due and not on its way.
//!
//! It runs in every worker process, without a leader: claims skip what another replica holds.
//! Redis may be wiped at any moment; everything still pending comes back through here.

pub(crate) mod periods;
pub(crate) mod retention;
mod runs;
pub(crate) mod samples;
mod schedules;

use crate::context::Context;
use rollcall_shared::directory::{Lane, TenantId};
use rollcall_shared::queue::{LinksJob, LinksWork, MAX_KEYS, QueueError, ReconcileJob};
use rollcall_shared::store::{StoreError, feed};
use rollcall_shared::telemetry::{QueueLabels, QueueName};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Pause after a round that found nothing to do.
const IDLE: Duration = Duration::from_millis(700);
/// Pause after a round that pushed something: more is probably due.
const BUSY: Duration = Duration::from_millis(50);
/// Jobs pushed per tenant and lane in one round, so that tenants take turns.
const JOBS_A_TURN: usize = 8;
/// Jobs of a tenant and lane among which one that is missing is not looked for at once.
const FEW_JOBS: usize = 2 * JOBS_A_TURN;
/// Since when a key has been due that is not among the jobs of a queue that has many.
const OVERDUE: Duration = Duration::from_secs(10);
/// Waiters retried in one round.
const WAITERS_A_ROUND: i64 = 2_000;
/// Leftover wakes taken over in one round.
const WAKES_A_ROUND: i64 = 100;

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error("Postgres did not answer the feeder")]
    Store(#[from] StoreError),
    #[error("Redis did not answer the feeder")]
    Queue(#[from] QueueError),
}

/// Feed until told to stop.
pub(crate) async fn run(context: Arc<Context>, stopping: CancellationToken) {
    let mut healthy = true;
    loop {
        let pause = match round(&context).await {
            Ok(pushed) => {
                healthy = true;
                if pushed { BUSY } else { IDLE }
            }
            Err(error) => {
                // Once per outage: the next rounds would only repeat it.
                if std::mem::replace(&mut healthy, false) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the feeder waits for its stores"
                    );
                }
                IDLE
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One round over everything that is due; answers whether anything was pushed.
async fn round(context: &Context) -> Result<bool, FeedError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let due = feed::due(&mut conn).await?;
    drop(conn);
    let mut pushed = false;
    for (tenant, lane) in due.keys {
        pushed |= refill(context, tenant, lane).await?;
    }
    if due.waiters {
        pushed |= retry(context).await?;
    }
    if due.wakes {
        pushed |= take_over(context).await?;
    }
    pushed |= schedules::fire_due(context).await?;
    pushed |= runs::push_due(context).await?;
    Ok(pushed)
}

/// Top a tenant's lane up when there is little in it, with what is overdue when it is below half its cap.
async fn refill(context: &Context, tenant: TenantId, lane: Lane) -> Result<bool, FeedError> {
    let queue = context.queues.lane(lane);
    let room = queue.room(tenant).await?;
    if room < queue.cap().div_ceil(2) {
        return Ok(false);
    }
    // What waits long in a long queue is due too, and would come twice.
    let overdue = match queue.cap() - room < FEW_JOBS {
        true => Duration::ZERO,
        false => OVERDUE,
    };
    let limit = room.min(JOBS_A_TURN) * MAX_KEYS;
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let keys = feed::claim_keys(&mut conn, tenant, lane, overdue, limit as i64).await?;
    drop(conn);
    fail::fail_point!("feeder::after_claim", |_| {
        rollcall_shared::failpoint::hit("feeder::after_claim");
        Ok(true)
    });
    let jobs: Vec<ReconcileJob> = keys
        .chunks(MAX_KEYS)
        .map(|keys| ReconcileJob {
            v: 1,
            tenant,
            keys: keys.to_vec(),
        })
        .collect();
    queue.push(tenant, &jobs).await?;
    let labels = QueueLabels {
        queue: queue_name(lane),
    };
    context
        .metrics
        .feeder_pushed_keys
        .get_or_create(&labels)
        .inc_by(keys.len() as u64);
    Ok(!keys.is_empty())
}

fn queue_name(lane: Lane) -> QueueName {
    match lane {
        Lane::Live => QueueName::Live,
        Lane::Bulk => QueueName::Bulk,
    }
}

/// Push due waiters as bounded jobs.
async fn retry(context: &Context) -> Result<bool, FeedError> {
    // Claiming moves the backoff on: only when Redis is there to take the jobs.
    context.queues.links.room(TenantId(0)).await?;
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let claimed = feed::claim_waiters(&mut conn, WAITERS_A_ROUND).await?;
    drop(conn);
    let found = !claimed.is_empty();
    for (tenant, work) in claimed {
        let LinksWork::Retry { people, members } = work else {
            continue;
        };
        let jobs = LinksJob::retries(tenant, &people, &members);
        context.queues.links.push(tenant, &jobs).await?;
    }
    Ok(found)
}

/// Push what a worker that died after its commit did not get to.
async fn take_over(context: &Context) -> Result<bool, FeedError> {
    context.queues.links.room(TenantId(0)).await?;
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let wakes = feed::claim_wakes(&mut conn, WAKES_A_ROUND).await?;
    drop(conn);
    for (tenant, wake) in wakes {
        context
            .queues
            .links
            .push(
                tenant,
                &[LinksJob {
                    v: 1,
                    tenant,
                    work: LinksWork::Wake(wake),
                }],
            )
            .await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::{Setup, TENANT};
    use crate::limiter::Limiter;

    #[tokio::test]
    async fn keys_that_are_due_are_fed_to_a_queue_with_few_jobs_and_to_one_with_many_only_when_overdue() {
        let setup = Setup::new(Limiter::new(0, 0)).await;
        let jobs: Vec<ReconcileJob> = (0..FEW_JOBS)
            .map(|_| ReconcileJob {
                v: 1,
                tenant: TENANT,
                keys: setup.keys.clone(),
            })
            .collect();
        let refill = || refill(&setup.context, TENANT, Lane::Live);
        setup.context.queues.live.push(TENANT, &jobs[1..]).await.unwrap();
        assert!(refill().await.unwrap(), "one job fewer than many");
        let due = "update pending set due_at = now()";
        sqlx::query(due).execute(&setup.context.pool).await.unwrap();
        assert!(!refill().await.unwrap(), "they are among the jobs");
        let overdue = "update pending set due_at = now() - interval '1 minute'";
        sqlx::query(overdue).execute(&setup.context.pool).await.unwrap();
        assert!(refill().await.unwrap(), "they are not");
    }
}
