//! Small jobs of a tenant are applied together: whatever has come while all slots were taken is one
//! transaction. Who comes alone is served at once, without a timer.

use crate::context::Context;
use crate::error::ReconcileError;
use crate::reconcile::TOGETHER;
use rollcall_shared::directory::{Key, Lane, TenantId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument as _;

/// The jobs a lane holds for each of its slots, so that there are some to be applied together.
pub(crate) const JOBS_A_SLOT: usize = 8;

/// What became of a job's keys, which is what became of all that were applied with them.
type Applied = Result<(), Arc<ReconcileError>>;

/// The transactions of one lane in this process.
pub(crate) struct Together {
    slots: Semaphore,
    gathering: Mutex<HashMap<TenantId, Vec<Part>>>,
}

/// The keys of one job.
struct Part {
    keys: Vec<Key>,
    done: oneshot::Sender<Applied>,
}

impl Together {
    /// So many transactions at once.
    pub(crate) fn new(slots: usize) -> Together {
        Together {
            slots: Semaphore::new(slots.max(1)),
            gathering: Mutex::default(),
        }
    }

    /// The next whole parts, of few keys taken together, and whether any are left.
    fn next(&self, tenant: TenantId) -> (Vec<Part>, bool) {
        let mut gathering = self.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = gathering.get_mut(&tenant) else {
            return (vec![], false);
        };
        let mut keys = 0;
        let fit = waiting.iter().take_while(|part| {
            keys += part.keys.len();
            keys <= TOGETHER
        });
        let count = fit.count().max(1).min(waiting.len());
        let parts = waiting.drain(..count).collect();
        let more = !waiting.is_empty();
        if !more {
            gathering.remove(&tenant);
        }
        (parts, more)
    }
}

/// Apply a job's keys together with those of other jobs of the tenant, or with `alone` by themselves.
///
/// # Errors
/// As `Engine::reconcile_isolating`, of any of the jobs.
pub(crate) async fn apply(
    context: &Arc<Context>,
    lane: Lane,
    tenant: TenantId,
    keys: Vec<Key>,
    alone: bool,
) -> Applied {
    if alone {
        let _slot = context.together(lane).slots.acquire().await;
        return reconcile(context, lane, tenant, &keys).await.map_err(Arc::new);
    }
    let (done, applied) = oneshot::channel();
    let first = {
        let gathering = &context.together(lane).gathering;
        let mut gathering = gathering.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = gathering.entry(tenant).or_default();
        waiting.push(Part { keys, done });
        waiting.len() == 1
    };
    if first {
        begin(context, lane, tenant);
    }
    applied
        .await
        .unwrap_or_else(|_| Err(Arc::new(ReconcileError::Panic)))
}

/// In a task of its own: a job that is given up on takes nobody else's with it.
fn begin(context: &Arc<Context>, lane: Lane, tenant: TenantId) {
    let context = Arc::clone(context);
    tokio::spawn(async move {
        let together = context.together(lane);
        let _slot = together.slots.acquire().await;
        let (parts, more) = together.next(tenant);
        if more {
            begin(&context, lane, tenant);
        }
        let keys: BTreeSet<Key> = parts.iter().flat_map(|part| part.keys.iter().cloned()).collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let applied = reconcile(&context, lane, tenant, &keys).await.map_err(Arc::new);
        for part in parts {
            // Nobody waits who was given up on.
            let _ = part.done.send(applied.clone());
        }
    });
}

async fn reconcile(
    context: &Context,
    lane: Lane,
    tenant: TenantId,
    keys: &[Key],
) -> Result<(), ReconcileError> {
    let span = context.engine.job_span(lane, tenant, keys).await?;
    let applied = context.engine.reconcile_isolating(tenant, keys);
    let report = applied.instrument(span).await?;
    context.engine.push_again(tenant, report.newer).await;
    Ok(())
}
