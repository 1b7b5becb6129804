//! Comparing what nobody has accepted a change for, and putting it right: the same reading,
//! planning and writing as for a change, over keys with nothing pending.
//!
//! Comparing takes a snapshot and no lock. In one snapshot a key without pending changes is exactly
//! what its document says, or something is wrong with it; only those are locked and written.

use super::drift::Drift;
use super::links::{LinkChange, plan_members, plan_people};
use super::plan::{self, Found, TeamIds, Wanted};
use super::{Engine, MAX_ROUNDS, View, missing_groups, read, teams, wanted, write};
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::store::runs::{self, Finish};
use rollcall_shared::store::{self as stores, PgConnection, StoreError, links, reconcile as store, rules};
use rollcall_shared::telemetry::FoundBy;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What comparing found.
#[derive(Debug, Default)]
pub(crate) struct Check {
    /// Keys with pending changes: not compared.
    pub(crate) in_flight: usize,
    pub(crate) drift: Drift,
    /// Values that cannot be projected.
    pub(crate) rejected: usize,
    /// Links that will wait.
    pub(crate) waiting: usize,
    /// Teams that are needed and not there.
    pub(crate) missing_teams: BTreeSet<Uuid>,
}

/// The part of a run that something is repaired for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) run: Uuid,
    pub(crate) number: i32,
}

impl Engine {
    /// Compare `keys` with what they should be, writing nothing.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(crate) async fn check(&self, tenant: TenantId, keys: &[Key]) -> Result<Check, ReconcileError> {
        let mut tx = stores::snapshot(&self.pool).await?;
        let (mut found, desired) = read(&self.mappings, &mut tx, tenant, keys, View::Snapshot).await?;
        let mapping = found.mapping.mapping.clone();
        let wanted = wanted(&mapping, desired);
        let (ids, missing) = team_ids(&mut tx, tenant, &mapping, &wanted).await?;
        let mut missing_teams: BTreeSet<Uuid> = missing.into_keys().collect();
        let groups = missing_groups(&found);
        missing_teams.extend(groups.iter().map(|team| team.id));
        found.teams.extend(groups);
        let in_flight = found.in_flight;
        let planned = planned(&mut tx, tenant, found, wanted, &ids).await?;
        let mut drift = planned.drift;

        let waking: HashSet<String> = links::all_wakes(&mut tx, tenant).await?.into_iter().collect();
        let (waking_now, changes): (Vec<LinkChange>, Vec<LinkChange>) = planned
            .links
            .into_iter()
            .partition(|change| is_waking(change, &waking));
        let late: BTreeSet<Key> = waking_now.iter().map(LinkChange::key).collect();
        drift.add_links(&changes);
        Ok(Check {
            in_flight: in_flight + late.difference(&drift.keys).count(),
            drift,
            rejected: planned.rejected,
            waiting: planned.waiting,
            missing_teams,
        })
    }

    /// Put right what differs of `keys`, in one transaction with what `finish` makes of it and of
    /// the number of keys left out because a change of theirs is pending now. False when somebody
    /// else was quicker, or the run was cancelled: nothing is written then.
    ///
    /// # Errors
    /// When a transaction fails; nothing is half-repaired.
    pub(crate) async fn repair(
        &self,
        tenant: TenantId,
        part: Part,
        keys: &[Key],
        finish: impl Fn(&Drift, usize) -> Finish,
    ) -> Result<bool, ReconcileError> {
        self.teams.forget(tenant);
        for _ in 0..MAX_ROUNDS {
            let mut tx = rules::begin(&self.pool, tenant).await?;
            let (found, desired) = read(&self.mappings, &mut tx, tenant, keys, View::Settled).await?;
            let in_flight = found.in_flight;
            let mapping = found.mapping.mapping.clone();
            let wanted = wanted(&mapping, desired);
            let attribute_teams = plan::teams_of(&wanted);
            let (ids, missing) = self.teams.resolve(&mut tx, tenant, attribute_teams).await?;
            let missing = teams::Missing {
                attribute: teams::created(&mapping, missing),
                groups: missing_groups(&found),
            };
            if !missing.is_empty() {
                drop(tx);
                let part = Some((part.run, part.number));
                self.create_teams(tenant, missing, part).await?;
                continue;
            }
            let plan = plan::plan(found, wanted, &ids);
            let written = write::write(&mut tx, tenant, plan, Some(part.run)).await?;
            if !written.overtaken.is_empty() {
                continue;
            }
            let finish = finish(&written.drift, in_flight);
            if !runs::finish_chunk(&mut tx, tenant, part.run, part.number, &finish).await? {
                return Ok(false);
            }
            failpoint!("runs::before_chunk_commit");
            tx.commit().await.map_err(StoreError::from)?;
            failpoint!("runs::after_chunk_commit");
            self.observe(tenant, &written, FoundBy::Run).await;
            self.wake_or_leave(tenant, written.wakes).await;
            return Ok(true);
        }
        Err(ReconcileError::Overtaken)
    }
}

/// What is to become of keys that nothing is written for.
pub(super) struct Planned {
    /// Links aside.
    pub(super) drift: Drift,
    pub(super) links: Vec<LinkChange>,
    /// Values that cannot be projected.
    pub(super) rejected: usize,
    /// Links that will wait.
    pub(super) waiting: usize,
}

pub(super) async fn planned(
    conn: &mut PgConnection,
    tenant: TenantId,
    found: Found,
    wanted: Vec<Wanted>,
    ids: &TeamIds,
) -> Result<Planned, StoreError> {
    let plan = plan::plan(found, wanted, ids);
    let rejected = plan.people.iter().map(|person| person.rejected.len());
    let rejected = rejected
        .chain(plan.teams.iter().map(|team| team.rejected.len()))
        .sum();
    let drift = Drift::of(&plan);
    let subjects: Vec<_> = plan.people.into_iter().map(|person| person.links).collect();
    let members: Vec<_> = plan.members.into_iter().map(|(member, _)| member).collect();
    let mut planned = Planned {
        drift,
        links: vec![],
        rejected,
        waiting: 0,
    };
    for links in [
        plan_people(conn, tenant, &subjects).await?,
        plan_members(conn, tenant, &members).await?,
    ] {
        planned.waiting += links.waiting;
        planned.links.extend(links.settlement.changes);
    }
    Ok(planned)
}

/// The ids of the teams these people belong to. Those that are not there are told apart, by the
/// ids they were accepted with or else by what their names make of one, the same whoever asks;
/// none for teams that are not created of themselves.
pub(super) async fn team_ids(
    conn: &mut PgConnection,
    tenant: TenantId,
    mapping: &Compiled,
    wanted: &[Wanted],
) -> Result<(TeamIds, BTreeMap<Uuid, store::AttributeTeam>), StoreError> {
    let teams = plan::teams_of(wanted);
    let by_name = |rows: Vec<(String, String, Uuid)>| -> TeamIds {
        rows.into_iter()
            .map(|(kind, folded, id)| ((kind, folded), id))
            .collect()
    };
    let mut ids = by_name(store::find_attribute_teams(conn, tenant, &teams).await?);
    let absent: Vec<store::AttributeTeam> = teams
        .into_iter()
        .filter(|team| !ids.contains_key(&(team.kind.clone(), team.folded.clone())))
        .collect();
    let absent = teams::created(mapping, absent);
    let accepted: HashMap<_, _> = by_name(store::accepted_teams(conn, tenant, &absent).await?);
    let mut missing = BTreeMap::new();
    for team in absent {
        let name = (team.kind.clone(), team.folded.clone());
        let id = accepted.get(&name).copied().unwrap_or_else(|| team.would_be_id());
        missing.insert(id, team);
        ids.insert(name, id);
    }
    Ok((ids, missing))
}

/// Somebody is about to settle this link, for what it waited or has to wait for: it is no drift,
/// only late.
fn is_waking(change: &LinkChange, waking: &HashSet<String>) -> bool {
    [&change.waited_for, &change.waits_for]
        .into_iter()
        .flatten()
        .any(|key| waking.contains(key))
}
