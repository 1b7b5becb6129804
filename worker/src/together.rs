//! Which jobs of a tenant are applied together, and which one after the other.
//!
//! Without a timer: who comes alone is served at once. What comes while all slots are taken, or about people
//! and teams that a transaction of this process is at, waits here and not for locks, and is one transaction then.

use crate::context::Context;
use crate::error::ReconcileError;
use crate::reconcile::TOGETHER;
use rollcall_shared::directory::{Key, Lane, TenantId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument as _;
use uuid::Uuid;

/// The jobs a lane holds for each of its slots, so that there are some to be applied together.
pub(crate) const JOBS_A_SLOT: usize = 8;

/// Longest that keys are worked at. A connection whose other end is gone may never answer.
const LONGEST: Duration = Duration::from_secs(240);
/// A part that has waited so long goes before whatever comes after it, in either lane.
const PATIENCE: Duration = Duration::from_secs(1);
/// Transactions for keys that are applied by themselves, in each lane.
const ALONE: usize = 2;

/// What became of a job's keys, which is what became of all that were applied with them.
type Applied = Result<(), Arc<ReconcileError>>;

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

/// What there is to do for a tenant.
#[derive(Default)]
struct Work {
    live: Waiting,
    bulk: Waiting,
    /// People and teams that transactions are at.
    busy: HashSet<Uuid>,
    transactions: usize,
}

#[derive(Default)]
struct Waiting {
    parts: Vec<Part>,
    /// Somebody is waiting for a slot to begin with them.
    beginning: bool,
}

/// The keys of one job.
struct Part {
    keys: Vec<Key>,
    since: Instant,
    done: oneshot::Sender<Applied>,
}

impl Part {
    /// The people and teams whose rows are locked for it.
    fn subjects(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.keys.iter().map(Key::id)
    }
}

impl Work {
    fn waiting(&mut self, lane: Lane) -> &mut Waiting {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// Which parts of a lane are begun with: of those that nobody is in the way of, in their order, the ones that
    /// `take` takes. In the way are transactions, parts before it that are not taken, and older ones of the other lane
    /// that have waited long enough; nothing is in the way of the oldest for ever.
    fn taken(&self, lane: Lane, mut take: impl FnMut(&Part) -> bool) -> Vec<bool> {
        let (own, others) = match lane {
            Lane::Live => (&self.live, &self.bulk),
            Lane::Bulk => (&self.bulk, &self.live),
        };
        let mut reserved = self.busy.clone();
        let patient = others.parts.iter().filter(|part| part.since.elapsed() > PATIENCE);
        let mut patient = patient.peekable();
        let taken = own.parts.iter().map(|part| {
            while let Some(older) = patient.next_if(|other| other.since < part.since) {
                reserved.extend(older.subjects());
            }
            let free = part.subjects().all(|subject| !reserved.contains(&subject));
            let taken = free && take(part);
            if !taken {
                reserved.extend(part.subjects());
            }
            taken
        });
        taken.collect()
    }

    /// Take out what comes next: whole parts, of few keys taken together.
    fn next(&mut self, lane: Lane) -> Vec<Part> {
        // A job that was given up on comes again by its keys.
        self.waiting(lane).parts.retain(|part| !part.done.is_closed());
        let mut keys = 0;
        let taken = self.taken(lane, |part| {
            let fits = keys == 0 || keys + part.keys.len() <= TOGETHER;
            keys += if fits { part.keys.len() } else { 0 };
            fits
        });
        let waiting = self.waiting(lane);
        let parts = std::mem::take(&mut waiting.parts).into_iter().zip(taken);
        let (next, left): (Vec<_>, Vec<_>) = parts.partition(|(_, taken)| *taken);
        waiting.parts = left.into_iter().map(|(part, _)| part).collect();
        next.into_iter().map(|(part, _)| part).collect()
    }

    /// Whether [`Work::next`] would find something, and nobody is about to look.
    fn is_ready(&mut self, lane: Lane) -> bool {
        !self.waiting(lane).beginning && self.taken(lane, |_| true).contains(&true)
    }

    fn is_over(&self) -> bool {
        self.transactions == 0
            && [&self.live, &self.bulk]
                .iter()
                .all(|waiting| waiting.parts.is_empty() && !waiting.beginning)
    }
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
    let (done, applied) = oneshot::channel();
    {
        let mut tenants = context.together.tenants();
        let work = tenants.entry(tenant).or_default();
        let since = Instant::now();
        work.waiting(lane).parts.push(Part { keys, since, done });
        begin(context, work, lane, tenant);
    }
    applied
        .await
        .unwrap_or_else(|_| Err(Arc::new(ReconcileError::Panic)))
}

/// Apply a job's keys by themselves; `None` when others of the kind are at it. It is not to wait here: should the
/// process die meanwhile, the job would be blamed for it.
///
/// # Errors
/// As `Engine::reconcile_isolating`.
pub(crate) async fn apply_alone(
    context: &Context,
    lane: Lane,
    tenant: TenantId,
    keys: &[Key],
) -> Option<Applied> {
    let _slot = context.together.slots(lane).alone.try_acquire().ok()?;
    Some(reconcile(context, lane, tenant, keys).await.map_err(Arc::new))
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
    let _slot = context.together.slots(lane).together.acquire().await;
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
    let applied = reconcile(&context, lane, tenant, &keys).await.map_err(Arc::new);
    drop(busy);
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
) -> Result<(), ReconcileError> {
    if keys.is_empty() {
        return Ok(());
    }
    let applying = async {
        let span = context.engine.job_span(lane, tenant, keys).await?;
        let applied = context.engine.reconcile_isolating(tenant, keys);
        applied.instrument(span).await
    };
    let report = tokio::time::timeout(LONGEST, applying)
        .await
        .unwrap_or(Err(ReconcileError::TooLong))?;
    context.engine.push_again(tenant, report.newer).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(subject: u128, seconds: u64) -> (Part, oneshot::Receiver<Applied>) {
        let (done, applied) = oneshot::channel();
        let keys = vec![Key::Person(Uuid::from_u128(subject))];
        let since = Instant::now() - Duration::from_secs(seconds);
        (Part { keys, since, done }, applied)
    }

    #[test]
    fn parts_of_both_lanes_that_have_waited_for_the_same_person_go_by_age() {
        for (live, bulk) in [(20, 10), (10, 20)] {
            let mut work = Work::default();
            let (of_live, _live) = part(1, live);
            let (of_bulk, _bulk) = part(1, bulk);
            work.live.parts.push(of_live);
            work.bulk.parts.push(of_bulk);
            let ready = Lane::ALL.map(|lane| (lane, work.is_ready(lane)));
            for (lane, ready) in ready {
                assert_eq!(ready, (lane == Lane::Live) == (live > bulk), "{lane:?}");
            }
        }
    }

    #[test]
    fn part_that_a_part_before_it_waits_for_is_not_begun_with_and_one_given_up_on_is_forgotten() {
        let mut work = Work::default();
        work.busy.insert(Uuid::from_u128(1));
        let (mut first, _first) = part(1, 0);
        first.keys.push(Key::Person(Uuid::from_u128(2)));
        let (second, _second) = part(2, 0);
        let (third, _third) = part(3, 0);
        let (forgotten, applied) = part(4, 0);
        drop(applied);
        work.live.parts.extend([first, second, third, forgotten]);
        let next: Vec<Uuid> = work.next(Lane::Live).iter().flat_map(Part::subjects).collect();
        assert_eq!(next, [Uuid::from_u128(3)]);
        assert_eq!(work.live.parts.len(), 2);
        assert!(!work.is_ready(Lane::Live));
        work.busy.clear();
        assert_eq!(work.next(Lane::Live).len(), 2);
    }
}
