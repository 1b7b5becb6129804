//! What is written, in which request, in which order.

use std::collections::{HashMap, HashSet};

use fake::rand::rngs::StdRng;
use fake::rand::seq::SliceRandom;
use fake::rand::{RngExt, SeedableRng};

use crate::company::{By, Client, Company, Created, Fate, Group};

/// Members sent along when a group is created by a client that does so.
const INLINE_MEMBERS: usize = 40;
/// Members in one PATCH.
const PATCHED_MEMBERS: usize = 100;

/// One write. People and groups are indexes in the company, members indexes in the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    CreatePerson(usize),
    CreateGroup {
        group: usize,
        members: Vec<usize>,
    },
    AddMembers {
        group: usize,
        members: Vec<usize>,
    },
    /// PATCH of the manager, by the SCIM id that is known by now.
    SetManager(usize),
    /// PUT of the whole, now correct, record.
    ReplacePerson(usize),
    RenameGroup(usize),
    Deactivate(usize),
    DeletePerson(usize),
    DeleteGroup(usize),
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Single(Operation),
    Bulk(Vec<Operation>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Requests of one phase are sent in this order, several at once.
    pub(crate) phases: Vec<Vec<Step>>,
}

impl Plan {
    /// `bulk` is the number of operations in one `/Bulk` request.
    pub(crate) fn new(company: &Company, bulk: usize, seed: u64) -> Plan {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
        let (mut people, set_later) = people(company, bulk, &mut rng);
        let mut first = Vec::new();
        let mut last = Vec::new();
        let mut later: Vec<Step> = Vec::new();
        for (index, group) in company.groups.iter().enumerate() {
            let (by_hand, by_id): (Vec<usize>, Vec<usize>) =
                (0..group.members.len()).partition(|&member| group.members[member].by != By::Id);
            match group.created {
                Created::First => {
                    let (now, then) = by_hand.split_at(inline(group).min(by_hand.len()));
                    first.push(create(index, now));
                    // Before, between and after the people they name.
                    for step in add(index, then) {
                        people.insert(rng.random_range(0..=people.len()), step);
                    }
                    later.extend(add(index, &by_id));
                }
                Created::WithPeople => {
                    let there = create_among_people(index, group, &mut people);
                    let rest: Vec<usize> = by_id
                        .into_iter()
                        .filter(|member| !there.contains(member))
                        .collect();
                    later.extend(add(index, &rest));
                }
                Created::Last => {
                    let all: Vec<usize> = by_hand.into_iter().chain(by_id).collect();
                    let (now, then) = all.split_at(inline(group).min(all.len()));
                    last.push(create(index, now));
                    later.extend(add(index, then));
                }
            }
            if group.first_name.is_some() {
                later.push(Step::Single(Operation::RenameGroup(index)));
            }
        }
        later.extend(each_in_its_own_way(
            company,
            set_later,
            bulk,
            Operation::SetManager,
        ));
        let corrected = (0..company.people.len()).filter(|&p| company.people[p].first_title.is_some());
        later.extend(corrected.map(|person| Step::Single(Operation::ReplacePerson(person))));
        later.shuffle(&mut rng);
        let phases = vec![first, people, last, later, departures(company, bulk)];
        Plan {
            phases: phases.into_iter().filter(|phase| !phase.is_empty()).collect(),
        }
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flatten()
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.steps().flat_map(Step::operations)
    }
}

impl Step {
    pub(crate) fn operations(&self) -> &[Operation] {
        match self {
            Step::Single(operation) => std::slice::from_ref(operation),
            Step::Bulk(operations) => operations,
        }
    }
}

/// Deepest level first, with exceptions; and whose manager is left for a later PATCH, because
/// it goes by a SCIM id nobody can know yet.
fn people(company: &Company, bulk: usize, rng: &mut StdRng) -> (Vec<Step>, Vec<usize>) {
    let mut order: Vec<(f64, usize)> = Vec::with_capacity(company.people.len());
    for (index, person) in company.people.iter().enumerate() {
        let (turn, spread) = if rng.random_bool(0.1) {
            (0.0, 7.0)
        } else {
            (7.0 - person.depth as f64, 1.0)
        };
        order.push((turn + rng.random_range(0.0..spread), index));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut steps = Vec::new();
    let mut roster = Vec::new();
    for (_, index) in order {
        let operation = Operation::CreatePerson(index);
        match company.people[index].client {
            Client::Roster => roster.push(operation),
            Client::Entra | Client::Okta => steps.push(Step::Single(operation)),
        }
        if roster.len() == bulk {
            steps.push(Step::Bulk(std::mem::take(&mut roster)));
        }
    }
    if !roster.is_empty() {
        steps.push(Step::Bulk(roster));
    }
    let mut request_of = HashMap::new();
    for (request, step) in steps.iter().enumerate() {
        for operation in step.operations() {
            if let (Operation::CreatePerson(person), Step::Bulk(_)) = (operation, step) {
                request_of.insert(*person, request);
            }
        }
    }
    let together = |a, b| {
        request_of
            .get(&a)
            .is_some_and(|request| request_of.get(&b) == Some(request))
    };
    let set_later = (0..company.people.len())
        .filter(|&index| {
            let manager = company.people[index].manager;
            manager.is_some_and(|link| link.by == By::Id && !together(index, link.to))
        })
        .collect();
    (steps, set_later)
}

/// Puts the group at the head of the bulk request that creates most of its members; answers
/// which members that are.
fn create_among_people(index: usize, group: &Group, people: &mut [Step]) -> HashSet<usize> {
    let created_by = |step: &Step| -> HashSet<usize> {
        let Step::Bulk(operations) = step else {
            return HashSet::new();
        };
        let there: HashSet<usize> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::CreatePerson(person) => Some(*person),
                _ => None,
            })
            .collect();
        (0..group.members.len())
            .filter(|&member| there.contains(&group.members[member].to))
            .collect()
    };
    let best = people
        .iter_mut()
        .max_by_key(|step| (created_by(step).len(), matches!(step, Step::Bulk(_))));
    let Some(step) = best else {
        return HashSet::new();
    };
    let there = created_by(step);
    if let Step::Bulk(operations) = step {
        let mut members: Vec<usize> = there.iter().copied().collect();
        members.sort_unstable();
        operations.insert(
            0,
            Operation::CreateGroup {
                group: index,
                members,
            },
        );
    }
    there
}

fn departures(company: &Company, bulk: usize) -> Vec<Step> {
    let of = |fate: Fate| {
        (0..company.people.len())
            .filter(move |&p| company.people[p].fate == fate)
            .collect()
    };
    let mut steps = each_in_its_own_way(company, of(Fate::Deactivated), bulk, Operation::Deactivate);
    steps.extend(each_in_its_own_way(
        company,
        of(Fate::Leaves),
        bulk,
        Operation::DeletePerson,
    ));
    let dissolved = (0..company.groups.len()).filter(|&group| company.groups[group].dissolved);
    steps.extend(dissolved.map(|group| Step::Single(Operation::DeleteGroup(group))));
    steps
}

/// The roster's people in bulk requests, the others one by one.
fn each_in_its_own_way(
    company: &Company,
    people: Vec<usize>,
    bulk: usize,
    operation: fn(usize) -> Operation,
) -> Vec<Step> {
    let (roster, singles): (Vec<usize>, Vec<usize>) = people
        .into_iter()
        .partition(|&person| company.people[person].client == Client::Roster);
    let bulks = roster
        .chunks(bulk)
        .map(|people| Step::Bulk(people.iter().copied().map(operation).collect()));
    bulks
        .chain(singles.into_iter().map(|person| Step::Single(operation(person))))
        .collect()
}

fn inline(group: &Group) -> usize {
    if group.client == Client::Entra {
        0
    } else {
        INLINE_MEMBERS
    }
}

fn create(group: usize, members: &[usize]) -> Step {
    Step::Single(Operation::CreateGroup {
        group,
        members: members.to_vec(),
    })
}

fn add(group: usize, members: &[usize]) -> impl Iterator<Item = Step> {
    members.chunks(PATCHED_MEMBERS).map(move |members| {
        Step::Single(Operation::AddMembers {
            group,
            members: members.to_vec(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count<T>(items: impl Iterator<Item = T>, wanted: impl Fn(&T) -> bool) -> usize {
        items.filter(wanted).count()
    }

    #[test]
    fn plan_at_least_half_of_the_manager_links_point_to_people_sent_later() {
        let company = Company::generate(2_000, 1);
        let plan = Plan::new(&company, 100, 1);
        let mut request_of = HashMap::new();
        for (request, step) in plan.steps().enumerate() {
            for operation in step.operations() {
                if let Operation::CreatePerson(person) = operation {
                    request_of.insert(*person, request);
                }
            }
        }
        let mut later = 0;
        for (index, person) in company.people.iter().enumerate() {
            let links = person.manager.iter().chain(&person.additional_managers);
            later += count(links, |link| {
                link.by != By::Id && request_of[&link.to] > request_of[&index]
            });
        }
        let links = company.manager_links();
        assert!(later * 100 >= links * 65, "{later} of {links}");
    }

    #[test]
    fn plan_writes_everybody_and_every_membership_once() {
        let company = Company::generate(2_000, 1);
        let plan = Plan::new(&company, 100, 1);
        let created = count(plan.operations(), |op| matches!(op, Operation::CreatePerson(_)));
        assert_eq!(created, company.people.len());
        let mut members = vec![0; company.groups.len()];
        let mut groups = 0;
        for operation in plan.operations() {
            match operation {
                Operation::CreateGroup { group, members: some } => {
                    members[*group] += some.len();
                    groups += 1;
                }
                Operation::AddMembers { group, members: some } => members[*group] += some.len(),
                _ => {}
            }
        }
        assert_eq!(groups, company.groups.len());
        let wanted: Vec<usize> = company.groups.iter().map(|group| group.members.len()).collect();
        assert_eq!(members, wanted);
    }

    #[test]
    fn plan_some_groups_name_people_who_come_later_in_the_same_request() {
        let plan = Plan::new(&Company::generate(2_000, 1), 100, 1);
        let with_people = plan.operations().any(|operation| match operation {
            Operation::CreateGroup { members, .. } => !members.is_empty(),
            _ => false,
        });
        assert!(with_people);
        let among = plan.steps().any(|step| {
            matches!(step, Step::Bulk(ops) if matches!(&ops[0], Operation::CreateGroup { members, .. } if !members.is_empty()))
        });
        assert!(among);
    }

    #[test]
    fn plan_is_the_same_for_the_same_seed() {
        let company = Company::generate(500, 3);
        assert_eq!(Plan::new(&company, 50, 3), Plan::new(&company, 50, 3));
    }
}
