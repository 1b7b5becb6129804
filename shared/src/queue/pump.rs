//! The task behind each worker that talks to Redis: fetches, renews, finishes, waits.
//!
//! One loop, one command at a time: what ends while a command is under way is written together
//! with the next one, so batches grow with the load. Failures of Redis are waited out with
//! backoff; after them leases are renewed before anything is fetched.

use super::buffer::Buffer;
use super::config::ConsumeOptions;
use super::consumer::task;
use super::error::QueueError;
use super::finish::{Finished, Ticket, Verdict};
use super::job::Job;
use super::ledger::{Fetch, Ledger};
use super::outcome::Delivery;
use super::queues::JobQueue;
use super::wake::Bell;
use apalis_codec::json::JsonCodec;
use apalis_core::backend::codec::Codec;
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout};

/// Most endings or renewals one script handles.
const BATCH: usize = 500;
/// How often a worker that holds jobs looks whether it is to stop: apalis does not tell a
/// backend while handlers run.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// How long a stopping worker waits for Redis to take its last endings.
const LAST_FLUSH: Duration = Duration::from_secs(5);
/// How long a dropped worker's handlers may take to report.
const LAST_WORD: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Pump<J: Job> {
    queue: &'static str,
    ledger: Ledger,
    lease: Duration,
    idle_wait: Duration,
    /// Most jobs held at once, running or buffered.
    capacity: usize,
    buffer: Arc<Buffer<J>>,
    endings: UnboundedReceiver<Finished>,
    worker: WorkerContext,
    bell: Bell,
    /// Id and fence of the jobs whose end is not in `unwritten` yet. After a long outage one job
    /// may be held under an old and a new fence.
    held: HashSet<(String, u64)>,
    unwritten: Vec<Finished>,
    renew_at: Instant,
    /// When something in the queue is due, or it is time to look anyway.
    fetch_at: Instant,
}

impl<J: Job> Pump<J> {
    pub(super) fn new(
        queue: &JobQueue<J>,
        options: &ConsumeOptions,
        buffer: Arc<Buffer<J>>,
        endings: UnboundedReceiver<Finished>,
        worker: WorkerContext,
    ) -> Pump<J> {
        let shared = &queue.shared;
        let now = Instant::now();
        Pump {
            queue: queue.name,
            ledger: Ledger {
                keys: queue.keys.clone(),
                link: queue.consumers.clone(),
                lease: shared.config.lease,
                dead_letters: shared.config.dead_letters,
                process: options.process.clone(),
            },
            lease: shared.config.lease,
            idle_wait: shared.config.idle_wait,
            capacity: options.concurrency.max(1) + options.prefetch,
            buffer,
            endings,
            worker,
            bell: Bell::new(Arc::clone(&shared.place), queue.keys.wake(), &shared.config),
            held: HashSet::new(),
            unwritten: Vec::new(),
            renew_at: now,
            fetch_at: now,
        }
    }

    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        while !self.buffer.is_closed() {
            match self.step().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    if !error.is_unavailable() {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            queue = self.queue,
                            "Redis refused a worker's command; trying on"
                        );
                    }
                    // what the others may have reclaimed meanwhile is found out before fetching
                    self.renew_at = Instant::now();
                    self.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self.close().await;
    }

    /// Everything that is due now, then wait for the next reason.
    async fn step(&mut self) -> Result<(), QueueError> {
        self.collect();
        self.flush().await?;
        self.renew().await?;
        if self.worker.is_shutting_down() {
            self.hand_back();
            self.flush().await?;
        } else if Instant::now() >= self.fetch_at && self.free() > 0 {
            self.fetch().await?;
        }
        self.wait().await
    }

    fn free(&self) -> usize {
        self.capacity.saturating_sub(self.held.len())
    }

    async fn wait(&mut self) -> Result<(), QueueError> {
        let stopping = self.worker.is_shutting_down();
        let fetches = !stopping && self.free() > 0;
        if !self.unwritten.is_empty() || (fetches && Instant::now() >= self.fetch_at) {
            return Ok(());
        }
        let now = Instant::now();
        let mut until = now + self.idle_wait;
        if fetches {
            until = until.min(self.fetch_at);
        }
        if !self.held.is_empty() {
            until = until
                .min(self.renew_at)
                .min(if stopping { until } else { now + STOP_CHECK });
        }
        let listens = fetches || self.bell.is_waiting();
        let rung = tokio::select! {
            Some(end) = self.endings.recv() => { self.end(end); false }
            () = self.buffer.closing.notified() => false,
            () = self.bell.rung(), if listens => true,
            () = sleep_until(until) => false,
        };
        if rung && fetches {
            self.fetch_at = Instant::now();
        } else if rung {
            // a token meant for someone with room
            self.ledger.write(&[]).await?;
        }
        Ok(())
    }

    /// Sit out a failure, but not the end of the worker.
    async fn pause(&mut self, pause: Duration) {
        tokio::select! {
            () = self.buffer.closing.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn collect(&mut self) {
        while let Ok(end) = self.endings.try_recv() {
            self.end(end);
        }
    }

    fn end(&mut self, end: Finished) {
        self.held.remove(&end.ticket.held());
        if let Verdict::Snooze(delay) | Verdict::Retry(delay) = &end.verdict {
            self.fetch_at = self.fetch_at.min(Instant::now() + *delay);
        }
        self.unwritten.push(end);
    }

    /// Give unstarted jobs to other workers.
    fn hand_back(&mut self) {
        for task in self.buffer.take_all() {
            if let Some(ticket) = task.data().get::<Ticket>().cloned() {
                self.end(Finished {
                    ticket,
                    verdict: Verdict::Back,
                });
            }
        }
    }

    /// Write endings to Redis.
    async fn flush(&mut self) -> Result<(), QueueError> {
        while !self.unwritten.is_empty() {
            let count = self.unwritten.len().min(BATCH);
            let kept = self.ledger.write(&self.unwritten[..count]).await?;
            for (end, _) in self.unwritten.drain(..count).zip(kept).filter(|(_, kept)| !kept) {
                // its lease ran out, or Redis was wiped: whoever holds it now decides
                tracing::info!(queue = self.queue, job = end.ticket.id, verdict = ?end.verdict,
                    "the end of a job no longer held was ignored");
            }
        }
        Ok(())
    }

    /// Extend the leases of all held jobs when a third of the lease has passed.
    async fn renew(&mut self) -> Result<(), QueueError> {
        if Instant::now() < self.renew_at {
            return Ok(());
        }
        let held: Vec<(String, u64)> = self.held.iter().cloned().collect();
        for batch in held.chunks(BATCH) {
            let kept = self.ledger.renew(batch).await?;
            for (job, _) in batch.iter().zip(kept).filter(|(_, kept)| !kept) {
                self.lose(job);
            }
        }
        self.renew_at = Instant::now() + self.lease / 3;
        Ok(())
    }

    /// Someone else has this job, or nobody has: it need not be started.
    fn lose(&mut self, job: &(String, u64)) {
        tracing::info!(queue = self.queue, job = job.0, "the lease of a job was lost");
        let mut tasks = self.buffer.tasks();
        let before = tasks.len();
        tasks.retain(|task| {
            task.data()
                .get::<Ticket>()
                .is_none_or(|ticket| ticket.held() != *job)
        });
        if tasks.len() < before {
            drop(tasks);
            self.held.remove(job);
        }
    }

    async fn fetch(&mut self) -> Result<(), QueueError> {
        let (left, due, jobs) = self.ledger.fetch(self.free().min(BATCH)).await?;
        let now = Instant::now();
        // the bell rings first when nothing is due
        let latest = now + self.idle_wait + Duration::from_secs(1);
        self.fetch_at = match u64::try_from(due) {
            _ if left > 0 => now,
            Ok(due) => latest.min(now + Duration::from_millis(due.max(1))),
            Err(_) => latest,
        };
        if jobs.is_empty() {
            return Ok(());
        }
        if self.held.is_empty() {
            self.renew_at = now + self.lease / 3;
        }
        let tasks: Vec<Task<J>> = jobs.into_iter().filter_map(|job| self.receive(job)).collect();
        self.buffer.add(tasks);
        Ok(())
    }

    /// A fetched job as a task; one this process cannot read is done with.
    fn receive(&mut self, (id, data, attempt, expired_leases, fence): Fetch) -> Option<Task<J>> {
        let ticket = Ticket {
            id,
            fence,
            delivery: Delivery {
                attempt: attempt.max(1),
                expired_leases,
            },
        };
        let problem = match Codec::<J>::decode(&JsonCodec::<Vec<u8>>::default(), &data) {
            Ok(job) if job.version() == J::VERSION => {
                self.held.insert(ticket.held());
                return Some(task(job, ticket));
            }
            Ok(job) => format!("version {} is unknown", job.version()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            queue = self.queue,
            job = ticket.id,
            problem,
            "dropped a job that cannot be read"
        );
        self.unwritten.push(Finished {
            ticket,
            verdict: Verdict::Done,
        });
        None
    }

    /// The worker is gone or waits for this: hand back and write what is left.
    async fn close(mut self) {
        let deadline = Instant::now() + LAST_FLUSH;
        self.bell.silence();
        self.hand_back();
        self.collect();
        // when a worker is dropped, its handlers report at the same time
        while !self.held.is_empty() {
            match timeout(LAST_WORD, self.endings.recv()).await {
                Ok(Some(end)) => self.end(end),
                _ => break,
            }
        }
        let mut pause = FIRST_PAUSE;
        loop {
            // with nothing to write this still passes on a token the bell may have taken
            let written = match self.flush().await {
                Ok(()) => self.ledger.write(&[]).await.map(|_| ()),
                Err(error) => Err(error),
            };
            match written {
                Ok(()) => return,
                Err(error) if Instant::now() + pause >= deadline => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        queue = self.queue,
                        jobs = self.unwritten.len(),
                        "stopped with endings unwritten; leases bring the jobs back"
                    );
                    return;
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}
