//! Which handler serves which queue, and how many at once.

use crate::config::WorkConfig;
use crate::context::Context;
use crate::handlers;
use crate::together::JOBS_A_SLOT;
use rollcall_shared::directory::{Lane, TenantId, WorkLane};
use rollcall_shared::queue::{ConsumeOptions, JobError, Monitor, Outcome};
use rollcall_shared::telemetry::{JobLabels, JobOutcome, QueueLabels, QueueName};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

/// All queues' workers, ready to run.
pub(crate) fn monitor(context: &Arc<Context>, config: &WorkConfig, process: &str) -> Monitor {
    let options = |concurrency| ConsumeOptions::new(process, concurrency);
    let mut monitor = Monitor::new();
    let lanes = [
        (Lane::Live, config.live_concurrency),
        (Lane::Bulk, config.bulk_concurrency),
    ];
    for (lane, concurrency) in lanes {
        let context = Arc::clone(context);
        let queue = context.queues.lane(lane).clone();
        let held = concurrency.saturating_mul(JOBS_A_SLOT);
        monitor = queue.consume(monitor, options(held), move |job, delivery| {
            let tenant = job.tenant;
            let work = handlers::reconcile(Arc::clone(&context), lane, job, delivery);
            serve(Arc::clone(&context), lane.into(), tenant, work)
        });
    }
    let runs = context.queues.runs.clone();
    let for_runs = Arc::clone(context);
    monitor = runs.consume(monitor, options(config.runs_concurrency), move |job, delivery| {
        let tenant = job.tenant;
        let work = handlers::runs(Arc::clone(&for_runs), job, delivery);
        serve(Arc::clone(&for_runs), WorkLane::Runs, tenant, work)
    });
    let links = context.queues.links.clone();
    let context = Arc::clone(context);
    links.consume(
        monitor,
        options(config.links_concurrency),
        move |job, delivery| {
            let tenant = job.tenant;
            let work = handlers::links(Arc::clone(&context), job, delivery);
            serve(Arc::clone(&context), WorkLane::Links, tenant, work)
        },
    )
}

/// Do a job, unless its lane is paused; count its outcome and how long it took.
async fn serve(
    context: Arc<Context>,
    lane: WorkLane,
    tenant: TenantId,
    work: impl Future<Output = Result<Outcome, JobError>>,
) -> Result<Outcome, JobError> {
    let queue = QueueName::from(lane);
    let count = |outcome| {
        let labels = JobLabels { queue, outcome };
        context.metrics.jobs.get_or_create(&labels).inc();
    };
    if let Some(wait) = context.pauses.wait(tenant, lane) {
        count(JobOutcome::Paused);
        return Ok(Outcome::Snooze(wait));
    }
    let started = Instant::now();
    let answer = work.await;
    count(match &answer {
        Ok(Outcome::Done) => JobOutcome::Done,
        Ok(Outcome::Snooze(_)) => JobOutcome::Snoozed,
        Err(JobError::Retry(_)) => JobOutcome::Retried,
        Err(JobError::Fail(_)) => JobOutcome::Failed,
    });
    if let Err(error) = &answer {
        tracing::warn!(
            queue = queue.name(),
            error = error as &dyn std::error::Error,
            "a job failed"
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    context
        .metrics
        .job_duration_seconds
        .get_or_create(&QueueLabels { queue })
        .observe(seconds);
    answer
}
