//! What operators see of a queue, and do about its dead letters.

use super::error::QueueError;
use super::job::Job;
use super::queues::{JobQueue, PUSH_BATCH, Queues};
use super::scripts;
use crate::directory::{TenantId, WorkLane};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: usize,
    /// Held by a worker.
    pub running: usize,
    /// Snoozed or backing off.
    pub scheduled: usize,
    /// Dead letters.
    pub dead: usize,
    /// Age of the oldest among the next 100 jobs to be served, in seconds; 0 when none is ready.
    pub oldest_ready_seconds: u64,
    /// Jobs that came to their end per second, over the last minute.
    pub finished_per_second: f64,
}

/// Who works on a queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holders {
    /// Jobs of the tenant that are ready, scheduled or running.
    pub outstanding: usize,
    /// Processes that hold jobs, and how many, by name; an empty name is a process of an older version.
    pub jobs: BTreeMap<String, usize>,
}

/// A job that was given up on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadJob {
    pub id: String,
    pub tenant: TenantId,
    /// Deliveries that failed, the last one included.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: String,
    /// The job as it was pushed.
    pub job: Value,
}

/// A dead letter as it lies in Redis.
#[derive(Deserialize)]
struct Letter {
    tenant: String,
    attempts: u32,
    error: String,
    job: String,
}

impl Queues {
    /// The depth of every queue.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn depths(&self) -> Result<[(WorkLane, Depth); 4], QueueError> {
        Ok([
            (WorkLane::Live, self.live.depth().await?),
            (WorkLane::Bulk, self.bulk.depth().await?),
            (WorkLane::Links, self.links.depth().await?),
            (WorkLane::Runs, self.runs.depth().await?),
        ])
    }

    /// Who works on every queue.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn holders(&self, tenant: TenantId) -> Result<[(WorkLane, Holders); 4], QueueError> {
        Ok([
            (WorkLane::Live, self.live.holders(tenant).await?),
            (WorkLane::Bulk, self.bulk.holders(tenant).await?),
            (WorkLane::Links, self.links.holders(tenant).await?),
            (WorkLane::Runs, self.runs.holders(tenant).await?),
        ])
    }
}

impl<J: Job> JobQueue<J> {
    /// How many jobs are where.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        let depth = self.keys.invoke(&scripts::DEPTH);
        type Figures = (usize, usize, usize, usize, u64, u64, u64);
        let (ready, running, scheduled, dead, age, finished, time): Figures = self
            .consumers
            .run(async |connection| depth.invoke_async(connection).await)
            .await?;
        Ok(Depth {
            ready,
            running,
            scheduled,
            dead,
            oldest_ready_seconds: age / 1000,
            finished_per_second: finished as f64 * 1000.0 / time.max(1) as f64,
        })
    }

    /// Which processes hold jobs, and how many jobs the tenant has outstanding.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn holders(&self, tenant: TenantId) -> Result<Holders, QueueError> {
        let mut holders = self.keys.invoke(&scripts::HOLDERS);
        holders.arg(tenant.0);
        let (outstanding, jobs): (usize, Vec<(String, usize)>) = self
            .consumers
            .run(async |connection| holders.invoke_async(connection).await)
            .await?;
        Ok(Holders {
            outstanding,
            jobs: jobs.into_iter().collect(),
        })
    }

    /// The newest dead letters.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn dead(&self, limit: usize) -> Result<Vec<DeadJob>, QueueError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (ids, letters) = self
            .consumers
            .run(async |connection| {
                let ids: Vec<String> = redis::cmd("ZREVRANGE")
                    .arg(self.keys.dead())
                    .arg(0)
                    .arg(limit - 1)
                    .query_async(connection)
                    .await?;
                if ids.is_empty() {
                    return Ok((ids, Vec::new()));
                }
                let letters: Vec<Option<Vec<u8>>> = redis::cmd("HMGET")
                    .arg(self.keys.letters())
                    .arg(&ids)
                    .query_async(connection)
                    .await?;
                Ok((ids, letters))
            })
            .await?;
        ids.into_iter()
            .zip(letters)
            .filter_map(|(id, letter)| Some((id, letter?)))
            .map(|(id, letter)| {
                let letter: Letter = serde_json::from_slice(&letter)?;
                Ok(DeadJob {
                    id,
                    tenant: TenantId(letter.tenant.parse().unwrap_or_default()),
                    attempts: letter.attempts,
                    error: letter.error,
                    job: serde_json::from_str(&letter.job).unwrap_or(Value::Null),
                })
            })
            .collect()
    }

    /// Put these dead letters back into the queue, with all their attempts and whatever the
    /// tenant's cap. Returns how many were found.
    ///
    /// # Errors
    /// When Redis is out of reach; some of the letters may be back nevertheless.
    pub async fn requeue_dead(&self, ids: &[String]) -> Result<usize, QueueError> {
        let mut found = 0;
        for batch in ids.chunks(PUSH_BATCH) {
            let mut requeue = self.keys.invoke(&scripts::REQUEUE);
            requeue.arg(batch);
            found += self
                .consumers
                .run(async |connection| requeue.invoke_async::<usize>(connection).await)
                .await?;
        }
        Ok(found)
    }
}
