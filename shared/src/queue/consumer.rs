//! Queues as apalis workers.
//!
//! apalis asks its [`Backend`] for one task at a time and turns every error it gets into the end
//! of the worker. Its own `Persisted` backend acknowledges only while nothing is buffered and
//! drops a running fetch at shutdown, with the jobs that fetch had claimed. So a [`Consumer`]
//! never fails and does no I/O itself: it hands out what its [`Pump`], a task of its own, has
//! fetched.

use super::buffer::Buffer;
use super::config::ConsumeOptions;
use super::error::QueueError;
use super::finish::{FinishLayer, Finished, Ticket};
use super::job::Job;
use super::outcome::{Delivery, JobError, Outcome};
use super::pump::Pump;
use super::queues::JobQueue;
use crate::directory::TenantId;
use apalis::layers::WorkerBuilderExt;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::monitor::Monitor;
use apalis_core::task::{Task, data::Data};
use apalis_core::worker::ext::parallelize::ParallelizeLayer;
use apalis_core::worker::{builder::WorkerBuilder, context::WorkerContext};
use futures::{FutureExt, Sink, future::BoxFuture};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinHandle};
use uuid::Uuid;

impl<J: Job> JobQueue<J> {
    /// Register a worker that hands every job of this queue to `handler`.
    ///
    /// Handlers run as tasks of their own, `options.concurrency` at once. While one runs, its
    /// lease is renewed. A panic or a timeout counts as [`JobError::Retry`]. A job that cannot be
    /// read, or is of another version, is dropped with a warning: whoever pushed it will find
    /// that the work is still to be done. No failure of Redis ends the worker. When the monitor
    /// shuts down, jobs not yet started are handed back, and running handlers are finished.
    pub fn consume<H, F>(&self, monitor: Monitor, options: ConsumeOptions, handler: H) -> Monitor
    where
        H: Fn(J, Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, JobError>> + Send + 'static,
    {
        let queue = self.clone();
        monitor.register(move |_| {
            // names must be unique per start
            let name = format!("{}-{}-{}", queue.name, options.process, Uuid::now_v7().simple());
            let handler = handler.clone();
            // outermost first
            WorkerBuilder::new(name)
                .backend(Consumer::new(queue.clone(), options.clone()))
                .concurrency(options.concurrency.max(1))
                .layer(ParallelizeLayer::new(spawn))
                .timeout(options.timeout)
                .catch_panic()
                .build(move |job: J, delivery: Data<Delivery>| handler(job, *delivery))
        })
    }
}

/// A handler's task; ends with the worker that waits for it.
struct Spawned<T>(JoinHandle<T>);

fn spawn<F>(future: F) -> Spawned<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Spawned(tokio::spawn(future))
}

impl<T> Future for Spawned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl<T> Drop for Spawned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One worker's view of a queue, as apalis wants it.
pub(super) struct Consumer<J: Job> {
    queue: JobQueue<J>,
    options: ConsumeOptions,
    buffer: Arc<Buffer<J>>,
    finished: UnboundedSender<Finished>,
    /// Taken by the pump when the worker starts.
    endings: Option<UnboundedReceiver<Finished>>,
    pump: Option<JoinHandle<()>>,
    outgoing: Vec<J>,
    flushing: Option<Flush>,
}

type Flush = BoxFuture<'static, Result<(), QueueError>>;

impl<J: Job> Consumer<J> {
    fn new(queue: JobQueue<J>, options: ConsumeOptions) -> Consumer<J> {
        let (finished, endings) = unbounded_channel();
        Consumer {
            queue,
            options,
            buffer: Arc::default(),
            finished,
            endings: Some(endings),
            pump: None,
            outgoing: Vec::new(),
            flushing: None,
        }
    }
}

impl<J: Job> Drop for Consumer<J> {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

impl<J: Job> Backend for Consumer<J> {
    type Task = Task<J>;
    type Error = QueueError;

    fn poll_ready(&mut self, _: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), QueueError>> {
        if let Some(endings) = self.endings.take() {
            let pump = Pump::new(
                &self.queue,
                &self.options,
                self.buffer.clone(),
                endings,
                worker.clone(),
            );
            self.pump = Some(tokio::spawn(pump.run()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<J>, QueueError>>> {
        self.buffer.poll_pop(context).map(|task| task.map(Ok))
    }

    fn poll_close(&mut self, context: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), QueueError>> {
        self.buffer.close();
        match &mut self.pump {
            None => Poll::Ready(Ok(())),
            Some(pump) => pump.poll_unpin(context).map(|ended| {
                if let Err(error) = ended {
                    tracing::error!(%error, queue = self.queue.name, "the queue's pump panicked");
                }
                self.pump = None;
                Ok(())
            }),
        }
    }
}

impl<J: Job> BackendConfig for Consumer<J> {
    type Args = J;
    type Id = Uuid;
    /// Tasks leave this backend decoded.
    type Kind = Ephemeral;
    type Config = ConsumeOptions;
    type Layer = FinishLayer;

    fn config(&self) -> &ConsumeOptions {
        &self.options
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> FinishLayer {
        FinishLayer {
            queue: self.queue.name,
            config: self.queue.shared.config.clone(),
            finished: self.finished.clone(),
        }
    }
}

/// Makes the consumer an apalis `TaskSink`.
impl<J: Job> Sink<Task<J>> for Consumer<J> {
    type Error = QueueError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, task: Task<J>) -> Result<(), QueueError> {
        self.get_mut().outgoing.push(task.take().0);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        let this = self.get_mut();
        if this.flushing.is_none() && this.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let flushing = this.flushing.get_or_insert_with(|| {
            let queue = this.queue.clone();
            let mut by_tenant: BTreeMap<TenantId, Vec<J>> = BTreeMap::new();
            for job in std::mem::take(&mut this.outgoing) {
                by_tenant.entry(job.tenant()).or_default().push(job);
            }
            Box::pin(async move {
                for (tenant, jobs) in by_tenant {
                    if queue.push(tenant, &jobs).await? < jobs.len() {
                        return Err(QueueError::Full);
                    }
                }
                Ok(())
            })
        });
        let result = futures::ready!(flushing.poll_unpin(context));
        this.flushing = None;
        Poll::Ready(result)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        Sink::poll_flush(self, context)
    }
}

/// A delivered job as an apalis task.
pub(super) fn task<J: Job>(job: J, ticket: Ticket) -> Task<J> {
    use apalis_core::task::{builder::TaskBuilder, task_id::TaskId};
    TaskBuilder::new(job)
        .task_id(TaskId::from_string(ticket.id.clone()))
        .attempt(usize::try_from(ticket.delivery.attempt - 1).unwrap_or(0))
        .data(ticket.delivery)
        .data(ticket)
        .build()
}
