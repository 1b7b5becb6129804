//! The queues of a deployment, as seen by those who fill and watch them.

use super::config::QueueConfig;
use super::error::QueueError;
use super::job::{Job, LinksJob, ReconcileJob, RunJob};
use super::keys::{self, Keys};
use super::link::{Link, millis};
use super::place::Place;
use super::scripts;
use crate::config::RedisConfig;
use crate::directory::{Lane, TenantId};
use apalis_codec::json::JsonCodec;
use apalis_core::backend::codec::Codec;
use std::{marker::PhantomData, sync::Arc, time::Duration};
use uuid::Uuid;

/// Most jobs one push script adds: longer ones would keep Redis from everyone else.
pub(super) const PUSH_BATCH: usize = 250;
/// How long a worker process counts as alive after its last heartbeat.
pub const ALIVE: Duration = Duration::from_secs(5);
/// How long one that fell silent is still listed.
const REMEMBERED: Duration = Duration::from_secs(300);

/// A worker process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    pub name: String,
    pub alive: bool,
    /// Seconds since its last heartbeat.
    pub silent_seconds: f64,
}

/// All queues of a deployment.
#[derive(Clone)]
pub struct Queues {
    /// Changes written one by one.
    pub live: JobQueue<ReconcileJob>,
    /// Changes of imports and resyncs.
    pub bulk: JobQueue<ReconcileJob>,
    /// Waiting links.
    pub links: JobQueue<LinksJob>,
    /// Resync runs.
    pub runs: JobQueue<RunJob>,
    processes: String,
    consumers: Link,
    /// Every server there is to reach, and the keys by which it is known.
    pub(super) pinged: Vec<(Link, Vec<String>)>,
}

impl Queues {
    /// The queues on this server. Connections are opened at first use.
    ///
    /// # Errors
    /// [`QueueError::Url`]; never because Redis is down.
    pub fn connect(redis: &RedisConfig, config: QueueConfig) -> Result<Queues, QueueError> {
        let place = Arc::new(Place::of(redis)?);
        let processes = keys::processes(&redis.redis_prefix);
        let cluster = place.is_cluster();
        let shared = Arc::new(Shared {
            place,
            config,
            prefix: redis.redis_prefix.clone(),
        });
        let (producers, consumers) = shared.links(&processes);
        let mut pinged = vec![(producers.clone(), vec![processes.clone()])];
        // One server serves all queues over the same two connections. In a cluster each queue has its own,
        // which lead to the owner of its slot.
        let mut links = |name| {
            let wake = Keys::new(&shared.prefix, name).wake().to_owned();
            if cluster {
                let (producers, consumers) = shared.links(&wake);
                pinged.push((producers.clone(), vec![wake]));
                return (producers, consumers);
            }
            pinged.iter_mut().for_each(|(_, keys)| keys.push(wake.clone()));
            (producers.clone(), consumers.clone())
        };
        Ok(Queues {
            live: JobQueue::new(&shared, "reconcile-live", &mut links),
            bulk: JobQueue::new(&shared, "reconcile-bulk", &mut links),
            links: JobQueue::new(&shared, "links", &mut links),
            runs: JobQueue::new(&shared, "runs", &mut links),
            processes,
            consumers,
            pinged,
        })
    }

    /// The queue in which changes of this lane travel.
    pub fn lane(&self, lane: Lane) -> &JobQueue<ReconcileJob> {
        match lane {
            Lane::Live => &self.live,
            Lane::Bulk => &self.bulk,
        }
    }

    /// Report this worker process as alive for `ttl`; returns how many are alive, this one
    /// included. Times are the server's.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn heartbeat(&self, process: &str, ttl: Duration) -> Result<usize, QueueError> {
        self.beat(process, millis(ttl).max(1)).await
    }

    /// How many worker processes are alive.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn processes(&self) -> Result<usize, QueueError> {
        // Taking out a process that never was only counts.
        self.beat("", 0).await
    }

    /// The worker processes that are alive, or were until a few minutes ago, by name.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn registry(&self) -> Result<Vec<Process>, QueueError> {
        let found: Vec<(String, i64)> = self
            .consumers
            .run(async |connection| {
                scripts::PROCESSES
                    .key(&self.processes)
                    .invoke_async(connection)
                    .await
            })
            .await?;
        let alive = i64::try_from(millis(ALIVE)).unwrap_or(i64::MAX);
        let mut processes: Vec<Process> = found
            .into_iter()
            .map(|(name, left)| Process {
                name,
                alive: left > 0,
                silent_seconds: (alive - left).max(0) as f64 / 1000.0,
            })
            .collect();
        processes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(processes)
    }

    /// Take this worker process out of the count at once.
    ///
    /// # Errors
    /// When Redis is out of reach; the process then leaves when its last heartbeat ends.
    pub async fn depart(&self, process: &str) -> Result<(), QueueError> {
        self.beat(process, 0).await.map(|_| ())
    }

    async fn beat(&self, process: &str, ttl: u64) -> Result<usize, QueueError> {
        self.consumers
            .run(async |connection| {
                scripts::HEARTBEAT
                    .key(&self.processes)
                    .arg(process)
                    .arg(ttl)
                    .arg(millis(REMEMBERED))
                    .invoke_async(connection)
                    .await
            })
            .await
    }
}

/// What all queues of a process share.
pub(super) struct Shared {
    pub(super) place: Arc<Place>,
    pub(super) config: QueueConfig,
    prefix: String,
}

impl Shared {
    /// For producers and for consumers, to the server that holds this key.
    fn links(&self, key: &str) -> (Link, Link) {
        let link = |purpose, timeout| Link::new(Arc::clone(&self.place), key, purpose, timeout);
        (
            link("push", self.config.push_timeout),
            link("work", self.config.response_timeout),
        )
    }
}

/// One queue; cheap to clone.
pub struct JobQueue<J> {
    pub(super) name: &'static str,
    pub(super) keys: Keys,
    pub(super) shared: Arc<Shared>,
    pub(super) producers: Link,
    pub(super) consumers: Link,
    _job: PhantomData<fn() -> J>,
}

impl<J> Clone for JobQueue<J> {
    fn clone(&self) -> Self {
        JobQueue {
            name: self.name,
            keys: self.keys.clone(),
            shared: self.shared.clone(),
            producers: self.producers.clone(),
            consumers: self.consumers.clone(),
            _job: PhantomData,
        }
    }
}

impl<J: Job> JobQueue<J> {
    fn new(
        shared: &Arc<Shared>,
        name: &'static str,
        links: impl FnOnce(&'static str) -> (Link, Link),
    ) -> JobQueue<J> {
        let (producers, consumers) = links(name);
        JobQueue {
            name,
            keys: Keys::new(&shared.prefix, name),
            shared: shared.clone(),
            producers,
            consumers,
            _job: PhantomData,
        }
    }

    /// The queue's name, as in keys, logs and metrics.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Most outstanding jobs of one tenant.
    pub fn cap(&self) -> usize {
        self.shared.config.outstanding_per_tenant
    }

    /// Add jobs of one tenant. Returns how many were accepted, counted from the front; the rest
    /// were over the tenant's cap. Takes at most the push timeout, and fails at once within
    /// 200 ms of an earlier failure.
    ///
    /// # Errors
    /// When Redis is out of reach. Some of the jobs may be in the queue nevertheless; pushing
    /// them again is harmless.
    pub async fn push(&self, tenant: TenantId, jobs: &[J]) -> Result<usize, QueueError> {
        let codec = JsonCodec::<Vec<u8>>::default();
        let mut accepted = 0;
        for batch in jobs.chunks(PUSH_BATCH) {
            let mut push = self.keys.invoke(&scripts::PUSH);
            push.arg(self.cap()).arg(tenant.0);
            for job in batch {
                push.arg(Uuid::now_v7().to_string()).arg(codec.encode(job)?);
            }
            let fitted: usize = self
                .producers
                .try_run(async |connection| push.invoke_async(connection).await)
                .await?;
            accepted += fitted;
            if fitted < batch.len() {
                break;
            }
        }
        Ok(accepted)
    }

    /// How many more jobs this tenant may have outstanding.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub async fn room(&self, tenant: TenantId) -> Result<usize, QueueError> {
        let (any, outstanding): (bool, Option<i64>) = self
            .producers
            .try_run(async |connection| {
                redis::pipe()
                    .exists(self.keys.data())
                    .hget(self.keys.tenants(), tenant.0)
                    .query_async(connection)
                    .await
            })
            .await?;
        let outstanding = outstanding.filter(|_| any).unwrap_or(0);
        Ok(self
            .cap()
            .saturating_sub(usize::try_from(outstanding).unwrap_or(0)))
    }
}
