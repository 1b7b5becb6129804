//! What operators see of a queue, and do about its dead letters.

use super::error::QueueError;
use super::job::Job;
use super::queues::{JobQueue, PUSH_BATCH};
use super::scripts;
use crate::directory::TenantId;
use serde::Deserialize;
use serde_json::Value;

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
    /// Age of the oldest among the next 100 jobs to be served, in seconds; 0 when none is ready.
    pub oldest_ready_seconds: u64,
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

impl<J: Job> JobQueue<J> {
    /// How many jobs are where.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        let depth = self.keys.invoke(&scripts::DEPTH);
        let (ready, running, scheduled, dead, age): (usize, usize, usize, usize, u64) = self
            .shared
            .consumers
            .run(async |connection| depth.invoke_async(connection).await)
            .await?;
        Ok(Depth {
            ready,
            running,
            scheduled,
            dead,
            oldest_ready_seconds: age / 1000,
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
            .shared
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
                .shared
                .consumers
                .run(async |connection| requeue.invoke_async::<usize>(connection).await)
                .await?;
        }
        Ok(found)
    }
}
