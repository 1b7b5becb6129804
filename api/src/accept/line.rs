//! A tenant's line of writes and the task that commits them, batch by batch.

use super::batch::{self, Answer};
use super::bulk::BulkLink;
use super::knowledge::Knowledge;
use super::turn::Turns;
use super::{AcceptConfig, AcceptError, Accepted, Write, Writer};
use futures::FutureExt;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::queue::{MAX_KEYS, Queues, ReconcileJob};
use rollcall_shared::scim::{ResourceType, ScimError};
use rollcall_shared::store::mappings::Mappings;
use rollcall_shared::store::{PgPool, StoreError};
use rollcall_shared::telemetry::{Metrics, OperationLabels, traces};
use rollcall_shared::traced;
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument as _;
use uuid::Uuid;

/// Member rows above which a write commits alone.
const LARGE_WRITE: usize = 1_000;
/// How often a batch that lost against a concurrent transaction is run again.
const CONFLICT_RETRIES: usize = 5;
/// Pushes to Redis under way at once; beyond, the feeder does it.
const PUSHES: usize = 8;

/// A write in line.
pub(super) struct Item {
    pub writer: Writer,
    pub txn: Uuid,
    pub index: i32,
    pub write: Write,
    /// Its place in a bulk request, if it came in one.
    pub bulk: Option<BulkLink>,
    pub reply: oneshot::Sender<Result<Accepted, AcceptError>>,
}

pub(super) struct Lines {
    pool: PgPool,
    queues: Arc<Queues>,
    metrics: Arc<Metrics>,
    config: AcceptConfig,
    waiting: Mutex<HashMap<TenantId, VecDeque<Item>>>,
    knowledge: Knowledge,
    pushes: Arc<Semaphore>,
}

impl Lines {
    pub(super) fn new(
        pool: PgPool,
        queues: Arc<Queues>,
        metrics: Arc<Metrics>,
        mappings: Arc<Mappings>,
        config: AcceptConfig,
    ) -> Lines {
        Lines {
            pool,
            queues,
            metrics,
            config,
            waiting: Mutex::default(),
            knowledge: Knowledge::new(mappings),
            pushes: Arc::new(Semaphore::new(PUSHES)),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, VecDeque<Item>>> {
        // A panic cannot leave the map half-changed: nothing that panics runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Join the tenant's line; its task is started when none runs.
    pub(super) fn put(self: &Arc<Self>, tenant: TenantId, items: Vec<Item>) -> Result<(), AcceptError> {
        let mut waiting = self.waiting();
        let start = !waiting.contains_key(&tenant);
        if waiting.get(&tenant).map_or(0, VecDeque::len) + items.len() > self.config.line {
            return Err(AcceptError::Unavailable);
        }
        self.metrics.accept_waiting_writes.inc_by(items.len() as i64);
        waiting.entry(tenant).or_default().extend(items);
        if start {
            tokio::spawn(Arc::clone(self).serve(tenant));
        }
        Ok(())
    }

    /// Commit batches until the line is empty.
    async fn serve(self: Arc<Self>, tenant: TenantId) {
        let mut turns = Turns::new(self.pool.clone(), tenant);
        loop {
            let batch = {
                let mut waiting = self.waiting();
                let batch = waiting
                    .get_mut(&tenant)
                    .map(|line| take_batch(line, self.config.batch));
                match batch {
                    Some(batch) if !batch.is_empty() => batch,
                    _ => {
                        waiting.remove(&tenant);
                        return;
                    }
                }
            };
            let taken = batch.len();
            // A panic must not end the task: the line's next write would wait for it for ever.
            let committed = AssertUnwindSafe(self.commit(&mut turns, tenant, batch)).catch_unwind();
            let deferred = committed.await.unwrap_or_else(|_| {
                tracing::error!(tenant = tenant.0, writes = taken, "a batch of writes panicked");
                vec![]
            });
            self.metrics
                .accept_waiting_writes
                .dec_by((taken - deferred.len()) as i64);
            let mut waiting = self.waiting();
            let line = waiting.entry(tenant).or_default();
            deferred.into_iter().rev().for_each(|item| line.push_front(item));
        }
    }

    /// Commit one batch, halved down to the culprit if a statement is refused; answers the
    /// writes that must wait for the next one.
    async fn commit(&self, turns: &mut Turns, tenant: TenantId, batch: Vec<Item>) -> Vec<Item> {
        let mut deferred = vec![];
        let mut parts = VecDeque::from([batch]);
        while let Some(mut part) = parts.pop_front() {
            match self.run(turns, tenant, &part).await {
                Ok(answers) => deferred.extend(reply(part, answers)),
                Err(StoreError::Statement(_)) if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.push_front(rest);
                    parts.push_front(part);
                }
                Err(error) => {
                    let refusal = match &error {
                        StoreError::Statement(_) => {
                            AcceptError::Scim(ScimError::new(500, None, "the write could not be stored"))
                        }
                        _ => AcceptError::Unavailable,
                    };
                    tracing::warn!(
                        tenant = tenant.0,
                        writes = part.len(),
                        error = &error as &dyn std::error::Error,
                        "a batch of writes was not stored"
                    );
                    for item in part {
                        if let (Some(link), AcceptError::Scim(_)) = (&item.bulk, &refusal) {
                            link.failed(&item.write);
                        }
                        let _ = item.reply.send(Err(refusal.clone()));
                    }
                }
            }
        }
        deferred
    }

    /// One transaction, repeated while it loses against concurrent ones.
    async fn run(
        &self,
        turns: &mut Turns,
        tenant: TenantId,
        items: &[Item],
    ) -> Result<Vec<Answer>, StoreError> {
        let started = Instant::now();
        let mut retries = 0;
        let requests = items.iter().filter_map(|item| item.writer.traceparent.as_deref());
        let span = traces::comes_of(
            requests,
            || traced!(parent: None, "accept batch", tenant = tenant.0, writes = items.len()),
        );
        let outcome = loop {
            let waited_for = || self.is_waited_for(tenant);
            let attempt = batch::run(turns, tenant, items, &self.knowledge, waited_for);
            match attempt.instrument(span.clone()).await {
                Err(StoreError::Conflict(_)) if retries < CONFLICT_RETRIES => retries += 1,
                outcome => break outcome?,
            }
        };
        self.metrics.accept_batch_writes.observe(items.len() as f64);
        self.metrics
            .accept_batch_seconds
            .observe(started.elapsed().as_secs_f64());
        for (item, answer) in items.iter().zip(&outcome.answers) {
            if let Answer::Accepted(_) = answer {
                self.metrics
                    .accepted_writes
                    .get_or_create(&OperationLabels {
                        operation: item.write.operation(),
                    })
                    .inc();
            }
        }
        self.push(tenant, outcome.keys);
        Ok(outcome.answers)
    }

    /// Whether there is a batch after the one under way.
    fn is_waited_for(&self, tenant: TenantId) -> bool {
        self.waiting().get(&tenant).is_some_and(|line| !line.is_empty())
    }

    /// Hand the keys to the workers, beside the next commit. Whatever does not get through
    /// (Redis down, the queue at its cap) stays in `pending` for the feeder.
    fn push(&self, tenant: TenantId, keys: HashMap<Lane, Vec<Key>>) {
        let Ok(permit) = Arc::clone(&self.pushes).try_acquire_owned() else {
            return;
        };
        let queues = Arc::clone(&self.queues);
        tokio::spawn(async move {
            let _permit = permit;
            fail::fail_point!("accept::before_push", |_| rollcall_shared::failpoint::hit(
                "accept::before_push"
            ));
            for (lane, keys) in keys {
                let jobs: Vec<ReconcileJob> = keys
                    .chunks(MAX_KEYS)
                    .map(|keys| ReconcileJob {
                        v: 1,
                        tenant,
                        keys: keys.to_vec(),
                    })
                    .collect();
                if let Err(error) = queues.lane(lane).push(tenant, &jobs).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        lane = lane.name(),
                        "jobs not pushed; the feeder will"
                    );
                    return;
                }
            }
        });
    }
}

/// What goes into the next commit: in order, at most one write per resource, a large one alone,
/// no change of a group's members after the deletion of a User,
/// and clusters of a bulk request (operations that refer to each other) whole.
fn take_batch(line: &mut VecDeque<Item>, most: usize) -> Vec<Item> {
    let mut batch: Vec<Item> = vec![];
    let mut taken: HashSet<Uuid> = HashSet::new();
    let mut passed: VecDeque<Item> = VecDeque::new();
    let mut held: HashSet<Uuid> = HashSet::new();
    let mut user_deleted = false;
    while let Some(item) = line.pop_front() {
        let same_cluster = batch
            .last()
            .is_some_and(|last| cluster(last).is_some() && cluster(last) == cluster(&item));
        let full = (batch.len() >= most && !same_cluster) || passed.len() > 4 * most;
        let alone = is_large(&item);
        // A deleted User leaves its groups in the same commit: who adds it again comes after that.
        let full = full || (user_deleted && edits_members(&item));
        if full || (alone && !batch.is_empty()) {
            line.push_front(item);
            break;
        }
        // Once a write is passed over, whatever must not overtake it is passed over too.
        let follows = item
            .bulk
            .as_ref()
            .is_some_and(|link| held.contains(&link.request()));
        if follows || !taken.insert(item.write.id()) {
            held.extend(item.bulk.as_ref().map(BulkLink::request));
            taken.insert(item.write.id());
            passed.push_back(item);
            continue;
        }
        user_deleted |= matches!(
            item.write,
            Write::Delete {
                kind: ResourceType::User,
                ..
            }
        );
        batch.push(item);
        if alone {
            break;
        }
    }
    passed.into_iter().rev().for_each(|item| line.push_front(item));
    batch
}

/// Which of its request's clusters an operation belongs to.
pub(super) fn cluster(item: &Item) -> Option<(Uuid, usize)> {
    item.bulk.as_ref().map(|link| (link.request(), link.cluster))
}

/// Whether the write starts from a group's stored members.
fn edits_members(item: &Item) -> bool {
    matches!(
        item.write,
        Write::Replace {
            kind: ResourceType::Group,
            ..
        } | Write::Patch {
            kind: ResourceType::Group,
            ..
        }
    )
}

fn is_large(item: &Item) -> bool {
    let members = match &item.write {
        Write::Create { body, .. } | Write::Replace { body, .. } => body.members.as_ref().map_or(0, Vec::len),
        Write::Patch { patch, .. } => patch.value_count(),
        Write::Delete { .. } => 0,
    };
    members > LARGE_WRITE
}

/// Answer everyone whose outcome is known; the others go back into the line.
fn reply(items: Vec<Item>, answers: Vec<Answer>) -> Vec<Item> {
    let mut deferred = vec![];
    for (item, answer) in items.into_iter().zip(answers) {
        let answer = match answer {
            Answer::Accepted(accepted) => Ok(*accepted),
            Answer::Refused(error) => Err(AcceptError::Scim(error)),
            Answer::Skipped => Err(AcceptError::Skipped),
            Answer::Deferred => {
                deferred.push(item);
                continue;
            }
        };
        if let (Some(link), Err(AcceptError::Scim(_))) = (&item.bulk, &answer) {
            link.failed(&item.write);
        }
        // A client that hung up no longer listens; its write is committed all the same.
        let _ = item.reply.send(answer);
    }
    deferred
}
