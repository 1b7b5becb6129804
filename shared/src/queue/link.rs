//! Connections that come back by themselves.
//!
//! The redis crate's `ConnectionManager` keeps a failed connection attempt as its answer unless
//! the failure was an I/O error, so one "max number of clients reached" during start-up would
//! stay for good. A [`Link`] drops its connection after any failure that is not the plain answer
//! to a command, and opens a new one at the next use, to whichever server it is by then.

use super::error::QueueError;
use super::place::Place;
use redis::{
    AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, ServerErrorKind, aio::MultiplexedConnection,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long producers do without Redis after it failed them.
const SUSPENSION: Duration = Duration::from_millis(200);

/// One shared connection, opened at first use.
#[derive(Clone)]
pub(super) struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    place: Arc<Place>,
    /// It leads to the server that holds this key.
    key: String,
    config: AsyncConnectionConfig,
    timeout: Duration,
    purpose: &'static str,
    current: Mutex<Slot>,
    down: AtomicBool,
    /// For [`Link::try_run`]: until when Redis is not asked, in milliseconds after `started`.
    suspended_until: AtomicU64,
    started: Instant,
}

#[derive(Default)]
struct Slot {
    connection: Option<MultiplexedConnection>,
    /// Grows with each connection, so that a late failure does not drop its successor.
    generation: u64,
}

impl Link {
    /// No I/O happens here. `timeout` bounds connecting and each answer.
    pub(super) fn new(place: Arc<Place>, key: &str, purpose: &'static str, timeout: Duration) -> Link {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        Link {
            inner: Arc::new(Inner {
                place,
                key: key.to_owned(),
                config,
                timeout,
                purpose,
                current: Mutex::default(),
                down: AtomicBool::new(false),
                suspended_until: AtomicU64::new(0),
                started: Instant::now(),
            }),
        }
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut slot = self.inner.current.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok((connection.clone(), slot.generation));
        }
        let inner = &self.inner;
        let connection = inner
            .place
            .connect(&inner.key, &inner.config, inner.timeout)
            .await?;
        slot.generation += 1;
        slot.connection = Some(connection.clone());
        Ok((connection, slot.generation))
    }

    async fn discard(&self, generation: u64) {
        let mut slot = self.inner.current.lock().await;
        if slot.generation == generation {
            slot.connection = None;
        }
    }

    /// Run commands; the first failure and the first success after it are logged.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when Redis is out of reach, [`QueueError::Refused`] when it
    /// answered with an error.
    pub(super) async fn run<T>(
        &self,
        commands: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, QueueError> {
        let result = match self.connection().await {
            Ok((mut connection, generation)) => {
                let result = commands(&mut connection).await;
                if result.as_ref().is_err_and(ends_connection) {
                    self.discard(generation).await;
                }
                result
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(value) => {
                self.succeeded();
                Ok(value)
            }
            Err(error) => {
                self.failed(&error);
                Err(error.into())
            }
        }
    }

    /// [`Link::run`] within the timeout as a whole, and not at all within 200 ms of a failure, of
    /// which one caller at a time finds out whether it is over.
    ///
    /// # Errors
    /// As [`Link::run`], and [`QueueError::Suspended`].
    pub(super) async fn try_run<T>(
        &self,
        commands: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, QueueError> {
        let inner = &self.inner;
        let until = inner.suspended_until.load(Ordering::Acquire);
        if until > 0 {
            let now = self.elapsed_ms();
            let next = now + millis(SUSPENSION.max(inner.timeout));
            let probes = now >= until
                && inner
                    .suspended_until
                    .compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok();
            if !probes {
                return Err(QueueError::Suspended);
            }
        }
        let result = match tokio::time::timeout(inner.timeout, self.run(commands)).await {
            Ok(result) => result,
            Err(_) => {
                let error = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
                self.failed(&error);
                Err(error.into())
            }
        };
        let until = match &result {
            Err(error) if error.is_unavailable() => self.elapsed_ms() + millis(SUSPENSION),
            _ => 0,
        };
        inner.suspended_until.store(until, Ordering::Release);
        result
    }

    fn elapsed_ms(&self) -> u64 {
        millis(self.inner.started.elapsed())
    }

    fn failed(&self, error: &RedisError) {
        if !self.inner.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, purpose = self.inner.purpose, "Redis failed; trying on");
        }
    }

    fn succeeded(&self) {
        if self.inner.down.load(Ordering::Relaxed) && self.inner.down.swap(false, Ordering::Relaxed) {
            tracing::info!(purpose = self.inner.purpose, "Redis is back");
        }
    }
}

/// Everything but an ordinary answer: a new connection may lead to a server that works.
fn ends_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed => true,
        ErrorKind::Server(
            ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::ClusterDown,
        ) => true,
        _ => error.is_unrecoverable_error(),
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
