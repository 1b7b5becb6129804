//! Between a worker and its pump.

use apalis_core::task::Task;
use futures::task::AtomicWaker;
use std::collections::VecDeque;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// Fetched jobs on their way to the worker.
pub(super) struct Buffer<J> {
    tasks: Mutex<VecDeque<Task<J>>>,
    worker: AtomicWaker,
    closed: AtomicBool,
    /// Told once, when the worker takes no more jobs.
    pub(super) closing: Notify,
}

impl<J> Default for Buffer<J> {
    fn default() -> Self {
        Buffer {
            tasks: Mutex::default(),
            worker: AtomicWaker::new(),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }
}

impl<J> Buffer<J> {
    pub(super) fn tasks(&self) -> MutexGuard<'_, VecDeque<Task<J>>> {
        // nothing panics while it is locked
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, tasks: impl IntoIterator<Item = Task<J>>) {
        self.tasks().extend(tasks);
        self.worker.wake();
    }

    pub(super) fn take_all(&self) -> VecDeque<Task<J>> {
        std::mem::take(&mut *self.tasks())
    }

    /// The next job, for the worker.
    pub(super) fn poll_pop(&self, context: &mut Context<'_>) -> Poll<Option<Task<J>>> {
        self.worker.register(context.waker());
        match self.tasks().pop_front() {
            Some(task) => Poll::Ready(Some(task)),
            None if self.is_closed() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// The worker takes no more jobs.
    pub(super) fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.closing.notify_one();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
