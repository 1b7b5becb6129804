//! Waking those who wait, after the commit that gave them a reason.
//!
//! Whoever makes a link possible and whoever parks it both come here after their commit, so of
//! two that raced, the later one sees the other. What a dead worker left undone is still in
//! `wakes`, where the feeder finds it.

use super::Engine;
use super::held_links::{LineHolds, TeamWaits, teams_there};
use super::history;
use super::isolate::{CONFLICTS, pause};
use super::links::{Asked, AssertedLink, Decision, Resolver, Subject, settle_members, settle_people};
use super::woken::{CHUNK, Subjects, Wake};
use crate::error::{ReconcileError, Remedy};
use crate::failpoints::failpoint;
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::projection::references;
use rollcall_shared::store::feed::LEFTOVER_SECONDS;
use rollcall_shared::store::links::{self, MemberOf, Slot, Waiter};
use rollcall_shared::store::mappings::InForce;
use rollcall_shared::store::reconcile::{Book, HistoryRow};
use rollcall_shared::store::runs::steps as runs;
use rollcall_shared::store::{PgConnection, StoreError, reconcile as store, rules};
use rollcall_shared::telemetry::{FoundBy, LinkPath};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

/// How often what follows from a wake is followed before the rest is left to the feeder.
const MAX_FOLLOWING: usize = 100;

/// What brought a waiting link here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Its target, or what decides about it, arrived.
    Arrival,
    /// Its time to try again came.
    Retry,
}

impl Path {
    fn label(self) -> LinkPath {
        match self {
            Path::Arrival => LinkPath::Arrival,
            Path::Retry => LinkPath::Retry,
        }
    }

    fn found_by(self) -> FoundBy {
        match self {
            Path::Arrival => FoundBy::Arrival,
            Path::Retry => FoundBy::Retry,
        }
    }
}

impl Engine {
    /// As [`Engine::wake`]. Where that fails the rows in `wakes` stay: the feeder sees to them, and a run waits.
    pub(super) async fn wake_or_leave(&self, tenant: TenantId, wakes: impl IntoIterator<Item = Wake>) {
        if let Err(error) = self.wake(tenant, wakes).await {
            tracing::warn!(%tenant, %error, "those who wait are woken later");
        }
    }

    /// Settle every link that these are about, all for the sake of the same run or of none, and what follows from
    /// that; then forget them.
    ///
    /// # Errors
    /// When a transaction fails; the rows in `wakes` then stay.
    pub(crate) async fn wake(
        &self,
        tenant: TenantId,
        wakes: impl IntoIterator<Item = Wake>,
    ) -> Result<(), ReconcileError> {
        let mut queue: Vec<Wake> = wakes.into_iter().collect();
        for _ in 0..MAX_FOLLOWING {
            let Some(wake) = queue.drain(..).reduce(Wake::and) else {
                break;
            };
            let mut subjects = self.to_settle(tenant, &wake).await?;
            while let Some((people, members)) = subjects.chunk() {
                let settled = self.settle(tenant, &people, &members, Path::Arrival, wake.run);
                queue.extend(settled.await?);
            }
            failpoint!("wake::before_done");
            let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
            links::delete_wakes(&mut conn, tenant, &wake.ids).await?;
        }
        Ok(())
    }

    /// Somebody is about to see to these: the feeder need not take them over.
    ///
    /// # Errors
    /// When Postgres is out of reach.
    pub(crate) async fn still_waking(&self, tenant: TenantId, rows: &[i64]) -> Result<(), ReconcileError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        Ok(links::keep_wakes(&mut conn, tenant, rows).await?)
    }

    /// Whose links are not as they should be, as seen without any lock.
    async fn to_settle(&self, tenant: TenantId, wake: &Wake) -> Result<Subjects, ReconcileError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let mut subjects = Subjects::default();
        let keys: Vec<String> = wake.arrived.iter().cloned().collect();
        for chunk in keys.chunks(CHUNK) {
            let waiting = links::waiting_for(&mut conn, tenant, chunk).await?;
            for waiter in due_a_change(&mut conn, tenant, waiting).await? {
                subjects.add(waiter);
            }
        }
        for chunk in wake.parked.chunks(CHUNK) {
            for waiter in due_a_change(&mut conn, tenant, chunk.to_vec()).await? {
                subjects.add(waiter);
            }
        }
        let (people, teams) = wake.targets();
        for chunk in people.chunks(CHUNK) {
            let reporting = links::people_reporting_to_the_gone(&mut conn, tenant, chunk).await?;
            subjects.people.extend(reporting);
            let members = links::members_of_the_gone(&mut conn, tenant, chunk).await?;
            subjects.members.extend(members);
        }
        for chunk in teams.chunks(CHUNK) {
            let parts = links::parts_that_are_gone(&mut conn, tenant, chunk).await?;
            subjects.members.extend(parts);
        }
        Ok(subjects)
    }

    /// The row a dead worker left, unless somebody has seen to it.
    ///
    /// # Errors
    /// As `Engine::wake`.
    pub async fn wake_left(&self, tenant: TenantId, id: i64) -> Result<(), ReconcileError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let left = links::wakes(&mut conn, tenant, id).await?;
        drop(conn);
        self.wake(tenant, left.map(Wake::left)).await
    }

    /// Try waiting links again: all of these people's, and single members of groups.
    ///
    /// # Errors
    /// When a transaction fails.
    pub async fn retry(
        &self,
        tenant: TenantId,
        people: &[Uuid],
        members: &[MemberOf],
    ) -> Result<(), ReconcileError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let mut waiting = links::waiters_of(&mut conn, tenant, people).await?;
        waiting.extend(links::member_waiters(&mut conn, tenant, members).await?);
        let waiting = due_a_change(&mut conn, tenant, waiting).await?;
        // An arrival on its way to a link settles it; to do so here too would only compete for locks.
        let keys: Vec<String> = waiting.iter().map(|waiter| waiter.wait_key.clone()).collect();
        let woken = links::being_woken(&mut conn, tenant, &keys, LEFTOVER_SECONDS).await?;
        let woken: HashSet<String> = woken.into_iter().collect();
        let mut subjects = Subjects::default();
        for waiter in waiting
            .into_iter()
            .filter(|waiter| !woken.contains(&waiter.wait_key))
        {
            subjects.add(waiter);
        }
        drop(conn);
        while let Some((people, members)) = subjects.chunk() {
            let following = self.settle(tenant, &people, &members, Path::Retry, None).await?;
            self.wake(tenant, following).await?;
        }
        Ok(())
    }

    /// One transaction, repeated while it loses against concurrent ones. Returns whom to wake next.
    async fn settle(
        &self,
        tenant: TenantId,
        people: &[Uuid],
        members: &[MemberOf],
        path: Path,
        run: Option<Uuid>,
    ) -> Result<Option<Wake>, ReconcileError> {
        let mut conflicts = 0;
        loop {
            match self.settle_once(tenant, people, members, path, run).await {
                Err(error) if error.remedy() == Remedy::Again && conflicts < CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(pause(conflicts)).await;
                }
                settled => return settled,
            }
        }
    }

    /// Lock the subjects, read anew what they assert, settle, commit.
    async fn settle_once(
        &self,
        tenant: TenantId,
        people: &[Uuid],
        members: &[MemberOf],
        path: Path,
        run: Option<Uuid>,
    ) -> Result<Option<Wake>, ReconcileError> {
        let mut tx = rules::begin(&self.pool, tenant).await?;
        let locked: Vec<Uuid> = store::lock_people(&mut tx, tenant, people)
            .await?
            .into_iter()
            .map(|row| row.id)
            .collect();
        let teams: BTreeSet<Uuid> = members.iter().map(|(team, _)| *team).collect();
        let teams: Vec<Uuid> = teams.into_iter().collect();
        store::lock_teams(&mut tx, tenant, &teams).await?;

        let InForce { version, mapping } = self.mappings.in_force(&mut tx, tenant).await?;
        let whole = !mapping.reads_only_managers();
        let subjects: Vec<Subject> = store::desired_references(&mut tx, tenant, &locked, whole)
            .await?
            .into_iter()
            .map(|desired| {
                let (asserted, holds) = match desired.live {
                    true => (
                        AssertedLink::list(references(&mapping, &desired.document), &desired),
                        LineHolds::of(&mapping),
                    ),
                    false => (vec![], LineHolds::default()),
                };
                Subject {
                    person: desired.id,
                    asserted,
                    holds,
                    teams: TeamWaits::Unread,
                    fresh: false,
                }
            })
            .collect();
        let mut of_people = settle_people(&mut tx, tenant, &subjects).await?;
        let mut of_members = settle_members(&mut tx, tenant, members).await?;
        let turns = of_people.turns.drain(..).chain(of_members.turns.drain(..));
        let rows: Vec<HistoryRow> = turns.map(history::settled).collect();
        let book = Book {
            mapping: version,
            run,
        };
        store::insert_history(&mut tx, tenant, book, &rows).await?;
        let mut wake = Wake::of(run);
        for settlement in [&of_people, &of_members] {
            wake.linked.extend(settlement.linked.iter().copied());
            wake.parked.extend(settlement.newly_parked.iter().cloned());
        }
        let following = wake.record(&mut tx, tenant).await?;
        if let Some(run) = run {
            let resolved: u64 = [&of_people, &of_members]
                .iter()
                .flat_map(|settlement| settlement.resolved.values())
                .sum();
            if resolved > 0 {
                let resolved = i32::try_from(resolved).unwrap_or(i32::MAX);
                runs::count_links(&mut tx, tenant, run, resolved).await?;
            }
        }
        failpoint!("wake::before_commit");
        tx.commit().await.map_err(StoreError::from)?;
        failpoint!("wake::after_commit");
        let found_by = match run {
            Some(_) => FoundBy::Run,
            None => path.found_by(),
        };
        for settlement in [of_people, of_members] {
            self.count_links(&settlement.resolved, &settlement.parked, path.label());
            self.count_waited(&settlement.waited, found_by);
        }
        Ok(following)
    }
}

/// Those waiters that are not as they should be, as seen without any lock. Looking twice is
/// much cheaper than locking every subject: most of what was just parked has to wait.
async fn due_a_change(
    conn: &mut PgConnection,
    tenant: TenantId,
    waiting: Vec<Waiter>,
) -> Result<Vec<Waiter>, ReconcileError> {
    if waiting.is_empty() {
        return Ok(waiting);
    }
    let (for_teams, waiting): (Vec<Waiter>, Vec<Waiter>) = waiting
        .into_iter()
        .partition(|waiter| waiter.slot == Slot::Team as i16);
    let there = teams_there(conn, tenant, for_teams.iter()).await?;
    let asked = |waiter: &Waiter| -> Asked { (fold(&waiter.reference), waiter.names(), waiter.asserted_seq) };
    let resolver = Resolver::load(conn, tenant, waiting.iter().map(asked).collect()).await?;
    Ok(for_teams
        .into_iter()
        .filter(|waiter| there.contains_key(&waiter.wait_key))
        .chain(
            waiting
                .into_iter()
                .filter(|waiter| match resolver.decide(&asked(waiter)) {
                    Decision::Link(_) => true,
                    Decision::Wait { key, reason } => key != waiter.wait_key || reason != waiter.reason,
                }),
        )
        .collect())
}
