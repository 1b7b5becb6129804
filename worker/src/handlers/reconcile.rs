//! "Look at these keys."

use crate::context::Context;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use crate::limiter::Grant;
use crate::reconcile::PARK_AFTER;
use crate::together;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::queue::{Delivery, JobError, Outcome, ReconcileJob};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Failures after which a key travels alone.
const ALONE_AFTER: i32 = 2;
/// When a job that is to be applied by itself comes again, where others of the kind are at it.
const ALONE_LATER: Duration = Duration::from_millis(100);

/// Apply the keys of a job that have something pending, as many as the rate allows; the job comes
/// again for the rest.
pub(crate) async fn reconcile(
    context: Arc<Context>,
    lane: Lane,
    job: ReconcileJob,
    delivery: Delivery,
) -> Result<Outcome, JobError> {
    let tenant = job.tenant;
    if lane == Lane::Live {
        context.courtesy.live_write(Instant::now());
    }
    let workable = context.engine.workable(tenant, &job.keys).await?;
    // What has failed before is not to fail others.
    let alone = delivery.attempt > 1 || workable.iter().any(|(_, attempts)| *attempts > 0);
    let keys = suspects(&context, lane, tenant, workable, delivery).await?;
    if keys.is_empty() {
        return Ok(Outcome::Done);
    }
    let granted = match context.limiter.take(tenant, keys.len()) {
        Grant::Granted(granted) => granted.min(keys.len()),
        Grant::Wait(wait) => return Ok(Outcome::Snooze(wait)),
    };
    let (now, later) = keys.split_at(granted);
    let applied = match alone {
        true => together::apply_alone(&context, lane, tenant, now).await,
        false => Some(together::apply(&context, lane, tenant, now.to_vec()).await),
    };
    let Some(applied) = applied else {
        return Ok(Outcome::Snooze(ALONE_LATER));
    };
    applied.map_err(JobError::retry)?;
    before_ack()?;
    if later.is_empty() {
        return Ok(Outcome::Done);
    }
    Ok(Outcome::Snooze(Duration::from_millis(1)))
}

fn before_ack() -> Result<(), ReconcileError> {
    failpoint!("reconcile::before_ack");
    Ok(())
}

/// A job whose lease ran out may hold a key that kills the process applying it. A failure of each
/// of its keys is written down, and they start again in new jobs, so that each expiry counts once.
/// A key that has failed twice travels alone, and one that keeps failing alone is parked. Returns
/// what this job is still about.
async fn suspects(
    context: &Context,
    lane: Lane,
    tenant: TenantId,
    workable: Vec<(Key, i32)>,
    delivery: Delivery,
) -> Result<Vec<Key>, ReconcileError> {
    let single = workable.len() == 1;
    if delivery.expired_leases > 0 && !workable.is_empty() {
        let keys: Vec<Key> = workable.into_iter().map(|(key, _)| key).collect();
        // Parking is for a key that was alone: of several, no one knows which it was.
        let park_after = single.then_some(PARK_AFTER);
        let failures = context
            .engine
            .fail_keys(tenant, &keys, "lease expired", park_after, i64::MAX)
            .await?;
        let (alone, together): (Vec<_>, Vec<_>) = failures
            .into_iter()
            .filter(|failure| !single || failure.attempts < PARK_AFTER)
            .partition(|failure| failure.attempts >= ALONE_AFTER);
        let mut jobs: Vec<Vec<Key>> = alone.into_iter().map(|failure| vec![failure.key]).collect();
        if !together.is_empty() {
            jobs.push(together.into_iter().map(|failure| failure.key).collect());
        }
        push(context, lane, tenant, jobs).await;
        return Ok(vec![]);
    }
    if single {
        return Ok(workable.into_iter().map(|(key, _)| key).collect());
    }
    let (alone, together): (Vec<_>, Vec<_>) = workable
        .into_iter()
        .partition(|(_, attempts)| *attempts >= ALONE_AFTER);
    push(
        context,
        lane,
        tenant,
        alone.into_iter().map(|(key, _)| vec![key]).collect(),
    )
    .await;
    Ok(together.into_iter().map(|(key, _)| key).collect())
}

async fn push(context: &Context, lane: Lane, tenant: TenantId, jobs: Vec<Vec<Key>>) {
    if jobs.is_empty() {
        return;
    }
    let jobs: Vec<ReconcileJob> = jobs
        .into_iter()
        .map(|keys| ReconcileJob { v: 1, tenant, keys })
        .collect();
    // What does not fit stays pending: the feeder brings it back.
    if let Err(error) = context.queues.lane(lane).push(tenant, &jobs).await {
        tracing::debug!(%tenant, error = &error as &dyn std::error::Error, "keys are left to the feeder");
    }
}
