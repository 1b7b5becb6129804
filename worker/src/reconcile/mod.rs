//! Bringing the directory in step with what the sources asserted, for a set of keys.
//!
//! Level-triggered: keys say where to look, not what to do. One transaction locks what is there,
//! *then* reads what should be, plans, and writes what differs; those who wait for what it wrote
//! are woken after its commit (`wake`).

mod check;
mod drift;
mod effect;
mod held_links;
mod history;
mod isolate;
mod links;
mod observe;
mod plan;
mod preview;
mod teams;
mod wake;
mod woken;
mod write;

pub(crate) use check::{Check, Part};
pub(crate) use drift::Drift;
pub(crate) use isolate::TOGETHER;
pub use isolate::{PARK_AFTER, Report};
pub(crate) use preview::{Moves, Previewed};
pub(crate) use woken::Wake;

use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use plan::{Found, Wanted};
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::queue::Queues;
use rollcall_shared::store::mappings::{InForce, Mappings};
use rollcall_shared::store::reconcile as store;
use rollcall_shared::store::{PgConnection, PgPool, StoreError, rules};
use rollcall_shared::telemetry::{FoundBy, Metrics, traces};
use rollcall_shared::traced;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

/// Rounds of creating what other workers were quicker to create.
const MAX_ROUNDS: u32 = 10;

/// Applies keys. One per process; all its methods may run at once.
pub struct Engine {
    pool: PgPool,
    queues: Arc<Queues>,
    metrics: Arc<Metrics>,
    teams: teams::TeamCache,
    mappings: Mappings,
}

/// What came of some keys.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Keys applied.
    pub keys: usize,
    /// Keys that changed again in the meantime, by the lane of the newest change.
    pub newer: Vec<(Key, Lane)>,
}

/// How one transaction ended.
enum Round {
    Committed(Box<write::Written>),
    /// Rolled back: these teams must exist first.
    Missing(teams::Missing),
}

impl Engine {
    pub fn new(pool: PgPool, queues: Arc<Queues>, metrics: Arc<Metrics>) -> Engine {
        Engine {
            pool,
            queues,
            metrics,
            teams: teams::TeamCache::default(),
            mappings: Mappings::default(),
        }
    }

    /// The mapping in force as this transaction sees it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn mapping(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<InForce, ReconcileError> {
        Ok(self.mappings.in_force(conn, tenant).await?)
    }

    /// Those of `keys` that have something pending, and how often each has failed.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub async fn workable(&self, tenant: TenantId, keys: &[Key]) -> Result<Vec<(Key, i32)>, ReconcileError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        Ok(store::workable_keys(&mut conn, tenant, keys).await?)
    }

    /// The span of a job about these keys, linked to the traced requests that changed them; disabled where
    /// there is none. Asks nothing unless this process traces.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(crate) async fn job_span(
        &self,
        lane: Lane,
        tenant: TenantId,
        keys: &[Key],
    ) -> Result<Span, ReconcileError> {
        if !traces::on() {
            return Ok(Span::none());
        }
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let requests = store::traceparents(&mut conn, tenant, keys, traces::MOST_LINKS as i64).await?;
        let span = || {
            let (queue, tenant, keys) = (lane.name(), tenant.0, keys.len());
            traced!(parent: None, "reconcile job", otel.kind = "consumer", queue, tenant, keys)
        };
        Ok(traces::comes_of(requests.iter().map(String::as_str), span))
    }

    /// Apply `keys` and wake those who waited for the result, in one call. Keys without anything pending cost
    /// next to nothing.
    ///
    /// # Errors
    /// When a transaction fails. Everything committed before then stays; nothing is half-applied.
    pub async fn reconcile(&self, tenant: TenantId, keys: &[Key]) -> Result<Reconciled, ReconcileError> {
        let mut wakes = vec![];
        let applied = self.apply(tenant, keys, &mut wakes).await;
        self.wake_or_leave(tenant, wakes).await;
        applied
    }

    /// Apply `keys`; who is to be woken for what was committed is added to `wakes`.
    async fn apply(
        &self,
        tenant: TenantId,
        keys: &[Key],
        wakes: &mut Vec<Wake>,
    ) -> Result<Reconciled, ReconcileError> {
        let mut reconciled = Reconciled::default();
        let mut keys: Vec<Key> = keys
            .iter()
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        for _ in 0..MAX_ROUNDS {
            if keys.is_empty() {
                return Ok(reconciled);
            }
            let span = traces::step(|| traced!("apply", keys = keys.len()));
            match self.round(tenant, &keys).instrument(span).await? {
                Round::Missing(missing) => self.create_teams(tenant, missing, None).await?,
                Round::Committed(written) => {
                    failpoint!("reconcile::after_commit");
                    reconciled.keys += written.applied.len();
                    self.observe(tenant, &written, FoundBy::Apply).await;
                    reconciled.newer.extend(written.newer);
                    wakes.extend(written.wakes);
                    keys = written.overtaken;
                }
            }
        }
        Err(ReconcileError::Overtaken)
    }

    async fn round(&self, tenant: TenantId, keys: &[Key]) -> Result<Round, ReconcileError> {
        let mut tx = rules::begin(&self.pool, tenant).await?;
        let (found, desired) = read(&self.mappings, &mut tx, tenant, keys, View::Pending).await?;
        if found.pending.is_empty() {
            return Ok(Round::Committed(Box::default()));
        }
        let mapping = found.mapping.mapping.clone();
        let wanted = wanted(&mapping, desired);
        let attribute_teams = plan::teams_of(&wanted);
        let (ids, missing) = self.teams.resolve(&mut tx, tenant, attribute_teams).await?;
        let missing = teams::Missing {
            attribute: teams::created(&mapping, missing),
            groups: missing_groups(&found),
        };
        if !missing.is_empty() {
            return Ok(Round::Missing(missing));
        }
        let plan = plan::plan(found, wanted, &ids);
        let written = write::write(&mut tx, tenant, plan, None).await?;
        fail::fail_point!("reconcile::refused", |_| {
            rollcall_shared::failpoint::hit("reconcile::refused");
            Err(StoreError::refused().into())
        });
        failpoint!("reconcile::before_commit");
        tx.commit()
            .instrument(traces::step(|| traced!("commit")))
            .await
            .map_err(StoreError::from)?;
        Ok(Round::Committed(Box::new(written)))
    }
}

/// Which keys are in question, and what is seen of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// Those with something pending, locked.
    Pending,
    /// Those with nothing pending, locked.
    Settled,
    /// Those with nothing pending, in a snapshot.
    Snapshot,
    /// All of them, in a snapshot.
    All,
}

/// Lock, then read. The order is what makes the plan safe: whatever the former holder of a lock
/// committed is visible to every statement after the one that locked.
async fn read(
    mappings: &Mappings,
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[Key],
    view: View,
) -> Result<(Found, Vec<store::DesiredPerson>), ReconcileError> {
    let mut people: BTreeSet<Uuid> = BTreeSet::new();
    let mut teams: BTreeSet<Uuid> = BTreeSet::new();
    for key in keys {
        match key {
            Key::Person(id) => people.insert(*id),
            Key::Team(id) | Key::Member(id, _) => teams.insert(*id),
        };
    }
    let people: Vec<Uuid> = people.into_iter().collect();
    let teams: Vec<Uuid> = teams.into_iter().collect();
    let (rows, team_rows) = match view {
        View::Pending | View::Settled => (
            store::lock_people(conn, tenant, &people).await?,
            store::lock_teams(conn, tenant, &teams).await?,
        ),
        View::Snapshot | View::All => (
            store::read_people(conn, tenant, &people).await?,
            store::read_teams(conn, tenant, &teams).await?,
        ),
    };
    fail::fail_point!("reconcile::locked");

    // Pending first: a change accepted between two of these statements then stays pending.
    let mut pending = store::highest_pending(conn, tenant, keys).await?;
    let mut in_flight = 0;
    if view == View::All {
        pending = keys.iter().map(|key| (key.clone(), 0)).collect();
    } else if view != View::Pending {
        in_flight = pending.len();
        let settled = keys.iter().filter(|key| !pending.contains_key(key));
        pending = settled.map(|key| (key.clone(), 0)).collect();
    }
    let people: Vec<Uuid> = people
        .into_iter()
        .filter(|id| pending.contains_key(&Key::Person(*id)))
        .collect();
    let in_question: HashSet<Uuid> = pending
        .keys()
        .filter_map(|key| match key {
            Key::Team(id) | Key::Member(id, _) => Some(*id),
            Key::Person(_) => None,
        })
        .collect();
    let teams: Vec<Uuid> = teams.into_iter().filter(|id| in_question.contains(id)).collect();
    let rules = rules::read(conn, tenant).await?;
    let mapping = match people.is_empty() {
        true => InForce::default(),
        false => mappings.of_version(conn, tenant, rules.mapping_version).await?,
    };
    let desired = store::desired_people(conn, tenant, &people).await?;
    let groups = store::desired_groups(conn, tenant, &teams).await?;
    let known: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let memberships = store::memberships(conn, tenant, &known).await?;
    let mut described: Vec<Uuid> = rows.iter().map(|row| row.resource_id).collect();
    if !described.is_empty() {
        described.extend(desired.iter().map(|person| person.resource_id));
    }
    described.extend(groups.iter().map(|group| group.resource_id));
    let rejections = store::open_rejections(conn, tenant, &described).await?;
    let found = Found {
        mapping,
        pending,
        settled: view != View::Pending,
        in_flight,
        day: rules.deciding_day,
        people: rows,
        memberships,
        rejections,
        teams: team_rows,
        groups,
    };
    Ok((found, desired))
}

fn wanted(mapping: &Compiled, desired: Vec<store::DesiredPerson>) -> Vec<Wanted> {
    desired
        .into_iter()
        .map(|desired| Wanted::of(mapping, desired))
        .collect()
}

fn missing_groups(found: &Found) -> Vec<store::TeamRow> {
    let there: HashMap<Uuid, ()> = found.teams.iter().map(|row| (row.id, ())).collect();
    found
        .groups
        .iter()
        .filter(|group| !there.contains_key(&group.id))
        .map(plan::new_team)
        .collect()
}
