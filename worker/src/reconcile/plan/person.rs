use super::belonging::Belonging;
use super::{PersonPlan, TeamIds, Wanted, rejections};
use crate::reconcile::held_links::{LineHolds, TeamWaits};
use crate::reconcile::history;
use crate::reconcile::links::{AssertedLink, Subject};
use chrono::NaiveDate;
use rollcall_shared::projection::{PersonFields, Status};
use rollcall_shared::store::mappings::InForce;
use rollcall_shared::store::reconcile::{Membership, PersonRow, RejectionRow};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// By what a person is planned.
pub(super) struct Rules<'a> {
    pub(super) in_force: InForce,
    /// What day it is where dates drive the status.
    pub(super) day: Option<NaiveDate>,
    pub(super) team_ids: &'a TeamIds,
}

/// What becomes of a person for whom a User was accepted.
pub(super) fn person(
    rules: &Rules<'_>,
    wanted: Wanted,
    before: Option<PersonRow>,
    held: &HashSet<Membership>,
    open: Vec<RejectionRow>,
    read_seq: i64,
) -> PersonPlan {
    let Wanted {
        desired,
        mut projected,
    } = wanted;
    let mapping = &rules.in_force.mapping;
    projected.hold(mapping, before.as_ref().map(|before| &before.fields));
    let rejected = rejections::rows(&projected.rejections, desired.resource_id, desired.seq);
    let last_status = before.as_ref().map(|before| before.status);
    let status =
        Status::asserted(desired.live, projected.active, last_status).on(rules.day, &projected.fields);
    let belonging = Belonging::of(
        mapping,
        &desired,
        &projected,
        before.is_some(),
        held,
        rules.team_ids,
    );
    let row = PersonRow {
        id: desired.id,
        resource_id: desired.resource_id,
        status,
        fields: projected.fields,
        applied_mapping: rules.in_force.version,
        applied_seq: desired.seq,
    };
    let mut fields = changed_fields(before.as_ref(), &row);
    history::add_memberships(&mut fields, held, &belonging.belongs);
    let (asserted, holds) = match desired.live {
        true => (
            AssertedLink::list(projected.references, &desired),
            LineHolds::of(mapping),
        ),
        false => (vec![], LineHolds::default()),
    };
    PersonPlan {
        differs: before.as_ref().is_none_or(|before| row_differs(before, &row)),
        links: Subject {
            person: row.id,
            asserted,
            holds,
            teams: belonging.waits,
            fresh: before.is_none(),
        },
        other_rejections: rejections::differ(&open, &rejected),
        cleared: rejections::cleared(open, &rejected),
        row,
        before,
        read_seq,
        begun: belonging.begun,
        ended: belonging.ended,
        rejected,
        fields,
    }
}

/// A person no User was ever accepted for, which only a foreign hand can have written: kept for
/// what refers to them, without being part of the company.
pub(super) fn nobody(before: PersonRow, held: HashSet<Membership>) -> PersonPlan {
    let row = PersonRow {
        status: Status::Deprovisioned,
        ..before.clone()
    };
    let mut fields = changed_fields(Some(&before), &row);
    history::add_memberships(&mut fields, &held, &HashSet::new());
    PersonPlan {
        differs: before.status != row.status,
        links: Subject {
            person: row.id,
            asserted: vec![],
            holds: LineHolds::default(),
            teams: TeamWaits::none(),
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

/// Whether there is something to write. Another version of the mapping alone is nothing: that a
/// mapping changed must not rewrite everybody it reads as before (docs/adr/0010).
fn row_differs(before: &PersonRow, row: &PersonRow) -> bool {
    (before.resource_id, before.status, before.applied_seq) != (row.resource_id, row.status, row.applied_seq)
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
