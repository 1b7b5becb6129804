//! Which jobs of a tenant are applied together, and which one after the other.
//!
//! Without a timer: who comes alone is served at once. What comes while all slots are taken, or about people
//! and teams that a transaction of this process is at, waits here and not for locks, and is one transaction then.

mod work;

use crate::arrivals;
use crate::context::Context;
use crate::error::ReconcileError;
use crate::reconcile::Wake;
use futures::future;
use rollcall_shared::directory::{Key, Lane, TenantId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use uuid::Uuid;
use work::{Applied, Part, Work, apart};

/// The jobs a lane holds for each of its slots, so that there are some to be applied together.
pub(crate) const JOBS_A_SLOT: usize = 8;

/// Longest that keys are worked at. A connection whose other end is gone may never answer.
const LONGEST: Duration = Duration::from_secs(240);
/// Transactions for keys that are applied by themselves, in each lane.
const ALONE: usize = 2;

/// The transactions that apply keys in this process.
pub(crate) struct Together {
    live: Slots,
    bulk: Slots,
    tenants: Mutex<HashMap<TenantId, Work>>,
}

struct Slots {
    together: Semaphore,
    alone: Semaphore,
}

impl Slots {
    fn new(together: usize) -> Slots {
        Slots {
            together: Semaphore::new(together.max(1)),
            alone: Semaphore::new(ALONE),
        }
    }
}

impl Together {
    /// So many transactions of each lane at once.
    pub(crate) fn new(live: usize, bulk: usize) -> Together {
        Together {
            live: Slots::new(live),
            bulk: Slots::new(bulk),
            tenants: Mutex::default(),
        }
    }

    fn slots(&self, lane: Lane) -> &Slots {
        match lane {
            Lane::Live => &self.live,
            Lane::Bulk => &self.bulk,
        }
    }

    /// Jobs of a tenant that wait here.
    #[cfg(test)]
    pub(crate) fn waiting(&self, tenant: TenantId) -> usize {
        let tenants = self.tenants();
        let work = tenants.get(&tenant);
        work.map_or(0, |work| work.live.parts.len() + work.bulk.parts.len())
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Work>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Apply a job's keys, together with those of other jobs of the tenant.
///
/// # Errors
/// As `Engine::reconcile_isolating`, of any of the jobs.
pub(crate) async fn apply(context: &Arc<Context>, lane: Lane, tenant: TenantId, keys: Vec<Key>) -> Applied {
    let mut applied = vec![];
    {
        let mut tenants = context.together.tenants();
        let work = tenants.entry(tenant).or_default();
        let since = Instant::now();
        for (share, keys) in apart(keys) {
            let (part, of_part) = Part::new(share, keys, since);
            work.waiting(lane).parts.push(part);
            applied.push(of_part);
        }
        begin(context, work, lane, tenant);
    }
    for applied in future::join_all(applied).await {
        applied.unwrap_or_else(|_| Err(Arc::new(ReconcileError::Panic)))?;
    }
    Ok(())
}

/// Apply a job's keys by themselves; `None` when others of the kind are at it. It is not to wait here: should the
/// process die meanwhile, the job would be blamed for it. Only behind many arrivals it waits for its own, when its
/// keys are applied.
///
/// # Errors
/// As `Engine::reconcile_isolating`.
pub(crate) async fn apply_alone(
    context: &Arc<Context>,
    lane: Lane,
    tenant: TenantId,
    keys: &[Key],
) -> Option<Applied> {
    let slot = context.together.slots(lane).alone.try_acquire().ok()?;
    let mut wakes = vec![];
    let applied = reconcile(context, lane, tenant, keys, &mut wakes).await;
    drop(slot);
    arrivals::wake(context, tenant, wakes).await;
    Some(applied.map_err(Arc::new))
}

/// See to it that somebody begins with what waits. In a task of its own: a job that is given up on takes nobody
/// else's with it.
fn begin(context: &Arc<Context>, work: &mut Work, lane: Lane, tenant: TenantId) {
    if work.is_ready(lane) {
        work.waiting(lane).beginning = true;
        tokio::spawn(transaction(Arc::clone(context), lane, tenant));
    }
}

async fn transaction(context: Arc<Context>, lane: Lane, tenant: TenantId) {
    let slot = context.together.slots(lane).together.acquire().await;
    let parts = {
        let mut tenants = context.together.tenants();
        let work = tenants.entry(tenant).or_default();
        work.waiting(lane).beginning = false;
        let parts = work.next(lane);
        work.busy.extend(parts.iter().flat_map(Part::subjects));
        work.transactions += 1;
        begin(&context, work, lane, tenant);
        parts
    };
    let busy = Busy {
        context: &context,
        tenant,
        subjects: parts.iter().flat_map(Part::subjects).collect(),
    };
    let keys: BTreeSet<Key> = parts.iter().flat_map(|part| part.keys.iter().cloned()).collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let mut wakes = vec![];
    let applied = reconcile(&context, lane, tenant, &keys, &mut wakes).await;
    drop((busy, slot));
    arrivals::wake(&context, tenant, wakes).await;
    let applied = applied.map_err(Arc::new);
    for part in parts {
        // Nobody waits who was given up on.
        let _ = part.done.send(applied.clone());
    }
}

/// The people and teams a transaction is at; whoever waits for them begins when it is dropped.
struct Busy<'a> {
    context: &'a Arc<Context>,
    tenant: TenantId,
    subjects: HashSet<Uuid>,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut tenants = self.context.together.tenants();
        let Some(work) = tenants.get_mut(&self.tenant) else {
            return;
        };
        work.busy.retain(|subject| !self.subjects.contains(subject));
        work.transactions -= 1;
        for lane in Lane::ALL {
            begin(self.context, work, lane, self.tenant);
        }
        if work.is_over() {
            tenants.remove(&self.tenant);
        }
    }
}

async fn reconcile(
    context: &Context,
    lane: Lane,
    tenant: TenantId,
    keys: &[Key],
    wakes: &mut Vec<Wake>,
) -> Result<(), ReconcileError> {
    if keys.is_empty() {
        return Ok(());
    }
    let applying = async {
        let span = context.engine.job_span(lane, tenant, keys).await?;
        let applied = context.engine.apply_isolating(tenant, keys, wakes);
        applied.instrument(span).await
    };
    let report = tokio::time::timeout(LONGEST, applying)
        .await
        .unwrap_or(Err(ReconcileError::TooLong))?;
    context.engine.push_again(tenant, report.newer).await;
    Ok(())
}
