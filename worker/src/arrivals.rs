//! Those who wait for what was applied are woken together.
//!
//! Without a timer: while some of a tenant's are woken the next gather. One at a time: they are about the same
//! groups as a rule, and would wait for each other in the database. Their jobs are over meanwhile, unless many are
//! behind: `wakes` tells whoever takes over from a process that dies.

use crate::context::Context;
use crate::error::{ReconcileError, Remedy};
use crate::reconcile::Wake;
use futures::FutureExt as _;
use rollcall_shared::directory::TenantId;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

/// Tenants whose arrivals are seen to at once: they share the connections with everything else.
const AT_ONCE: usize = 4;
/// Transactions whose arrivals may gather before a job waits for its own; also the most that are seen to at once.
const MOST_BEHIND: usize = 32;
/// Longest that is spent on what has gathered. A connection whose other end is gone may never answer.
const LONGEST: Duration = Duration::from_secs(240);
/// How often is said that somebody is at it, well before the feeder takes them over.
const STILL_AT_IT: Duration = Duration::from_secs(2);

/// Who is to be woken, by tenant; a tenant that is there has a task that wakes.
pub(crate) struct Arrivals {
    tenants: Mutex<HashMap<TenantId, Gathered>>,
    at_once: Semaphore,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Gathered {
    waiting: Vec<Arrival>,
    /// Rows in `wakes` of those that are seen to.
    under_way: Vec<i64>,
}

/// What one transaction gave reason to.
struct Arrival {
    wakes: Vec<Wake>,
    done: oneshot::Sender<()>,
}

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals {
            tenants: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            tasks: TaskTracker::new(),
        }
    }
}

impl Arrivals {
    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Gathered>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when nothing is left to be done. For a process that ends.
    pub(crate) async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Some of what has gathered; `None`, and the tenant is forgotten, when nothing has.
    fn next(&self, tenant: TenantId) -> Option<Vec<Arrival>> {
        let mut tenants = self.tenants();
        let gathered = tenants.get_mut(&tenant)?;
        if gathered.waiting.is_empty() {
            tenants.remove(&tenant);
            return None;
        }
        let next = gathered.waiting.len().min(MOST_BEHIND);
        let next: Vec<Arrival> = gathered.waiting.drain(..next).collect();
        gathered.under_way = rows(&next).collect();
        Some(next)
    }

    /// Rows in `wakes` that somebody is at, or will be.
    fn rows(&self, tenant: TenantId) -> Vec<i64> {
        let tenants = self.tenants();
        let gathered = tenants.get(&tenant);
        gathered.map_or(vec![], |gathered| {
            let waiting = rows(&gathered.waiting);
            waiting.chain(gathered.under_way.iter().copied()).collect()
        })
    }
}

fn rows(arrivals: &[Arrival]) -> impl Iterator<Item = i64> {
    let wakes = arrivals.iter().flat_map(|arrival| &arrival.wakes);
    wakes.flat_map(|wake| wake.ids.iter().copied())
}

/// See to it that all of them are woken. Where many are behind, returns when it is done or was left to the feeder.
pub(crate) async fn wake(context: &Arc<Context>, tenant: TenantId, wakes: Vec<Wake>) {
    if wakes.is_empty() {
        return;
    }
    let (done, woken) = oneshot::channel();
    let many = {
        let mut tenants = context.arrivals.tenants();
        let idle = !tenants.contains_key(&tenant);
        let gathered = tenants.entry(tenant).or_default();
        gathered.waiting.push(Arrival { wakes, done });
        let many = gathered.waiting.len() > MOST_BEHIND;
        if idle {
            context.arrivals.tasks.spawn(serve(Arc::clone(context), tenant));
        }
        many
    };
    if many {
        // Nobody answers where the process ends: the feeder of another one does it.
        let _ = woken.await;
    }
}

async fn serve(context: Arc<Context>, tenant: TenantId) {
    loop {
        let turn = context.arrivals.at_once.acquire().await;
        let Some(arrivals) = context.arrivals.next(tenant) else {
            return;
        };
        tokio::select! {
            () = see_to(&context, tenant, &arrivals) => {}
            () = tell(&context, tenant) => {}
        }
        drop(turn);
        for arrival in arrivals {
            let _ = arrival.done.send(());
        }
    }
}

/// All of them at once; one by one where one of them is not to be settled, so that only that is left to the feeder.
async fn see_to(context: &Context, tenant: TenantId, arrivals: &[Arrival]) {
    let all = arrivals.iter().flat_map(|arrival| arrival.wakes.iter().cloned());
    match woken(context, tenant, all.collect()).await {
        Ok(()) => return,
        Err(error) if arrivals.len() == 1 || error.remedy() != Remedy::Isolate => {
            return tracing::warn!(%tenant, %error, "those who wait are woken later");
        }
        Err(error) => tracing::debug!(%tenant, %error, "arrivals are seen to one by one"),
    }
    for arrival in arrivals {
        if let Err(error) = woken(context, tenant, arrival.wakes.clone()).await {
            tracing::warn!(%tenant, %error, "those who wait are woken later");
        }
    }
}

async fn woken(context: &Context, tenant: TenantId, wakes: Vec<Wake>) -> Result<(), ReconcileError> {
    let waking = tokio::time::timeout(LONGEST, context.engine.wake(tenant, wakes));
    // A panic must not end the task: whoever comes next would wait for it for ever.
    match AssertUnwindSafe(waking).catch_unwind().await {
        Ok(woken) => woken.unwrap_or(Err(ReconcileError::TooLong)),
        Err(_) => Err(ReconcileError::Panic),
    }
}

/// Say again and again that somebody is at it.
async fn tell(context: &Context, tenant: TenantId) {
    loop {
        tokio::time::sleep(STILL_AT_IT).await;
        let rows = context.arrivals.rows(tenant);
        if let Err(error) = context.engine.still_waking(tenant, &rows).await {
            tracing::debug!(%tenant, %error, "the feeder may come to the same arrivals");
        }
    }
}

#[cfg(test)]
#[path = "arrivals_tests.rs"]
mod tests;
