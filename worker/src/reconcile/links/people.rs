use super::settlement::{LinkPlan, by_place};
use super::{Asked, Decision, LinkChange, Resolver, Settlement, Turn};
use crate::reconcile::held_links::{LineHolds, TeamWaits, plan_waits};
use crate::reconcile::history::one_or_all;
use rollcall_shared::directory::{Key, Names, Target, TenantId, fold};
use rollcall_shared::projection::References;
use rollcall_shared::store::links::{self, Line, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::reconcile::DesiredPerson;
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// A person whose manager links are to be settled. The caller holds the lock on the row.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) person: Uuid,
    pub(crate) asserted: Vec<AssertedLink>,
    /// Lines that stay as they are, whatever is asserted.
    pub(crate) holds: LineHolds,
    pub(crate) teams: TeamWaits,
    /// Inserted by this transaction: there can be no links of theirs yet.
    pub(crate) fresh: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct AssertedLink {
    pub(crate) slot: Slot,
    pub(crate) ordinal: i16,
    pub(crate) reference: String,
    pub(crate) asserted_seq: i64,
}

impl AssertedLink {
    fn asked(&self) -> Asked {
        (fold(&self.reference), Names::Person, self.asserted_seq)
    }

    /// What a live person asserts.
    pub(crate) fn list(references: References, desired: &DesiredPerson) -> Vec<AssertedLink> {
        let manager_seq = desired.asserted_seq(references.manager_asserted);
        let additional_seq = desired.asserted_seq(references.additional_asserted);
        let manager = references.manager.map(|reference| AssertedLink {
            slot: Slot::Manager,
            ordinal: 0,
            reference,
            asserted_seq: manager_seq,
        });
        let additional = references
            .additional
            .into_iter()
            .map(|(ordinal, reference)| AssertedLink {
                slot: Slot::AdditionalManager,
                ordinal,
                reference,
                asserted_seq: additional_seq,
            });
        manager.into_iter().chain(additional).collect()
    }
}
/// Settle the manager links of these people.
pub(crate) async fn settle_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Subject],
) -> Result<Settlement, StoreError> {
    let plan = plan_people(conn, tenant, subjects).await?;
    plan.write(conn, tenant).await
}

/// What is to become of the manager links of these people.
pub(crate) async fn plan_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Subject],
) -> Result<LinkPlan, StoreError> {
    let known: Vec<Uuid> = subjects.iter().filter(|s| !s.fresh).map(|s| s.person).collect();
    let lines: HashMap<(Uuid, i16, i16), Line> = links::lines_of(conn, tenant, &known)
        .await?
        .into_iter()
        .map(|line| ((line.person_id, line.slot, line.ordinal), line))
        .collect();
    let waiters = by_place(links::waiters_of(conn, tenant, &known).await?);
    let asserted: Vec<(Uuid, Cow<'_, [AssertedLink]>)> = subjects
        .iter()
        .map(|subject| (subject.person, subject.links(&lines, &waiters)))
        .collect();
    let asked = asserted
        .iter()
        .flat_map(|(_, links)| links.iter())
        .map(AssertedLink::asked)
        .collect();
    let resolver = Resolver::load(conn, tenant, asked).await?;

    let mut wanted_lines: HashMap<(Uuid, i16, i16), Line> = HashMap::new();
    let mut wanted_waiters: Vec<Waiter> = vec![];
    for (person, links) in &asserted {
        // Named twice, an additional manager is linked once: in the first place.
        let mut linked: HashSet<(Slot, Uuid)> = HashSet::new();
        for link in links.iter() {
            let slot = link.slot as i16;
            match resolver.decide(&link.asked()) {
                Decision::Link(Target::Person(manager_id)) if linked.insert((link.slot, manager_id)) => {
                    wanted_lines.insert(
                        (*person, slot, link.ordinal),
                        Line {
                            person_id: *person,
                            slot,
                            ordinal: link.ordinal,
                            manager_id,
                            reference: link.reference.clone(),
                            asserted_seq: link.asserted_seq,
                            flag: (manager_id == *person).then(|| "self".to_owned()),
                        },
                    );
                }
                Decision::Link(_) => {}
                Decision::Wait { key, reason } => wanted_waiters.push(Waiter {
                    subject_id: *person,
                    slot,
                    place: link.ordinal.to_string(),
                    reference: link.reference.clone(),
                    names_group: false,
                    wait_key: key,
                    reason: reason.to_owned(),
                    asserted_seq: link.asserted_seq,
                }),
            }
        }
    }

    let mut plan = LinkPlan::default();
    let settlement = &mut plan.settlement;
    let gone: Vec<(Uuid, i16, i16)> = lines
        .keys()
        .filter(|place| !wanted_lines.contains_key(place))
        .copied()
        .collect();
    let changed: Vec<Line> = wanted_lines
        .iter()
        .filter(|(place, line)| lines.get(place) != Some(line))
        .map(|(_, line)| line.clone())
        .collect();
    let change = |place: (Uuid, i16, i16), before, after| {
        let waited = WaiterPlace {
            subject_id: place.0,
            slot: place.1,
            place: place.2.to_string(),
        };
        LinkChange {
            slot: Slot::from_column(place.1).unwrap_or(Slot::AdditionalManager),
            subject: place.0,
            waited_for: waiters.get(&waited).map(|waiter| waiter.wait_key.clone()),
            place: waited.place,
            before,
            after,
            waits_for: None,
        }
    };
    for line in &changed {
        let place = (line.person_id, line.slot, line.ordinal);
        let before = lines.get(&place).map(|line| line.manager_id);
        let (was, is) = (before.map(Target::Person), Target::Person(line.manager_id));
        settlement.changes.push(change(place, was, Some(is)));
        if before != Some(line.manager_id) {
            settlement.linked.insert(is);
            let slot = if line.slot == 1 {
                Slot::Manager
            } else {
                Slot::AdditionalManager
            };
            *settlement.resolved.entry(slot).or_default() += 1;
        }
    }
    for place in &gone {
        let before = lines.get(place).map(|line| line.manager_id);
        settlement
            .changes
            .push(change(*place, before.map(Target::Person), None));
    }
    let touched: BTreeSet<(Uuid, i16)> = changed
        .iter()
        .map(|line| (line.person_id, line.slot))
        .chain(gone.iter().map(|place| (place.0, place.1)))
        .collect();
    let before = in_order(lines.values(), &touched);
    let after = in_order(wanted_lines.values(), &touched);
    settlement.turns = touched
        .iter()
        .filter_map(|place| turn(*place, before.get(place), after.get(place), &resolver))
        .collect();
    let found = wanted_lines.values().map(|line| {
        let place = WaiterPlace {
            subject_id: line.person_id,
            slot: line.slot,
            place: line.ordinal.to_string(),
        };
        (place, line.asserted_seq)
    });
    plan.note_found(&waiters, found);
    plan.ended_lines = gone;
    plan.lines = changed;
    plan_waits(conn, tenant, subjects, &waiters, &mut wanted_waiters, &mut plan).await?;
    plan.plan_waiters(waiters, wanted_waiters);
    Ok(plan)
}

/// The lines of one person and slot, by their place in it.
type Places<'a> = BTreeMap<i16, &'a Line>;

fn in_order<'a>(
    lines: impl Iterator<Item = &'a Line>,
    touched: &BTreeSet<(Uuid, i16)>,
) -> HashMap<(Uuid, i16), Places<'a>> {
    let mut places: HashMap<(Uuid, i16), Places<'a>> = HashMap::new();
    for line in lines.filter(|line| touched.contains(&(line.person_id, line.slot))) {
        let of_slot = places.entry((line.person_id, line.slot)).or_default();
        of_slot.insert(line.ordinal, line);
    }
    places
}

/// `None` when it leads to the same people in the same order.
fn turn(
    (person, slot): (Uuid, i16),
    before: Option<&Places<'_>>,
    after: Option<&Places<'_>>,
    resolver: &Resolver,
) -> Option<Turn> {
    let managers = |places: Option<&Places<'_>>| -> Vec<Uuid> {
        let lines = places.into_iter().flat_map(BTreeMap::values);
        lines.map(|line| line.manager_id).collect()
    };
    let (old, new) = (managers(before), managers(after));
    if old == new {
        return None;
    }
    let moved = (old.iter().filter(|id| !new.contains(id))).chain(new.iter().filter(|id| !old.contains(id)));
    let told: fn(Vec<Uuid>) -> Value = match slot {
        1 => one_or_all,
        _ => |ids| json!(ids),
    };
    Some(Turn {
        key: Key::Person(person),
        person: None,
        field: match slot {
            1 => "manager".into(),
            _ => "additional_managers".into(),
        },
        target_seq: moved
            .filter_map(|id| resolver.applied_seq(Target::Person(*id)))
            .max(),
        asserted_seq: (after.into_iter().chain(before))
            .flat_map(BTreeMap::values)
            .map(|line| line.asserted_seq)
            .next(),
        old: told(old),
        new: told(new),
    })
}
