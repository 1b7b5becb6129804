//! A tenant's line of questions, and the fetches that answer them, batch by batch.
//!
//! Without a timer: who comes while there is room for a fetch is answered at once. What comes while all fetches
//! are under way waits, and is answered by one.

use super::GatherError;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Fetches of a tenant under way at once: Postgres has the next while this process works on the last.
const AT_ONCE: usize = 2;
/// Questions that one fetch answers.
const BATCH: usize = 128;

/// Where the answers are.
pub(super) trait Source: Send + Sync + 'static {
    type Connection: Send;
    type Asked: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// Wait for a connection. Until there is one, a fetch has not begun.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;

    /// An answer for each question, in their order.
    fn fetch(
        &self,
        connection: Self::Connection,
        tenant: TenantId,
        asked: &[Self::Asked],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

pub(super) struct Lines<S: Source> {
    source: S,
    tenants: Mutex<HashMap<TenantId, Line<S>>>,
}

struct Line<S: Source> {
    waiting: VecDeque<Item<S>>,
    fetches: usize,
    /// One of them is about to take what waits.
    beginning: bool,
}

struct Item<S: Source> {
    asked: S::Asked,
    reply: Reply<S>,
}

type Reply<S> = oneshot::Sender<Result<<S as Source>::Answer, GatherError>>;

impl<S: Source> Default for Line<S> {
    fn default() -> Line<S> {
        Line {
            waiting: VecDeque::new(),
            fetches: 0,
            beginning: false,
        }
    }
}

impl<S: Source> Lines<S> {
    pub(super) fn new(source: S) -> Lines<S> {
        Lines {
            source,
            tenants: Mutex::default(),
        }
    }

    pub(super) fn source(&self) -> &S {
        &self.source
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Line<S>>> {
        // A panic cannot leave the map half-changed: nothing that panics runs under the lock.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Join the tenant's line, and wait for the answer of a fetch that begins after that.
    ///
    /// # Errors
    /// When that fetch fails.
    pub(super) async fn ask(
        self: &Arc<Self>,
        tenant: TenantId,
        asked: S::Asked,
    ) -> Result<S::Answer, GatherError> {
        let (reply, answer) = oneshot::channel();
        {
            let mut tenants = self.tenants();
            let line = tenants.entry(tenant).or_default();
            line.waiting.push_back(Item { asked, reply });
            self.begin(tenant, line);
        }
        answer.await.unwrap_or(Err(GatherError::Panicked))
    }

    /// See to it that somebody takes what waits. In a task of its own: a request that is given up takes
    /// nobody else's answer with it.
    fn begin(self: &Arc<Self>, tenant: TenantId, line: &mut Line<S>) {
        if line.waiting.is_empty() || line.beginning || line.fetches >= AT_ONCE {
            return;
        }
        line.beginning = true;
        line.fetches += 1;
        let lines = Arc::clone(self);
        // Made in its task: a runtime that ends drops the task at once, and nobody is to join the line then.
        tokio::spawn(async move {
            let fetch = Fetch {
                lines,
                tenant,
                begun: false,
            };
            fetch.run().await;
        });
    }
}

/// A fetch, counted as long as it lives: a panic must not keep others from beginning.
struct Fetch<S: Source> {
    lines: Arc<Lines<S>>,
    tenant: TenantId,
    begun: bool,
}

impl<S: Source> Fetch<S> {
    async fn run(mut self) {
        let connection = self.lines.source.connect().await;
        // Without connections nobody is to wait in vain one batch after the other.
        let most = if connection.is_ok() { BATCH } else { usize::MAX };
        let (asked, replies) = self.take(most);
        let answers = match connection {
            Ok(_) if asked.is_empty() => return,
            Ok(connection) => self.lines.source.fetch(connection, self.tenant, &asked).await,
            Err(error) => Err(error),
        };
        // The next begins before these are told.
        drop(self);
        reply::<S>(replies, answers);
    }

    /// What this fetch is to answer; whoever hung up meanwhile is left out.
    fn take(&mut self, most: usize) -> (Vec<S::Asked>, Vec<Reply<S>>) {
        let mut tenants = self.lines.tenants();
        let line = tenants.entry(self.tenant).or_default();
        self.begun = true;
        line.beginning = false;
        line.waiting.retain(|item| !item.reply.is_closed());
        let batch = line.waiting.drain(..most.min(line.waiting.len()));
        let batch = batch.map(|item| (item.asked, item.reply)).unzip();
        self.lines.begin(self.tenant, line);
        batch
    }
}

impl<S: Source> Drop for Fetch<S> {
    fn drop(&mut self) {
        let mut tenants = self.lines.tenants();
        let Some(line) = tenants.get_mut(&self.tenant) else {
            return;
        };
        line.fetches -= 1;
        line.beginning &= self.begun;
        self.lines.begin(self.tenant, line);
        if line.fetches == 0 {
            tenants.remove(&self.tenant);
        }
    }
}

/// Tell everybody. A client that hung up no longer listens.
fn reply<S: Source>(replies: Vec<Reply<S>>, answers: Result<Vec<S::Answer>, StoreError>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for reply in replies {
                let _ = reply.send(Err(GatherError::Store(Arc::clone(&error))));
            }
        }
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
