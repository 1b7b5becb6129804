//! Links settle as a pure function of what is asserted, of everyone who ever held the asserted
//! values, and of whether the person or group meant is in the directory. Reconcile, wake and retry all
//! end here, so it does not matter which of them came last.

use super::held_links::{LineHolds, TeamWaits, plan_waits};
use rollcall_shared::directory::{Holdings, Key, Names, Resolution, Target, TenantId, fold};
use rollcall_shared::projection::{References, Status};
use rollcall_shared::store::links::{self, AssertedMember, Line, MemberOf, Part, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::reconcile::{DesiredPerson, Membership, delete_memberships, insert_memberships};
use rollcall_shared::store::{PgConnection, StoreError};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

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
    fn asked(&self) -> Asked {
        (fold(&self.reference), Names::Person, self.asserted_seq)
    }

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
    /// Who and what was linked just now: they may be on their way out.
    pub(super) linked: BTreeSet<Target>,
    /// What was parked just now: what it waits for may have come in the meantime.
    pub(super) newly_parked: Vec<Waiter>,
    /// Links that found their target, by slot.
    pub(super) resolved: HashMap<Slot, u64>,
    /// Seconds that links waited which are resolved now.
    pub(super) waited: Vec<(Slot, f64)>,
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
    pub(super) before: Option<Target>,
    pub(super) after: Option<Target>,
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
    ended_parts: Vec<Part>,
    begun_parts: Vec<Part>,
    ended_waiters: Vec<WaiterPlace>,
    waiters: Vec<Waiter>,
    /// Those of the ended waiters whose very assertion found its target.
    found: HashMap<WaiterPlace, Slot>,
    /// Links that wait, as before or from now on.
    pub(super) waiting: usize,
    pub(super) settlement: Settlement,
}

impl LinkPlan {
    pub(super) async fn write(
        mut self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Settlement, StoreError> {
        links::delete_lines(conn, tenant, &self.ended_lines).await?;
        let lines: Vec<&Line> = self.lines.iter().collect();
        links::upsert_lines(conn, tenant, &lines).await?;
        delete_memberships(conn, tenant, &self.ended_members).await?;
        insert_memberships(conn, tenant, &self.begun_members).await?;
        links::delete_parts(conn, tenant, &self.ended_parts).await?;
        links::insert_parts(conn, tenant, &self.begun_parts).await?;
        for (place, seconds) in links::delete_waiters(conn, tenant, &self.ended_waiters).await? {
            if let Some(slot) = self.found.get(&place) {
                self.settlement.waited.push((*slot, seconds));
            }
        }
        let waiters: Vec<&Waiter> = self.waiters.iter().collect();
        links::upsert_waiters(conn, tenant, &waiters).await?;
        Ok(self.settlement)
    }
}

/// A reference: folded, what it may name, and when it was asserted.
pub(super) type Asked = (String, Names, i64);

/// Whom references mean, and what is to be done about it.
pub(super) struct Resolver {
    answers: HashMap<Asked, Resolution>,
    statuses: HashMap<Uuid, Status>,
    /// Teams of groups, and whether their group was deleted.
    teams: HashMap<Uuid, bool>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Link(Target),
    Wait { key: String, reason: &'static str },
}

impl Resolver {
    /// Answer all of these.
    pub(super) async fn load(
        conn: &mut PgConnection,
        tenant: TenantId,
        asked: HashSet<Asked>,
    ) -> Result<Resolver, StoreError> {
        let values: BTreeSet<&String> = asked.iter().map(|(folded, ..)| folded).collect();
        let values: Vec<String> = values.into_iter().cloned().collect();
        let claims = links::claims(conn, tenant, &values).await?;
        let mut holdings: HashMap<(String, Names), Holdings> = HashMap::new();
        for (folded, names, _) in &asked {
            holdings.entry((folded.clone(), *names)).or_insert_with(|| {
                let claims = claims.get(folded).into_iter().flatten();
                let admitted = claims.filter(|claim| names.admits(claim.attribute, claim.who));
                Holdings::of(&admitted.cloned().collect::<Vec<_>>())
            });
        }
        let answers: HashMap<Asked, Resolution> = asked
            .into_iter()
            .map(|(folded, names, seq)| {
                let place = (folded, names);
                let answer = holdings
                    .get(&place)
                    .map_or(Resolution::Missing, |holdings| holdings.meant_at(seq));
                ((place.0, names, seq), answer)
            })
            .collect();
        let (mut people, mut teams) = (BTreeSet::new(), BTreeSet::new());
        for answer in answers.values() {
            match answer {
                Resolution::Bound(Target::Person(id)) => people.insert(*id),
                Resolution::Bound(Target::Team(id)) => teams.insert(*id),
                Resolution::Missing | Resolution::Ambiguous => false,
            };
        }
        let people: Vec<Uuid> = people.into_iter().collect();
        let teams: Vec<Uuid> = teams.into_iter().collect();
        Ok(Resolver {
            answers,
            statuses: links::applied_statuses(conn, tenant, &people).await?,
            teams: links::deleted_teams(conn, tenant, &teams).await?,
        })
    }

    /// What becomes of a reference that was asked for in [`Resolver::load`].
    pub(super) fn decide(&self, asked: &Asked) -> Decision {
        let wait = |key: String, reason| Decision::Wait { key, reason };
        let target = match self.answers.get(asked) {
            None | Some(Resolution::Missing) => return wait(asked.0.clone(), "missing"),
            Some(Resolution::Ambiguous) => return wait(asked.0.clone(), "ambiguous"),
            Some(Resolution::Bound(target)) => *target,
        };
        let is_there = match target {
            Target::Person(id) => self
                .statuses
                .get(&id)
                .map(|status| *status != Status::Deprovisioned),
            Target::Team(id) => self.teams.get(&id).map(|deleted| !deleted),
        };
        match is_there {
            None => wait(target.wait_key(), "not_applied"),
            Some(false) => wait(target.wait_key(), "deprovisioned"),
            Some(true) => Decision::Link(target),
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
            if line.slot == 1 {
                settlement
                    .managers
                    .push((line.person_id, before, Some(line.manager_id)));
            }
        }
    }
    for place in &gone {
        let before = lines.get(place).map(|line| line.manager_id);
        settlement
            .changes
            .push(change(*place, before.map(Target::Person), None));
        if place.1 == 1 {
            settlement.managers.push((place.0, before, None));
        }
    }
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
    let asked = |member: &AssertedMember| (member.member.clone(), member.names, member.asserted_seq);
    let resolver = Resolver::load(conn, tenant, asserted.iter().map(asked).collect()).await?;
    let actual: HashSet<Membership> = links::member_rows(conn, tenant, keys)
        .await?
        .into_iter()
        .collect();
    let actual_parts: HashSet<Part> = links::part_rows(conn, tenant, keys).await?.into_iter().collect();
    let waiters = by_place(links::member_waiters(conn, tenant, keys).await?);

    let mut wanted: HashSet<Membership> = HashSet::new();
    let mut wanted_parts: HashSet<Part> = HashSet::new();
    let mut wanted_waiters = vec![];
    let mut found = vec![];
    for member in asserted {
        let decision = resolver.decide(&asked(&member));
        let source = format!("member:{}", member.member);
        if let Decision::Link(_) = decision {
            let place = WaiterPlace {
                subject_id: member.team_id,
                slot: Slot::Member as i16,
                place: member.member.clone(),
            };
            found.push((place, member.asserted_seq));
        }
        match decision {
            Decision::Link(Target::Person(person_id)) => {
                wanted.insert(Membership {
                    team_id: member.team_id,
                    person_id,
                    source,
                });
            }
            Decision::Link(Target::Team(part_id)) => {
                wanted_parts.insert(Part {
                    team_id: member.team_id,
                    part_id,
                    source,
                });
            }
            Decision::Wait { key, reason } => wanted_waiters.push(Waiter {
                subject_id: member.team_id,
                slot: Slot::Member as i16,
                place: member.member,
                reference: member.value,
                names_group: member.names == Names::Group,
                wait_key: key,
                reason: reason.to_owned(),
                asserted_seq: member.asserted_seq,
            }),
        }
    }

    let change = |team: Uuid, source: &str, before, after| {
        let member = source.strip_prefix("member:").unwrap_or_default();
        let waited = WaiterPlace {
            subject_id: team,
            slot: Slot::Member as i16,
            place: member.to_owned(),
        };
        LinkChange {
            slot: Slot::Member,
            subject: team,
            waited_for: waiters.get(&waited).map(|waiter| waiter.wait_key.clone()),
            place: waited.place,
            before,
            after,
            waits_for: None,
        }
    };
    plan.ended_members = actual.difference(&wanted).cloned().collect();
    plan.begun_members = wanted.difference(&actual).cloned().collect();
    plan.ended_parts = actual_parts.difference(&wanted_parts).cloned().collect();
    plan.begun_parts = wanted_parts.difference(&actual_parts).cloned().collect();
    let person = |row: &Membership| (row.team_id, row.source.clone(), Target::Person(row.person_id));
    let part = |row: &Part| (row.team_id, row.source.clone(), Target::Team(row.part_id));
    let ended = plan.ended_members.iter().map(person);
    let ended = ended.chain(plan.ended_parts.iter().map(part));
    let begun = plan.begun_members.iter().map(person);
    let begun = begun.chain(plan.begun_parts.iter().map(part));
    let settlement = &mut plan.settlement;
    for (team, source, target) in ended {
        settlement.changes.push(change(team, &source, Some(target), None));
    }
    for (team, source, target) in begun {
        settlement.changes.push(change(team, &source, None, Some(target)));
        settlement.linked.insert(target);
        *settlement.resolved.entry(Slot::Member).or_default() += 1;
    }
    plan.note_found(&waiters, found);
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
    /// These links are there, asserted by these changes: what waited for the same assertion has
    /// found its target.
    pub(super) fn note_found(
        &mut self,
        waiters: &HashMap<WaiterPlace, Waiter>,
        linked: impl IntoIterator<Item = (WaiterPlace, i64)>,
    ) {
        for (place, asserted_seq) in linked {
            let waiter = waiters
                .get(&place)
                .filter(|waiter| waiter.asserted_seq == asserted_seq);
            if let Some(slot) = waiter.and_then(|waiter| Slot::from_column(waiter.slot)) {
                self.found.insert(place, slot);
            }
        }
    }

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
