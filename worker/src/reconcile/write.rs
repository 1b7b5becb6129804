//! Writing a plan, each kind of row in one statement.

use super::drift::Drift;
use super::history;
use super::links::{Settlement, settle_members, settle_people};
use super::plan::{PersonPlan, Plan};
use super::woken::Wake;
use rollcall_shared::directory::{Key, Lane, Target, TenantId};
use rollcall_shared::store::links::{self, MemberOf, Slot};
use rollcall_shared::store::reconcile::{self as store, Book, Cause, PersonRow, Settled, TeamRow};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::Map;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a transaction wrote.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) applied: Vec<Key>,
    /// New people another worker inserted first: to be locked and looked at again.
    pub(super) overtaken: Vec<Key>,
    /// Changes taken out of the outbox.
    pub(super) settled: Vec<Settled>,
    pub(super) newer: Vec<(Key, Lane)>,
    pub(super) wakes: Option<Wake>,
    pub(super) resolved: HashMap<Slot, u64>,
    pub(super) parked: HashMap<Slot, u64>,
    /// Seconds that links waited which are resolved now.
    pub(super) waited: Vec<(Slot, f64)>,
    pub(super) rejections: u64,
    /// Of a plan for settled keys: what was not as it should be.
    pub(super) drift: Drift,
}

pub(super) async fn write(
    conn: &mut PgConnection,
    tenant: TenantId,
    plan: Plan,
    run: Option<Uuid>,
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    let book = Book {
        mapping: plan.mapping,
        run,
    };
    let cause = if plan.settled { Cause::Run } else { Cause::Apply };
    if plan.settled {
        written.drift = Drift::of(&plan);
    }
    let Plan {
        mapping: _,
        people,
        teams,
        members,
        nothing,
        settled,
    } = plan;
    let people = write_people(conn, tenant, people, &mut written).await?;

    let changed: Vec<&TeamRow> = teams
        .iter()
        .filter(|team| team.differs)
        .map(|team| &team.row)
        .collect();
    store::update_teams(conn, tenant, &changed).await?;
    let emptied: Vec<(Uuid, i64)> = teams
        .iter()
        .filter(|team| team.row.deleted)
        .map(|team| (team.row.id, team.read_seq.max(team.row.applied_seq)))
        .collect();
    store::empty_teams(conn, tenant, book, cause, &emptied).await?;

    let ended: Vec<_> = people
        .iter()
        .flat_map(|person| person.ended.iter().cloned())
        .collect();
    let begun: Vec<_> = people
        .iter()
        .flat_map(|person| person.begun.iter().cloned())
        .collect();
    store::delete_memberships(conn, tenant, &ended).await?;
    store::insert_memberships(conn, tenant, &begun).await?;

    let mut rejected = vec![];
    let mut cleared = vec![];
    let mut applications = vec![];
    let mut wake = Wake::of(run);
    let mut applied: Vec<(Uuid, i64)> = vec![];
    let mut subjects = vec![];
    for mut person in people {
        if person.comes_or_goes() {
            wake.arrived.insert(Target::Person(person.row.id).wait_key());
        }
        person.note_resource();
        applied.push((
            person.row.id,
            person.before.map_or(0, |before| before.applied_seq),
        ));
        rejected.extend(person.rejected);
        cleared.extend(person.cleared);
        subjects.push(person.links);
        applications.push((
            Key::Person(person.row.id),
            person.read_seq,
            person.row.applied_seq,
            person.fields,
        ));
    }
    for team in teams {
        if team.comes_or_goes() {
            wake.arrived.insert(Target::Team(team.row.id).wait_key());
        }
        applied.push((team.row.id, team.before.applied_seq));
        rejected.extend(team.rejected);
        cleared.extend(team.cleared);
        applications.push((
            Key::Team(team.row.id),
            team.read_seq,
            team.row.applied_seq,
            team.fields,
        ));
    }
    store::write_rejections(conn, tenant, &cleared, &rejected).await?;
    written.rejections = u64::try_from(rejected.len()).unwrap_or(u64::MAX);

    let mut of_people = settle_people(conn, tenant, &subjects).await?;
    let mut turns = history::by_key(std::mem::take(&mut of_people.turns));
    if settled {
        written.drift.add_links(&of_people.changes);
    }
    written.note(&mut wake, of_people);
    let member_keys: Vec<MemberOf> = members.iter().map(|(member, _)| member.clone()).collect();
    let mut of_members = settle_members(conn, tenant, &member_keys).await?;
    turns.extend(history::by_key(std::mem::take(&mut of_members.turns)));
    if settled {
        written.drift.add_links(&of_members.changes);
    }
    written.note(&mut wake, of_members);

    for ((team, member), seq) in members {
        applications.push((Key::Member(team, member), seq, seq, Map::new()));
    }
    let mut read: Vec<(Key, i64)> = nothing;
    let mut rows = vec![];
    for (key, read_seq, applied_seq, fields) in applications {
        if !settled || written.drift.keys.contains(&key) {
            let turns = turns.remove(&key).unwrap_or_default();
            let seq = read_seq.max(applied_seq);
            rows.extend(history::entries(cause, key.clone(), seq, fields, turns));
        }
        read.push((key, read_seq));
    }
    store::insert_history(conn, tenant, book, &rows).await?;
    wake.arrived
        .extend(links::awaited_values(conn, tenant, &applied).await?);
    written.wakes = wake.record(conn, tenant).await?;

    let read_keys: Vec<(&Key, i64)> = read.iter().map(|(key, seq)| (key, *seq)).collect();
    let finished = store::finish_pending(conn, tenant, &read_keys).await?;
    (written.settled, written.newer) = (finished.settled, finished.newer);
    let keys: Vec<&Key> = read.iter().map(|(key, _)| key).collect();
    store::clear_failures(conn, tenant, &keys).await?;
    written.applied = read.into_iter().map(|(key, _)| key).collect();
    Ok(written)
}

/// Write the people and return those whose dependent rows may be written: the ones this
/// transaction inserted, and the ones it holds the lock of and nothing newer was applied to.
async fn write_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: Vec<PersonPlan>,
    written: &mut Written,
) -> Result<Vec<PersonPlan>, StoreError> {
    let new: Vec<&PersonRow> = people
        .iter()
        .filter(|p| p.before.is_none())
        .map(|p| &p.row)
        .collect();
    let inserted: HashSet<Uuid> = store::insert_people(conn, tenant, &new)
        .await?
        .into_iter()
        .collect();
    let changed: Vec<&PersonRow> = people
        .iter()
        .filter(|p| p.before.is_some() && p.differs)
        .map(|p| &p.row)
        .collect();
    let updated: HashSet<Uuid> = store::update_people(conn, tenant, &changed)
        .await?
        .into_iter()
        .collect();
    let mut ours = vec![];
    for person in people {
        let id = person.row.id;
        match (&person.before, person.differs) {
            (None, _) if inserted.contains(&id) => ours.push(person),
            (None, _) => written.overtaken.push(Key::Person(id)),
            (Some(_), true) if !updated.contains(&id) => {
                // Applied by a newer mapping than this process knows: its pending rows stay.
                tracing::debug!(%tenant, %id, "a newer mapping was applied already");
            }
            (Some(_), _) => ours.push(person),
        }
    }
    Ok(ours)
}

impl Written {
    fn note(&mut self, wake: &mut Wake, settlement: Settlement) {
        wake.linked.extend(settlement.linked);
        wake.parked.extend(settlement.newly_parked);
        self.waited.extend(settlement.waited);
        for (slot, count) in settlement.resolved {
            *self.resolved.entry(slot).or_default() += count;
        }
        for (slot, count) in settlement.parked {
            *self.parked.entry(slot).or_default() += count;
        }
    }
}
