//! From what is and what should be to what is to be written. Pure.

use super::links::{AssertedLink, Subject};
use rollcall_shared::directory::Key;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{
    PersonFields, ProjectedPerson, Status, WantedTeam, project_group, project_person,
};
use rollcall_shared::store::links::MemberOf;
use rollcall_shared::store::reconcile::{
    AttributeTeam, DesiredGroup, DesiredPerson, Membership, PersonRow, RejectionRow, TeamRow,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// The mapping in force.
pub const MAPPING: i32 = 1;

/// What was read, all of it after the locks were held.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The keys in question, with the highest pending change of each.
    pub(super) pending: HashMap<Key, i64>,
    /// The keys in question have nothing pending: whatever differs has no accepted cause, and what
    /// nobody asserts goes.
    pub(super) settled: bool,
    /// Keys left out because something of theirs is pending, where that is not asked for.
    pub(super) in_flight: usize,
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
    pub(super) fn of(desired: DesiredPerson) -> Wanted {
        let mut projected = project_person(&Compiled::default_mapping(), &desired.document);
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
    pub(super) differs: bool,
    pub(super) read_seq: i64,
    pub(super) rejected: Vec<RejectionRow>,
    pub(super) cleared: Vec<(Uuid, String)>,
    pub(super) other_rejections: bool,
    pub(super) fields: Map<String, Value>,
}

impl PersonPlan {
    /// Whether links to this person become possible or impossible.
    pub(super) fn comes_or_goes(&self) -> bool {
        let is_there = |status| status != Status::Deprovisioned;
        self.before
            .as_ref()
            .is_none_or(|before| is_there(before.status) != is_there(self.row.status))
    }
}

/// Plan everything that is in question.
pub(super) fn plan(found: Found, wanted: Vec<Wanted>, team_ids: &TeamIds) -> Plan {
    let mut plan = Plan {
        settled: found.settled,
        ..Plan::default()
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
                    plan.people
                        .push(person(wanted, before, held, open, team_ids, read_seq));
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

fn person(
    wanted: Wanted,
    before: Option<PersonRow>,
    held: HashSet<Membership>,
    open: Vec<RejectionRow>,
    team_ids: &TeamIds,
    read_seq: i64,
) -> PersonPlan {
    let Wanted {
        desired,
        mut projected,
    } = wanted;
    projected.hold(
        &Compiled::default_mapping(),
        before.as_ref().map(|before| &before.fields),
    );
    let rejected: Vec<RejectionRow> = projected
        .rejections
        .iter()
        .map(|rejection| RejectionRow {
            resource_id: desired.resource_id,
            rule: rejection.rule.to_string(),
            value_hash: rejection.value_hash.clone(),
            reason: rejection.reason.clone(),
            seq: desired.seq,
        })
        .collect();
    let last_status = before
        .as_ref()
        .map(|before| before.status)
        .filter(|last| *last != Status::Deprovisioned);
    let status = match (desired.live, projected.active) {
        (false, _) => Status::Deprovisioned,
        (true, Some(true)) => Status::Active,
        (true, Some(false)) => Status::Deactivated,
        (true, None) => last_status.unwrap_or(Status::Active),
    };
    let row = PersonRow {
        id: desired.id,
        resource_id: desired.resource_id,
        status,
        fields: projected.fields,
        applied_mapping: MAPPING,
        applied_seq: desired.seq,
    };
    let belongs: HashSet<Membership> = projected
        .teams
        .iter()
        .filter_map(|team| membership(team, desired.id, team_ids))
        .collect();
    let begun: Vec<Membership> = belongs.difference(&held).cloned().collect();
    let ended: Vec<Membership> = held.difference(&belongs).cloned().collect();
    let asserted = if desired.live {
        AssertedLink::list(projected.references, &desired)
    } else {
        vec![]
    };
    let mut changes = changed_fields(before.as_ref(), &row);
    for kind in ["department", "division", "cost_center"] {
        let team = |rows: &[Membership]| rows.iter().find(|row| row.source == kind).map(|row| row.team_id);
        let (old, new) = (team(&ended), team(&begun));
        if old.is_some() || new.is_some() {
            changes.insert(kind.to_owned(), json!([old, new]));
        }
    }
    PersonPlan {
        differs: before.as_ref().is_none_or(|before| row_differs(before, &row)),
        links: Subject {
            person: row.id,
            asserted,
            fresh: before.is_none(),
        },
        other_rejections: other_rejections(&open, &rejected),
        cleared: cleared(open, &rejected),
        row,
        before,
        read_seq,
        begun,
        ended,
        rejected,
        fields: changes,
    }
}

/// A person no User was ever accepted for, which only a foreign hand can have written: kept for
/// what refers to them, without being part of the company.
fn nobody(before: PersonRow, held: HashSet<Membership>) -> PersonPlan {
    let row = PersonRow {
        status: Status::Deprovisioned,
        ..before.clone()
    };
    let fields = changed_fields(Some(&before), &row);
    PersonPlan {
        differs: before.status != row.status,
        links: Subject {
            person: row.id,
            asserted: vec![],
            fresh: false,
        },
        read_seq: 0,
        begun: vec![],
        ended: held.into_iter().collect(),
        rejected: vec![],
        cleared: vec![],
        other_rejections: false,
        fields,
        row,
        before: Some(before),
    }
}

fn membership(team: &WantedTeam, person_id: Uuid, team_ids: &TeamIds) -> Option<Membership> {
    Some(Membership {
        team_id: *team_ids.get(&(team.kind.to_string(), team.folded.clone()))?,
        person_id,
        source: team.rule.to_string(),
    })
}

fn row_differs(before: &PersonRow, row: &PersonRow) -> bool {
    (
        before.resource_id,
        before.status,
        before.applied_mapping,
        before.applied_seq,
    ) != (row.resource_id, row.status, row.applied_mapping, row.applied_seq)
        || before.fields != row.fields
}

/// `{field: [old, new]}` of what differs.
fn changed_fields(before: Option<&PersonRow>, row: &PersonRow) -> Map<String, Value> {
    let mut changes = Map::new();
    let old_status = before.map(|before| before.status);
    if old_status != Some(row.status) {
        changes.insert("status".to_owned(), json!([old_status, row.status]));
    }
    if before.is_some_and(|before| before.fields == row.fields) {
        return changes;
    }
    let none = PersonFields::default();
    let old = json!(before.map_or(&none, |before| &before.fields));
    let new = json!(&row.fields);
    if let (Value::Object(mut old), Value::Object(new)) = (old, new) {
        for (field, new) in new {
            let old = old.remove(&field).unwrap_or_default();
            if old != new {
                changes.insert(field, Value::Array(vec![old, new]));
            }
        }
    }
    changes
}

fn other_rejections(open: &[RejectionRow], rejected: &[RejectionRow]) -> bool {
    let same = |a: &RejectionRow, b: &RejectionRow| {
        (a.resource_id, &a.rule, &a.value_hash) == (b.resource_id, &b.rule, &b.value_hash)
    };
    let known = |rows: &[RejectionRow], row| rows.iter().any(|other| same(other, row));
    !rejected.iter().all(|row| known(open, row)) || !open.iter().all(|row| known(rejected, row))
}

fn cleared(open: Vec<RejectionRow>, rejected: &[RejectionRow]) -> Vec<(Uuid, String)> {
    open.into_iter()
        .filter(|row| {
            !rejected
                .iter()
                .any(|new| new.resource_id == row.resource_id && new.rule == row.rule)
        })
        .map(|row| (row.resource_id, row.rule))
        .collect()
}

fn team(group: &DesiredGroup, before: TeamRow, open: Vec<RejectionRow>, read_seq: i64) -> TeamPlan {
    let projected = project_group(&group.document);
    let rejected: Vec<RejectionRow> = projected
        .rejections
        .iter()
        .map(|rejection| RejectionRow {
            resource_id: group.resource_id,
            rule: rejection.rule.to_string(),
            value_hash: rejection.value_hash.clone(),
            reason: rejection.reason.clone(),
            seq: group.seq,
        })
        .collect();
    let kept = |rule: &str| rejected.iter().any(|row| row.rule == rule);
    let row = TeamRow {
        id: before.id,
        name: projected.name.unwrap_or_else(|| before.name.clone()),
        external_id: if kept("external_id") {
            before.external_id.clone()
        } else {
            projected.external_id
        },
        resource_id: Some(group.resource_id),
        deleted: !group.live,
        applied_seq: group.seq,
    };
    let mut fields = Map::new();
    // Rows created for the sake of a member have shown nobody anything yet.
    let old = (before.applied_seq > 0).then_some(&before);
    let mut note = |field: &str, old: Value, new: Value| {
        if old != new {
            fields.insert(field.to_owned(), Value::Array(vec![old, new]));
        }
    };
    note("name", json!(old.map(|old| &old.name)), json!(row.name));
    note(
        "external_id",
        json!(old.and_then(|old| old.external_id.as_ref())),
        json!(row.external_id),
    );
    note(
        "deleted",
        json!(old.is_some_and(|old| old.deleted)),
        json!(row.deleted),
    );
    TeamPlan {
        differs: before != row,
        other_rejections: other_rejections(&open, &rejected),
        cleared: cleared(open, &rejected),
        row,
        read_seq,
        rejected,
        fields,
    }
}

/// The team of a group that was never accepted.
fn no_group(before: TeamRow) -> TeamPlan {
    let row = TeamRow {
        deleted: true,
        ..before.clone()
    };
    let mut fields = Map::new();
    if !before.deleted {
        fields.insert("deleted".to_owned(), json!([false, true]));
    }
    TeamPlan {
        differs: before != row,
        row,
        read_seq: 0,
        rejected: vec![],
        cleared: vec![],
        other_rejections: false,
        fields,
    }
}

/// The row a group's team begins with.
pub(super) fn new_team(group: &DesiredGroup) -> TeamRow {
    let projected = project_group(&group.document);
    TeamRow {
        id: group.id,
        name: projected.name.unwrap_or_default(),
        external_id: projected.external_id,
        resource_id: Some(group.resource_id),
        deleted: !group.live,
        applied_seq: 0,
    }
}
