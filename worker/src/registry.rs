//! Which handler serves which queue, and how many at once.

use crate::config::WorkConfig;
use crate::context::Context;
use crate::handlers;
use rollcall_shared::directory::Lane;
use rollcall_shared::queue::{ConsumeOptions, JobError, Monitor, Outcome};
use rollcall_shared::telemetry::{JobLabels, JobOutcome, Metrics, QueueLabels, QueueName};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

/// All queues' workers, ready to run.
pub(crate) fn monitor(context: &Arc<Context>, config: &WorkConfig, process: &str) -> Monitor {
    let options = |concurrency| ConsumeOptions::new(process, concurrency);
    let mut monitor = Monitor::new();
    let lanes = [
        (Lane::Live, QueueName::Live, config.live_concurrency),
        (Lane::Bulk, QueueName::Bulk, config.bulk_concurrency),
    ];
    for (lane, name, concurrency) in lanes {
        let context = Arc::clone(context);
        let queue = context.queues.lane(lane).clone();
        monitor = queue.consume(monitor, options(concurrency), move |job, delivery| {
            let context = Arc::clone(&context);
            observed(
                Arc::clone(&context.metrics),
                name,
                handlers::reconcile(context, lane, job, delivery),
            )
        });
    }
    let runs = context.queues.runs.clone();
    let for_runs = Arc::clone(context);
    monitor = runs.consume(monitor, options(config.runs_concurrency), move |job, delivery| {
        let context = Arc::clone(&for_runs);
        observed(
            Arc::clone(&context.metrics),
            QueueName::Runs,
            handlers::runs(context, job, delivery),
        )
    });
    let links = context.queues.links.clone();
    let context = Arc::clone(context);
    links.consume(
        monitor,
        options(config.links_concurrency),
        move |job, delivery| {
            let context = Arc::clone(&context);
            observed(
                Arc::clone(&context.metrics),
                QueueName::Links,
                handlers::links(context, job, delivery),
            )
        },
    )
}

/// Count a job's outcome and how long it took.
async fn observed(
    metrics: Arc<Metrics>,
    queue: QueueName,
    job: impl Future<Output = Result<Outcome, JobError>>,
) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let answer = job.await;
    let outcome = match &answer {
        Ok(Outcome::Done) => JobOutcome::Done,
        Ok(Outcome::Snooze(_)) => JobOutcome::Snoozed,
        Err(JobError::Retry(_)) => JobOutcome::Retried,
        Err(JobError::Fail(_)) => JobOutcome::Failed,
    };
    if let Err(error) = &answer {
        tracing::warn!(
            queue = queue.name(),
            error = error as &dyn std::error::Error,
            "a job failed"
        );
    }
    metrics.jobs.get_or_create(&JobLabels { queue, outcome }).inc();
    let seconds = started.elapsed().as_secs_f64();
    metrics
        .job_duration_seconds
        .get_or_create(&QueueLabels { queue })
        .observe(seconds);
    answer
}
