//! Signatures first.
use super::*;
use crate::config::RedisConfig;
use crate::directory::{Lane, TenantId};
use serde_json::Value;
use std::{future::Future, marker::PhantomData, time::Duration};

/// What an operation on a queue can fail with.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis is out of reach, too slow or restarting: go on without it, the feeder refills.
    #[error("Redis is unavailable")]
    Unavailable(#[source] Option<redis::RedisError>),
    /// The URL of Redis cannot be used.
    #[error("the Redis URL is not valid")]
    Url(#[source] redis::RedisError),
    /// Redis refused the command.
    #[error("Redis refused the command")]
    Refused(#[source] redis::RedisError),
    /// A job could not be written as JSON.
    #[error("the job cannot be encoded")]
    Encode(#[source] serde_json::Error),
}

/// What `/readyz` asks about Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisHealth {
    /// The server never drops keys under memory pressure (`maxmemory-policy noeviction`). True
    /// as well when the server does not let us ask.
    pub noeviction: bool,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: usize,
    /// Held by a worker.
    pub running: usize,
    /// Snoozed or backing off.
    pub scheduled: usize,
    /// Dead letters.
    pub dead: usize,
    /// Age of the oldest among the next jobs to be served, in seconds; 0 when none is ready.
    pub oldest_ready_seconds: u64,
}

/// A job that was given up on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadJob {
    pub id: String,
    pub tenant: TenantId,
    pub attempts: u32,
    pub error: String,
    pub job: Value,
}

/// All queues of a deployment.
pub struct Queues {
    /// Changes written one by one.
    pub live: JobQueue<ReconcileJob>,
    /// Changes of imports and resyncs.
    pub bulk: JobQueue<ReconcileJob>,
    /// Waiting links.
    pub links: JobQueue<LinksJob>,
}

/// One queue; cheap to clone.
pub struct JobQueue<J> {
    _job: PhantomData<fn() -> J>,
}

impl Queues {
    /// # Errors
    /// Only when the URL cannot be parsed; never because Redis is down.
    pub fn connect(_redis: &RedisConfig, _config: QueueConfig) -> Result<Queues, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    pub fn lane(&self, lane: Lane) -> &JobQueue<ReconcileJob> {
        match lane {
            Lane::Live => &self.live,
            Lane::Bulk => &self.bulk,
        }
    }

    pub async fn ping(&self) -> Result<RedisHealth, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    /// How many worker processes live, this one included.
    pub async fn heartbeat(&self, _process: &str, _ttl: Duration) -> Result<usize, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    /// Take this process out of the count at once.
    pub async fn depart(&self, _process: &str) -> Result<(), QueueError> {
        Err(QueueError::Unavailable(None))
    }
}

impl<J: Job> JobQueue<J> {
    pub fn name(&self) -> &str {
        ""
    }

    /// How many were accepted; the rest were over the tenant's cap.
    pub async fn push(&self, _tenant: TenantId, _jobs: &[J]) -> Result<usize, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    pub async fn room(&self, _tenant: TenantId) -> Result<usize, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    pub async fn depth(&self) -> Result<Depth, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    pub async fn dead(&self, _limit: usize) -> Result<Vec<DeadJob>, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    pub async fn requeue_dead(&self, _ids: &[String]) -> Result<usize, QueueError> {
        Err(QueueError::Unavailable(None))
    }

    /// Register a worker with the monitor that hands every job to `handler`.
    pub fn consume<H, F>(&self, monitor: Monitor, _options: ConsumeOptions, _handler: H) -> Monitor
    where
        H: Fn(J, Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, JobError>> + Send + 'static,
    {
        monitor
    }
}
