//! Links that a mapping leaves as they are, and memberships that wait for a team.

use super::history::one_or_all;
use super::links::{AssertedLink, LinkChange, LinkPlan, Subject, Turn};
use rollcall_shared::directory::{Key, Target, TenantId};
use rollcall_shared::mapping::{self, Compiled};
use rollcall_shared::projection::Hold;
use rollcall_shared::store::links::{Line, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::named_teams::waited_for;
use rollcall_shared::store::reconcile::{AttributeTeam, Membership, find_attribute_teams, memberships};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Which reporting lines stay as they are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineHolds {
    primary: Option<Hold>,
    additional: Option<Hold>,
}

/// What a person asserts of teams that are not there.
#[derive(Debug)]
pub(super) enum TeamWaits {
    /// As before: whoever settles the links has not looked.
    Unread,
    Asserted {
        waiting: Vec<Waiter>,
        /// Rules whose memberships go on waiting as they did.
        kept: Vec<Arc<str>>,
    },
}

impl TeamWaits {
    pub(super) fn none() -> TeamWaits {
        TeamWaits::Asserted {
            waiting: vec![],
            kept: vec![],
        }
    }

    fn leaves(&self, waiter: &Waiter) -> bool {
        match self {
            TeamWaits::Unread => true,
            TeamWaits::Asserted { kept, .. } => kept.iter().any(|rule| **rule == *rule_of(waiter)),
        }
    }
}

fn rule_of(waiter: &Waiter) -> &str {
    waiter.place.split(':').next().unwrap_or_default()
}

impl LineHolds {
    pub(super) fn of(mapping: &Compiled) -> LineHolds {
        LineHolds {
            primary: mapping.holds_line(mapping::Line::Primary),
            additional: mapping.holds_line(mapping::Line::Additional),
        }
    }

    fn of_slot(self, slot: Slot) -> Option<Hold> {
        match slot {
            Slot::Manager => self.primary,
            Slot::AdditionalManager => self.additional,
            Slot::Member | Slot::Team => None,
        }
    }
}

impl Subject {
    /// The links to settle: what is asserted, and in the place of it what is there, linked or
    /// waiting, where that is to stay. What stays is asserted as it was, so it follows the person it
    /// means like any other link.
    pub(super) fn links(
        &self,
        lines: &HashMap<(Uuid, i16, i16), Line>,
        waiters: &HashMap<WaiterPlace, Waiter>,
    ) -> Cow<'_, [AssertedLink]> {
        let mut links = Cow::Borrowed(self.asserted.as_slice());
        for slot in [Slot::Manager, Slot::AdditionalManager] {
            let Some(hold) = self.holds.of_slot(slot) else {
                continue;
            };
            let there = self.there(slot, lines, waiters);
            let stays = match hold {
                Hold::Always => true,
                Hold::Known => !self.fresh,
                Hold::Filled => !there.is_empty(),
            };
            if stays {
                let links = links.to_mut();
                links.retain(|link| link.slot != slot);
                links.extend(there);
            }
        }
        links
    }

    fn there(
        &self,
        slot: Slot,
        lines: &HashMap<(Uuid, i16, i16), Line>,
        waiters: &HashMap<WaiterPlace, Waiter>,
    ) -> Vec<AssertedLink> {
        let lines = lines
            .values()
            .filter(|line| line.person_id == self.person && line.slot == slot as i16)
            .map(|line| AssertedLink {
                slot,
                ordinal: line.ordinal,
                reference: line.reference.clone(),
                asserted_seq: line.asserted_seq,
            });
        let waiting = waiters
            .values()
            .filter(|waiter| waiter.subject_id == self.person && waiter.slot == slot as i16)
            .filter_map(|waiter| {
                Some(AssertedLink {
                    slot,
                    ordinal: waiter.place.parse().ok()?,
                    reference: waiter.reference.clone(),
                    asserted_seq: waiter.asserted_seq,
                })
            });
        let mut there: Vec<AssertedLink> = lines.chain(waiting).collect();
        there.sort_by_key(|link| link.ordinal);
        there
    }
}

/// What becomes of memberships that wait: those asserted now, and those left alone, which begin if
/// their team has come.
pub(super) async fn plan_waits(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Subject],
    waiters: &HashMap<WaiterPlace, Waiter>,
    wanted: &mut Vec<Waiter>,
    plan: &mut LinkPlan,
) -> Result<(), StoreError> {
    let mut asserts: HashMap<Uuid, &TeamWaits> = HashMap::new();
    for subject in subjects {
        if let TeamWaits::Asserted { waiting, .. } = &subject.teams {
            wanted.extend(waiting.iter().cloned());
        }
        asserts.insert(subject.person, &subject.teams);
    }
    let left: Vec<&Waiter> = waiters
        .values()
        .filter(|waiter| waiter.slot == Slot::Team as i16)
        .filter(|waiter| {
            asserts
                .get(&waiter.subject_id)
                .is_some_and(|waits| waits.leaves(waiter))
        })
        .collect();
    let there = teams_there(conn, tenant, left.iter().copied()).await?;
    let mut found = vec![];
    let mut begun: BTreeMap<(Uuid, &str), (BTreeSet<Uuid>, i64)> = BTreeMap::new();
    for waiter in left {
        let Some(team_id) = there.get(&waiter.wait_key) else {
            wanted.push(waiter.clone());
            continue;
        };
        plan.begun_members.push(Membership {
            team_id: *team_id,
            person_id: waiter.subject_id,
            source: rule_of(waiter).to_owned(),
        });
        let (teams, asserted) = begun.entry((waiter.subject_id, rule_of(waiter))).or_default();
        teams.insert(*team_id);
        *asserted = waiter.asserted_seq.max(*asserted);
        *plan.settlement.resolved.entry(Slot::Team).or_default() += 1;
        plan.settlement.changes.push(LinkChange {
            slot: Slot::Team,
            subject: waiter.subject_id,
            place: waiter.place.clone(),
            before: None,
            after: Some(Target::Team(*team_id)),
            waited_for: Some(waiter.wait_key.clone()),
            waits_for: None,
        });
        let place = WaiterPlace {
            subject_id: waiter.subject_id,
            slot: waiter.slot,
            place: waiter.place.clone(),
        };
        found.push((place, waiter.asserted_seq));
    }
    plan.note_found(waiters, found);
    let turns = turns(conn, tenant, begun).await?;
    plan.settlement.turns.extend(turns);
    Ok(())
}

/// What history tells of memberships that begin, by person and rule: all the teams of the rule, before
/// and after.
async fn turns(
    conn: &mut PgConnection,
    tenant: TenantId,
    begun: BTreeMap<(Uuid, &str), (BTreeSet<Uuid>, i64)>,
) -> Result<Vec<Turn>, StoreError> {
    let people: BTreeSet<Uuid> = begun.keys().map(|(person, _)| *person).collect();
    let people: Vec<Uuid> = people.into_iter().collect();
    let held = memberships(conn, tenant, &people).await?;
    let turn = |((person, rule), (teams, asserted_seq)): ((Uuid, &str), (BTreeSet<Uuid>, i64))| {
        let of_rule = held
            .iter()
            .filter(|row| row.person_id == person && row.source == rule);
        let old: BTreeSet<Uuid> = of_rule.map(|row| row.team_id).collect();
        let new: BTreeSet<Uuid> = old.union(&teams).copied().collect();
        Turn {
            key: Key::Person(person),
            person: None,
            field: rule.to_owned().into(),
            old: json!(one_or_all(old)),
            new: json!(one_or_all(new)),
            asserted_seq: Some(asserted_seq),
            target_seq: None,
        }
    };
    Ok(begun.into_iter().map(turn).collect())
}

/// The teams that these wait for, as far as they exist, by wait key.
pub(super) async fn teams_there<'a>(
    conn: &mut PgConnection,
    tenant: TenantId,
    waiters: impl Iterator<Item = &'a Waiter>,
) -> Result<HashMap<String, Uuid>, StoreError> {
    let asked: HashSet<(&str, &str)> = waiters
        .filter_map(|waiter| waited_for(&waiter.wait_key))
        .collect();
    let asked: Vec<AttributeTeam> = asked
        .into_iter()
        .map(|(kind, folded)| AttributeTeam {
            kind: kind.to_owned(),
            folded: folded.to_owned(),
            name: String::new(),
        })
        .collect();
    let found = find_attribute_teams(conn, tenant, &asked).await?;
    Ok(found
        .into_iter()
        .map(|(kind, folded, id)| (rollcall_shared::store::named_teams::wait_key(&kind, &folded), id))
        .collect())
}
