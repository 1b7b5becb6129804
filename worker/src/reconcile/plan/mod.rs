//! From what is and what should be to what is to be written. Pure.

mod belonging;
mod person;
mod rejections;
mod team;

pub(super) use team::new_team;

use super::links::Subject;
use chrono::NaiveDate;
use person::{Rules, nobody, person};
use rollcall_shared::directory::Key;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{ProjectedPerson, Status, project_person};
use rollcall_shared::store::links::MemberOf;
use rollcall_shared::store::mappings::InForce;
use rollcall_shared::store::reconcile::{
    AttributeTeam, DesiredGroup, DesiredPerson, Membership, PersonRow, RejectionRow, TeamRow,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use team::{no_group, team};
use uuid::Uuid;

/// What was read, all of it after the locks were held.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// By which documents are read.
    pub(super) mapping: InForce,
    /// The keys in question, with the highest pending change of each.
    pub(super) pending: HashMap<Key, i64>,
    /// The keys in question have nothing pending: whatever differs has no accepted cause, and what
    /// nobody asserts goes.
    pub(super) settled: bool,
    /// Keys left out because something of theirs is pending, where that is not asked for.
    pub(super) in_flight: usize,
    /// What day it is where dates drive the status.
    pub(super) day: Option<NaiveDate>,
    pub(super) people: Vec<PersonRow>,
    pub(super) memberships: Vec<Membership>,
    pub(super) rejections: Vec<RejectionRow>,
    pub(super) teams: Vec<TeamRow>,
    pub(super) groups: Vec<DesiredGroup>,
}

/// A person's document, projected.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) desired: DesiredPerson,
    pub(super) projected: ProjectedPerson,
}

impl Wanted {
    pub(super) fn of(mapping: &Compiled, desired: DesiredPerson) -> Wanted {
        let mut projected = project_person(mapping, &desired.document);
        if !desired.live {
            projected.teams.clear();
        }
        Wanted { desired, projected }
    }
}

/// The attribute teams these people belong to, in order.
pub(super) fn teams_of(people: &[Wanted]) -> Vec<AttributeTeam> {
    let teams: BTreeSet<AttributeTeam> = people
        .iter()
        .flat_map(|wanted| &wanted.projected.teams)
        .map(|team| AttributeTeam {
            kind: team.kind.to_string(),
            folded: team.folded.clone(),
            name: team.name.clone(),
        })
        .collect();
    let mut teams: Vec<AttributeTeam> = teams.into_iter().collect();
    teams.dedup_by(|later, first| later.kind == first.kind && later.folded == first.folded);
    teams
}

/// Ids of attribute teams by kind and folded name.
pub(super) type TeamIds = HashMap<(String, String), Uuid>;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The version of the mapping it is made by.
    pub(super) mapping: i32,
    pub(super) people: Vec<PersonPlan>,
    pub(super) teams: Vec<TeamPlan>,
    pub(super) members: Vec<(MemberOf, i64)>,
    /// Keys of which nothing was ever accepted; only their pending rows go.
    pub(super) nothing: Vec<(Key, i64)>,
    /// As [`Found::settled`].
    pub(super) settled: bool,
}

#[derive(Debug)]
pub(super) struct PersonPlan {
    pub(super) row: PersonRow,
    pub(super) before: Option<PersonRow>,
    /// The row differs from what is there.
    pub(super) differs: bool,
    pub(super) read_seq: i64,
    pub(super) begun: Vec<Membership>,
    pub(super) ended: Vec<Membership>,
    pub(super) links: Subject,
    pub(super) rejected: Vec<RejectionRow>,
    pub(super) cleared: Vec<(Uuid, String)>,
    /// What is rejected or cleared is not what was.
    pub(super) other_rejections: bool,
    pub(super) fields: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct TeamPlan {
    pub(super) row: TeamRow,
    pub(super) before: TeamRow,
    pub(super) differs: bool,
    pub(super) read_seq: i64,
    pub(super) rejected: Vec<RejectionRow>,
    pub(super) cleared: Vec<(Uuid, String)>,
    pub(super) other_rejections: bool,
    pub(super) fields: Map<String, Value>,
}

impl PersonPlan {
    /// Tell that somebody known is described by another User now: a rehire.
    pub(super) fn note_resource(&mut self) {
        if let Some(before) = &self.before
            && before.resource_id != self.row.resource_id
        {
            let change = json!([before.resource_id, self.row.resource_id]);
            self.fields.insert("resource_id".to_owned(), change);
        }
    }

    /// Whether links to this person become possible or impossible.
    pub(super) fn comes_or_goes(&self) -> bool {
        let is_there = |status| status != Status::Deprovisioned;
        self.before
            .as_ref()
            .is_none_or(|before| is_there(before.status) != is_there(self.row.status))
    }
}

impl TeamPlan {
    /// Whether links to this team become possible or impossible.
    pub(super) fn comes_or_goes(&self) -> bool {
        self.before.applied_seq == 0 || self.before.deleted != self.row.deleted
    }
}

/// Plan everything that is in question.
pub(super) fn plan(found: Found, wanted: Vec<Wanted>, team_ids: &TeamIds) -> Plan {
    let mut plan = Plan {
        mapping: found.mapping.version,
        settled: found.settled,
        ..Plan::default()
    };
    let rules = Rules {
        in_force: found.mapping,
        day: found.day,
        team_ids,
    };
    let mut people: HashMap<Uuid, PersonRow> = found.people.into_iter().map(|row| (row.id, row)).collect();
    let mut memberships: HashMap<Uuid, HashSet<Membership>> = HashMap::new();
    for row in found.memberships {
        memberships.entry(row.person_id).or_default().insert(row);
    }
    let mut rejections: HashMap<Uuid, Vec<RejectionRow>> = HashMap::new();
    for row in found.rejections {
        rejections.entry(row.resource_id).or_default().push(row);
    }
    let mut wanted: HashMap<Uuid, Wanted> = wanted
        .into_iter()
        .map(|wanted| (wanted.desired.id, wanted))
        .collect();
    let mut teams: HashMap<Uuid, TeamRow> = found.teams.into_iter().map(|row| (row.id, row)).collect();
    let groups: HashMap<Uuid, DesiredGroup> =
        found.groups.into_iter().map(|group| (group.id, group)).collect();

    let mut pending: Vec<(Key, i64)> = found.pending.into_iter().collect();
    pending.sort();
    for (key, read_seq) in pending {
        match &key {
            Key::Person(id) => match wanted.remove(id) {
                Some(wanted) => {
                    let before = people.remove(id);
                    let mut resources = vec![wanted.desired.resource_id];
                    resources.extend(before.as_ref().map(|before| before.resource_id));
                    resources.dedup();
                    let open = resources
                        .iter()
                        .filter_map(|id| rejections.remove(id))
                        .flatten()
                        .collect();
                    let held = memberships.remove(id).unwrap_or_default();
                    let person = person(&rules, wanted, before, &held, open, read_seq);
                    plan.people.push(person);
                }
                None => match people.remove(id) {
                    Some(before) if plan.settled => {
                        let held = memberships.remove(id).unwrap_or_default();
                        plan.people.push(nobody(before, held));
                    }
                    _ => plan.nothing.push((key, read_seq)),
                },
            },
            Key::Team(id) => match (groups.get(id), teams.remove(id)) {
                (Some(group), Some(row)) => {
                    let open = rejections.remove(&group.resource_id).unwrap_or_default();
                    plan.teams.push(team(group, row, open, read_seq));
                }
                (None, Some(row)) if plan.settled => plan.teams.push(no_group(row)),
                _ => plan.nothing.push((key, read_seq)),
            },
            Key::Member(team, member) => plan.members.push(((*team, member.clone()), read_seq)),
        }
    }
    plan
}
