//! Links settle as a pure function of what is asserted, of everyone who ever held the asserted
//! values, and of whether the person meant is in the directory. Reconcile, wake and retry all
//! end here, so it does not matter which of them came last.

use super::held_links::{LineHolds, TeamWaits, plan_waits};
use rollcall_shared::directory::{Holdings, Key, Resolution, TenantId, fold};
use rollcall_shared::projection::{References, Status};
use rollcall_shared::store::links::{self, AssertedMember, Line, MemberOf, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::reconcile::{DesiredPerson, Membership, delete_memberships, insert_memberships};
use rollcall_shared::store::{PgConnection, StoreError};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// The wait key of those who wait for a certain person.
pub(super) fn person_key(person: Uuid) -> String {
    format!("person:{person}")
}

/// A person whose manager links are to be settled. The caller holds the lock on the row.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) person: Uuid,
    pub(super) asserted: Vec<AssertedLink>,
    /// Lines that stay as they are, whatever is asserted.
    pub(super) holds: LineHolds,
    pub(super) teams: TeamWaits,
    /// Inserted by this transaction: there can be no links of theirs yet.
    pub(super) fresh: bool,
}

#[derive(Debug, Clone)]
pub(super) struct AssertedLink {
    pub(super) slot: Slot,
    pub(super) ordinal: i16,
    pub(super) reference: String,
    pub(super) asserted_seq: i64,
}

impl AssertedLink {
    /// What a live person asserts.
    pub(super) fn list(references: References, desired: &DesiredPerson) -> Vec<AssertedLink> {
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

/// What settling changed.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// People linked just now: they may be on their way out.
    pub(super) linked: BTreeSet<Uuid>,
    /// What was parked just now: what it waits for may have come in the meantime.
    pub(super) newly_parked: Vec<Waiter>,
    /// Links that found their target, by slot.
    pub(super) resolved: HashMap<Slot, u64>,
    /// Links that began to wait, by slot.
    pub(super) parked: HashMap<Slot, u64>,
    /// Person, manager before, manager now.
    pub(super) managers: Vec<(Uuid, Option<Uuid>, Option<Uuid>)>,
    /// Every link that is not as it was.
    pub(super) changes: Vec<LinkChange>,
}

/// A link that began, ended, or leads to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkChange {
    pub(super) slot: Slot,
    /// The person, or the team of a member link.
    pub(super) subject: Uuid,
    /// Ordinal of a manager, folded value of a member, rule and folded name of an attribute team.
    pub(super) place: String,
    pub(super) before: Option<Uuid>,
    pub(super) after: Option<Uuid>,
    /// What it waited for before this.
    pub(super) waited_for: Option<String>,
    /// What it waits for from now on.
    pub(super) waits_for: Option<String>,
}

impl LinkChange {
    pub(super) fn key(&self) -> Key {
        match self.slot {
            Slot::Member => Key::Member(self.subject, self.place.clone()),
            Slot::Manager | Slot::AdditionalManager | Slot::Team => Key::Person(self.subject),
        }
    }

    /// A link that waits as before, for something else or in other words.
    pub(super) fn only_waits(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }

    /// It waited, and now it is there.
    pub(super) fn resolved(&self) -> bool {
        self.waited_for.is_some() && self.after.is_some()
    }
}

/// What becomes of links: what is to be written, and what follows from that.
#[derive(Debug, Default)]
pub(super) struct LinkPlan {
    ended_lines: Vec<(Uuid, i16, i16)>,
    lines: Vec<Line>,
    ended_members: Vec<Membership>,
    pub(super) begun_members: Vec<Membership>,
    ended_waiters: Vec<WaiterPlace>,
    waiters: Vec<Waiter>,
    /// Links that wait, as before or from now on.
    pub(super) waiting: usize,
    pub(super) settlement: Settlement,
}

impl LinkPlan {
    pub(super) async fn write(
        self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Settlement, StoreError> {
        links::delete_lines(conn, tenant, &self.ended_lines).await?;
        let lines: Vec<&Line> = self.lines.iter().collect();
        links::upsert_lines(conn, tenant, &lines).await?;
        delete_memberships(conn, tenant, &self.ended_members).await?;
        insert_memberships(conn, tenant, &self.begun_members).await?;
        links::delete_waiters(conn, tenant, &self.ended_waiters).await?;
        let waiters: Vec<&Waiter> = self.waiters.iter().collect();
        links::upsert_waiters(conn, tenant, &waiters).await?;
        Ok(self.settlement)
    }
}

/// Whom references mean, and what is to be done about it.
pub(super) struct Resolver {
    answers: HashMap<(String, i64), Resolution>,
    statuses: HashMap<Uuid, Status>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Link(Uuid),
    Wait { key: String, reason: &'static str },
}

impl Resolver {
    /// Answer all of (folded reference, asserted seq).
    pub(super) async fn load(
        conn: &mut PgConnection,
        tenant: TenantId,
        asked: HashSet<(String, i64)>,
    ) -> Result<Resolver, StoreError> {
        let values: BTreeSet<&String> = asked.iter().map(|(folded, _)| folded).collect();
        let values: Vec<String> = values.into_iter().cloned().collect();
        let claims = links::claims(conn, tenant, &values).await?;
        let holdings: HashMap<String, Holdings> = claims
            .into_iter()
            .map(|(folded, claims)| (folded, Holdings::of(&claims)))
            .collect();
        let answers: HashMap<(String, i64), Resolution> = asked
            .into_iter()
            .map(|(folded, seq)| {
                let answer = holdings
                    .get(&folded)
                    .map_or(Resolution::Missing, |holdings| holdings.meant_at(seq));
                ((folded, seq), answer)
            })
            .collect();
        let bound: BTreeSet<Uuid> = answers
            .values()
            .filter_map(|answer| match answer {
                Resolution::Bound(person) => Some(*person),
                _ => None,
            })
            .collect();
        let bound: Vec<Uuid> = bound.into_iter().collect();
        let statuses = links::applied_statuses(conn, tenant, &bound).await?;
        Ok(Resolver { answers, statuses })
    }

    /// What becomes of a reference that was asked for in [`Resolver::load`].
    pub(super) fn decide(&self, folded: &str, asserted_seq: i64) -> Decision {
        let wait = |key: String, reason| Decision::Wait { key, reason };
        match self.answers.get(&(folded.to_owned(), asserted_seq)) {
            None | Some(Resolution::Missing) => wait(folded.to_owned(), "missing"),
            Some(Resolution::Ambiguous) => wait(folded.to_owned(), "ambiguous"),
            Some(Resolution::Bound(person)) => match self.statuses.get(person) {
                None => wait(person_key(*person), "not_applied"),
                Some(Status::Deprovisioned) => wait(person_key(*person), "deprovisioned"),
                Some(Status::Active | Status::Deactivated) => Decision::Link(*person),
            },
        }
    }
}

/// Settle the manager links of these people.
pub(super) async fn settle_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Subject],
) -> Result<Settlement, StoreError> {
    let plan = plan_people(conn, tenant, subjects).await?;
    plan.write(conn, tenant).await
}

/// What is to become of the manager links of these people.
pub(super) async fn plan_people(
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
        .map(|link| (fold(&link.reference), link.asserted_seq))
        .collect();
    let resolver = Resolver::load(conn, tenant, asked).await?;

    let mut wanted_lines: HashMap<(Uuid, i16, i16), Line> = HashMap::new();
    let mut wanted_waiters: Vec<Waiter> = vec![];
    for (person, links) in &asserted {
        // Named twice, an additional manager is linked once: in the first place.
        let mut linked: HashSet<(Slot, Uuid)> = HashSet::new();
        for link in links.iter() {
            let (slot, folded) = (link.slot as i16, fold(&link.reference));
            match resolver.decide(&folded, link.asserted_seq) {
                Decision::Link(manager_id) if linked.insert((link.slot, manager_id)) => {
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
        settlement
            .changes
            .push(change(place, before, Some(line.manager_id)));
        if before != Some(line.manager_id) {
            settlement.linked.insert(line.manager_id);
            let slot = if line.slot == 1 {
                Slot::Manager
            } else {
                Slot::AdditionalManager
            };
            *settlement.resolved.entry(slot).or_default() += 1;
            if line.slot == 1 {
                settlement
                    .managers
                    .push((line.person_id, before, Some(line.manager_id)));
            }
        }
    }
    for place in &gone {
        let before = lines.get(place).map(|line| line.manager_id);
        settlement.changes.push(change(*place, before, None));
        if place.1 == 1 {
            settlement.managers.push((place.0, before, None));
        }
    }
    plan.ended_lines = gone;
    plan.lines = changed;
    plan_waits(conn, tenant, subjects, &waiters, &mut wanted_waiters, &mut plan).await?;
    plan.plan_waiters(waiters, wanted_waiters);
    Ok(plan)
}

/// Settle the links of these members. The caller holds the locks on the teams' rows.
pub(super) async fn settle_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Settlement, StoreError> {
    let plan = plan_members(conn, tenant, keys).await?;
    plan.write(conn, tenant).await
}

/// What is to become of the links of these members.
pub(super) async fn plan_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<LinkPlan, StoreError> {
    let mut plan = LinkPlan::default();
    if keys.is_empty() {
        return Ok(plan);
    }
    let asserted: Vec<AssertedMember> = links::asserted_members(conn, tenant, keys).await?;
    let asked = asserted
        .iter()
        .map(|member| (member.member.clone(), member.asserted_seq))
        .collect();
    let resolver = Resolver::load(conn, tenant, asked).await?;
    let actual: HashSet<Membership> = links::member_rows(conn, tenant, keys)
        .await?
        .into_iter()
        .collect();
    let waiters = by_place(links::member_waiters(conn, tenant, keys).await?);

    let mut wanted: HashSet<Membership> = HashSet::new();
    let mut wanted_waiters = vec![];
    for member in asserted {
        match resolver.decide(&member.member, member.asserted_seq) {
            Decision::Link(person_id) => {
                wanted.insert(Membership {
                    team_id: member.team_id,
                    person_id,
                    source: format!("member:{}", member.member),
                });
            }
            Decision::Wait { key, reason } => wanted_waiters.push(Waiter {
                subject_id: member.team_id,
                slot: Slot::Member as i16,
                place: member.member,
                reference: member.value,
                wait_key: key,
                reason: reason.to_owned(),
                asserted_seq: member.asserted_seq,
            }),
        }
    }

    let change = |membership: &Membership, before, after| {
        let member = membership.source.strip_prefix("member:").unwrap_or_default();
        let waited = WaiterPlace {
            subject_id: membership.team_id,
            slot: Slot::Member as i16,
            place: member.to_owned(),
        };
        LinkChange {
            slot: Slot::Member,
            subject: membership.team_id,
            waited_for: waiters.get(&waited).map(|waiter| waiter.wait_key.clone()),
            place: waited.place,
            before,
            after,
            waits_for: None,
        }
    };
    plan.ended_members = actual.difference(&wanted).cloned().collect();
    plan.begun_members = wanted.difference(&actual).cloned().collect();
    let settlement = &mut plan.settlement;
    for membership in &plan.ended_members {
        settlement
            .changes
            .push(change(membership, Some(membership.person_id), None));
    }
    for membership in &plan.begun_members {
        settlement
            .changes
            .push(change(membership, None, Some(membership.person_id)));
        settlement.linked.insert(membership.person_id);
        *settlement.resolved.entry(Slot::Member).or_default() += 1;
    }
    plan.plan_waiters(waiters, wanted_waiters);
    Ok(plan)
}

fn by_place(waiters: Vec<Waiter>) -> HashMap<WaiterPlace, Waiter> {
    waiters
        .into_iter()
        .map(|waiter| (place_of(&waiter), waiter))
        .collect()
}

fn place_of(waiter: &Waiter) -> WaiterPlace {
    WaiterPlace {
        subject_id: waiter.subject_id,
        slot: waiter.slot,
        place: waiter.place.clone(),
    }
}

impl LinkPlan {
    fn plan_waiters(&mut self, mut actual: HashMap<WaiterPlace, Waiter>, wanted: Vec<Waiter>) {
        let settlement = &mut self.settlement;
        self.waiting = wanted.len();
        for waiter in wanted {
            let before = actual.remove(&place_of(&waiter));
            if before.as_ref() == Some(&waiter) {
                continue;
            }
            let waits_already = before.as_ref().is_some_and(|before| {
                before.wait_key == waiter.wait_key && before.asserted_seq == waiter.asserted_seq
            });
            if !waits_already {
                settlement.newly_parked.push(waiter.clone());
            }
            let slot = Slot::from_column(waiter.slot);
            if let (None, Some(slot)) = (&before, slot) {
                *settlement.parked.entry(slot).or_default() += 1;
            }
            settlement.note_waiting(
                &waiter,
                before.map(|before| before.wait_key),
                Some(waiter.wait_key.clone()),
            );
            self.waiters.push(waiter);
        }
        for waiter in actual.values() {
            settlement.note_waiting(waiter, Some(waiter.wait_key.clone()), None);
        }
        self.ended_waiters = actual.into_keys().collect();
    }
}

impl Settlement {
    /// A link waits differently: part of what becomes of the link, or all of it.
    fn note_waiting(&mut self, waiter: &Waiter, waited_for: Option<String>, waits_for: Option<String>) {
        let known = self.changes.iter_mut().find(|change| {
            change.subject == waiter.subject_id
                && change.slot as i16 == waiter.slot
                && change.place == waiter.place
        });
        match (known, Slot::from_column(waiter.slot)) {
            (Some(change), _) => change.waits_for = waits_for,
            (None, Some(slot)) => self.changes.push(LinkChange {
                slot,
                subject: waiter.subject_id,
                place: waiter.place.clone(),
                before: None,
                after: None,
                waited_for,
                waits_for,
            }),
            (None, None) => {}
        }
    }
}
