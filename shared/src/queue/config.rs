//! What a queue may hold and for how long. Every value that apalis or redis would otherwise
//! choose is set here.

use std::time::Duration;

/// Limits and times of all queues of a process.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Most jobs of one tenant that may be outstanding (ready, scheduled or running) in one queue.
    pub outstanding_per_tenant: usize,
    /// How long a worker may hold a job without renewing; renewed at a third of it.
    pub lease: Duration,
    /// Deliveries that may fail before a job becomes a dead letter.
    pub max_attempts: u32,
    /// Pause after the first failure; doubles with each further one.
    pub backoff: Duration,
    /// Longest pause after a failure, before the jitter of ±20 %.
    pub max_backoff: Duration,
    /// Dead letters kept per queue; the oldest are dropped beyond it.
    pub dead_letters: usize,
    /// Longest time an idle worker waits for a wake-up before it looks by itself.
    pub idle_wait: Duration,
    /// Longest time a push may take, connecting included, before the caller goes on without it.
    pub push_timeout: Duration,
    /// Longest time a worker waits for an answer before it takes the connection for dead.
    pub response_timeout: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        QueueConfig {
            outstanding_per_tenant: 1_000,
            lease: Duration::from_secs(30),
            max_attempts: 12,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(300),
            dead_letters: 10_000,
            idle_wait: Duration::from_secs(5),
            push_timeout: Duration::from_millis(250),
            response_timeout: Duration::from_secs(5),
        }
    }
}

/// How one worker consumes one queue.
#[derive(Debug, Clone)]
pub struct ConsumeOptions {
    /// The process, part of the worker's name, e.g. host and pid.
    pub process: String,
    /// Handlers that run at once.
    pub concurrency: usize,
    /// Jobs fetched ahead of the handlers, so that none waits for a round trip. Each of them may
    /// wait behind a slow handler while another worker idles.
    pub prefetch: usize,
    /// Longest time a handler may take; counts as a retry after it.
    pub timeout: Duration,
}

impl ConsumeOptions {
    /// `concurrency` handlers of at most five minutes each, a job fetched ahead for every fourth.
    pub fn new(process: impl Into<String>, concurrency: usize) -> ConsumeOptions {
        ConsumeOptions {
            process: process.into(),
            concurrency,
            prefetch: concurrency.div_ceil(4),
            timeout: Duration::from_secs(300),
        }
    }
}
