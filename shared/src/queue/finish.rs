//! From a handler's answer to what becomes of the job.
//!
//! The layer sits outside every other one, so it also sees panics and timeouts. It only tells
//! the worker's pump, which writes many endings at once: the handler's slot is free meanwhile.

use super::config::QueueConfig;
use super::job::Job;
use super::outcome::{Delivery, JobError, Outcome};
use apalis_core::{error::BoxDynError, task::Task};
use futures::future::BoxFuture;
use rand::Rng;
use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tower::{Layer, Service};

/// Longest error text kept with a dead letter, in bytes.
const LONGEST_ERROR: usize = 2_000;

/// Travels with a task through the layers: which delivery this is.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) fence: u64,
    pub(super) delivery: Delivery,
}

impl Ticket {
    /// What a renewal or an ending must show.
    pub(super) fn held(&self) -> (String, u64) {
        (self.id.clone(), self.fence)
    }
}

/// What becomes of a delivered job.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Done,
    Snooze(Duration),
    Retry(Duration),
    Dead(String),
    /// Never started, or given up halfway by a worker that stops: next in line for another one.
    Back,
}

impl Verdict {
    /// The words of `finish.lua`: verdict, delay, error.
    pub(super) fn words(&self) -> (&'static str, Duration, &str) {
        match self {
            Verdict::Done => ("done", Duration::ZERO, ""),
            Verdict::Snooze(delay) => ("snooze", *delay, ""),
            Verdict::Retry(delay) => ("retry", *delay, ""),
            Verdict::Dead(error) => ("dead", Duration::ZERO, error),
            Verdict::Back => ("back", Duration::ZERO, ""),
        }
    }
}

/// The end of one delivery.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ticket: Ticket,
    pub(super) verdict: Verdict,
}

#[derive(Clone)]
pub(super) struct FinishLayer {
    pub(super) queue: &'static str,
    pub(super) config: QueueConfig,
    pub(super) finished: UnboundedSender<Finished>,
}

impl<S> Layer<S> for FinishLayer {
    type Service = FinishService<S>;

    fn layer(&self, inner: S) -> FinishService<S> {
        FinishService {
            inner,
            layer: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct FinishService<S> {
    inner: S,
    layer: FinishLayer,
}

impl<J, S> Service<Task<J>> for FinishService<S>
where
    J: Job,
    S: Service<Task<J>, Response = Outcome>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Outcome, BoxDynError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, task: Task<J>) -> Self::Future {
        let guard = task.data().get::<Ticket>().cloned().map(|ticket| Guard {
            pending: Some(Finished {
                ticket,
                verdict: Verdict::Back,
            }),
            finished: self.layer.finished.clone(),
        });
        let layer = self.layer.clone();
        let running = self.inner.call(task);
        Box::pin(async move {
            let result = running.await.map_err(Into::into);
            if let Some(mut guard) = guard
                && let Some(end) = &mut guard.pending
            {
                end.verdict = layer.verdict(&end.ticket, &result);
            }
            result
        })
    }
}

/// Reports the end even when the worker is dropped in the middle of a handler.
struct Guard {
    pending: Option<Finished>,
    finished: UnboundedSender<Finished>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(end) = self.pending.take() {
            // a pump that is gone leaves the job to its lease
            let _ = self.finished.send(end);
        }
    }
}

impl FinishLayer {
    fn verdict(&self, ticket: &Ticket, result: &Result<Outcome, BoxDynError>) -> Verdict {
        let error = match result {
            Ok(Outcome::Done) => return Verdict::Done,
            Ok(Outcome::Snooze(delay)) => return Verdict::Snooze(*delay),
            Err(error) => error,
        };
        let text = describe(error.as_ref());
        let attempt = ticket.delivery.attempt;
        let fails = matches!(error.downcast_ref(), Some(JobError::Fail(_)));
        let exhausted = attempt >= self.config.max_attempts;
        tracing::warn!(
            queue = self.queue,
            job = ticket.id,
            attempt,
            error = text,
            dead = fails || exhausted,
            "job failed"
        );
        if fails || exhausted {
            Verdict::Dead(text)
        } else {
            let jitter = rand::rng().random_range(0.8..=1.2);
            Verdict::Retry(backoff(&self.config, attempt).mul_f64(jitter))
        }
    }
}

/// The pause after this failed attempt (from 1), without jitter.
fn backoff(config: &QueueConfig, attempt: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    config.backoff.saturating_mul(doubled).min(config.max_backoff)
}

/// The error and its causes on one line.
fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    let mut end = text.len().min(LONGEST_ERROR);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter;

    #[test]
    fn backoff_doubles_up_to_its_maximum() {
        let config = QueueConfig::default();
        let seconds: Vec<u64> = iter::successors(Some(1), |n| Some(n + 1))
            .take(11)
            .map(|n| backoff(&config, n).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff(&config, u32::MAX).as_secs(), 300);
    }

    #[test]
    fn long_error_text_is_cut_between_characters() {
        let error: BoxDynError = "ü".repeat(LONGEST_ERROR).into();
        let text = describe(error.as_ref());
        assert!(text.len() <= LONGEST_ERROR && text.ends_with('ü'));
    }
}
