//! What a row of history means to somebody who follows the directory. Pure.

use crate::projection::PersonFields;
use crate::store::history::camel;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// Something that happened to the directory, as it is shown: ids and names of fields, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Event {
    #[serde(rename = "person.created")]
    PersonCreated { person_id: Uuid, active: bool },
    #[serde(rename = "person.updated")]
    PersonUpdated { person_id: Uuid, fields: Vec<String> },
    #[serde(rename = "person.deactivated")]
    PersonDeactivated { person_id: Uuid },
    #[serde(rename = "person.reactivated")]
    PersonReactivated { person_id: Uuid },
    /// Their source has deleted them.
    #[serde(rename = "person.removed")]
    PersonRemoved { person_id: Uuid },
    /// Who was removed is there again.
    #[serde(rename = "person.returned")]
    PersonReturned { person_id: Uuid, active: bool },
    #[serde(rename = "person.erased")]
    PersonErased { person_id: Uuid },
    #[serde(rename = "person.manager_changed")]
    ManagerChanged {
        person_id: Uuid,
        from: Vec<Uuid>,
        to: Vec<Uuid>,
    },
    #[serde(rename = "person.additional_managers_changed")]
    AdditionalManagersChanged {
        person_id: Uuid,
        from: Vec<Uuid>,
        to: Vec<Uuid>,
    },
    #[serde(rename = "team.created")]
    TeamCreated { team_id: Uuid },
    #[serde(rename = "team.renamed")]
    TeamRenamed { team_id: Uuid },
    #[serde(rename = "team.updated")]
    TeamUpdated { team_id: Uuid, fields: Vec<String> },
    /// Its group is deleted; nobody is in it any more.
    #[serde(rename = "team.removed")]
    TeamRemoved { team_id: Uuid },
    #[serde(rename = "team.returned")]
    TeamReturned { team_id: Uuid },
    #[serde(rename = "team.member_added")]
    MemberAdded { team_id: Uuid, person_id: Uuid },
    #[serde(rename = "team.member_removed")]
    MemberRemoved { team_id: Uuid, person_id: Uuid },
    #[serde(rename = "team.part_added")]
    PartAdded { team_id: Uuid, part_id: Uuid },
    #[serde(rename = "team.part_removed")]
    PartRemoved { team_id: Uuid, part_id: Uuid },
}

impl Event {
    /// Every `type` there is.
    pub const TYPES: [&'static str; 18] = [
        "person.created",
        "person.updated",
        "person.deactivated",
        "person.reactivated",
        "person.removed",
        "person.returned",
        "person.erased",
        "person.manager_changed",
        "person.additional_managers_changed",
        "team.created",
        "team.renamed",
        "team.updated",
        "team.removed",
        "team.returned",
        "team.member_added",
        "team.member_removed",
        "team.part_added",
        "team.part_removed",
    ];

    /// Its `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Event::PersonCreated { .. } => "person.created",
            Event::PersonUpdated { .. } => "person.updated",
            Event::PersonDeactivated { .. } => "person.deactivated",
            Event::PersonReactivated { .. } => "person.reactivated",
            Event::PersonRemoved { .. } => "person.removed",
            Event::PersonReturned { .. } => "person.returned",
            Event::PersonErased { .. } => "person.erased",
            Event::ManagerChanged { .. } => "person.manager_changed",
            Event::AdditionalManagersChanged { .. } => "person.additional_managers_changed",
            Event::TeamCreated { .. } => "team.created",
            Event::TeamRenamed { .. } => "team.renamed",
            Event::TeamUpdated { .. } => "team.updated",
            Event::TeamRemoved { .. } => "team.removed",
            Event::TeamReturned { .. } => "team.returned",
            Event::MemberAdded { .. } => "team.member_added",
            Event::MemberRemoved { .. } => "team.member_removed",
            Event::PartAdded { .. } => "team.part_added",
            Event::PartRemoved { .. } => "team.part_removed",
        }
    }
}

/// The columns of a person that a document fills.
static COLUMNS: LazyLock<BTreeSet<String>> = LazyLock::new(|| match json!(PersonFields::default()) {
    Value::Object(fields) => fields.into_iter().map(|(column, _)| column).collect(),
    _ => BTreeSet::new(),
});

/// What happened to a person.
pub(super) fn of_person(person_id: Uuid, fields: &Map<String, Value>) -> Vec<Event> {
    let mut events: Vec<Event> = vec![];
    let mut was_there = true;
    let mut is_there = true;
    if let Some([old, new]) = fields.get("status").map(sides) {
        was_there = shown(old);
        is_there = shown(new);
        let active = new == "active";
        events.extend(match (was_there, is_there) {
            (false, true) if old.is_null() => Some(Event::PersonCreated { person_id, active }),
            (false, true) => Some(Event::PersonReturned { person_id, active }),
            (true, false) => Some(Event::PersonRemoved { person_id }),
            (true, true) if active => Some(Event::PersonReactivated { person_id }),
            (true, true) => Some(Event::PersonDeactivated { person_id }),
            (false, false) => None,
        });
    }
    if fields.contains_key("erased") {
        events.push(Event::PersonErased { person_id });
    }
    let mut changed: Vec<String> = fields
        .iter()
        .flat_map(|(field, change)| match field.as_str() {
            "custom" => custom(change),
            "resource_id" => vec!["scimId".to_owned()],
            column if COLUMNS.contains(column) => vec![camel(column)],
            _ => vec![],
        })
        .collect();
    changed.sort();
    if was_there && is_there && !changed.is_empty() {
        let fields = changed;
        events.push(Event::PersonUpdated { person_id, fields });
    }
    let (mut left, mut joined) = (BTreeSet::new(), BTreeSet::new());
    for (field, change) in fields {
        let [old, new] = sides(change);
        let (from, to) = (ids(old), ids(new));
        match field.as_str() {
            "manager" => events.push(Event::ManagerChanged { person_id, from, to }),
            "additional_managers" => {
                events.push(Event::AdditionalManagersChanged { person_id, from, to });
            }
            "status" | "erased" | "resource_id" => {}
            column if COLUMNS.contains(column) => {}
            // What is left is an attribute that puts people in teams.
            _ => {
                left.extend(from);
                joined.extend(to);
            }
        }
    }
    let ended = left.difference(&joined);
    events.extend(ended.map(|&team_id| Event::MemberRemoved { team_id, person_id }));
    let begun = joined.difference(&left);
    events.extend(begun.map(|&team_id| Event::MemberAdded { team_id, person_id }));
    events
}

/// What happened to a team itself.
pub(super) fn of_team(team_id: Uuid, fields: &Map<String, Value>) -> Vec<Event> {
    let mut events = vec![];
    let mut fields_changed = vec![];
    for (field, change) in fields {
        let [old, new] = sides(change);
        match field.as_str() {
            "deleted" if new == &json!(true) => return vec![Event::TeamRemoved { team_id }],
            "deleted" => events.push(Event::TeamReturned { team_id }),
            "name" if old.is_null() => events.push(Event::TeamCreated { team_id }),
            "name" => events.push(Event::TeamRenamed { team_id }),
            other => fields_changed.push(camel(other)),
        }
    }
    let created = events.contains(&Event::TeamCreated { team_id });
    if !created && !fields_changed.is_empty() {
        let fields = fields_changed;
        events.push(Event::TeamUpdated { team_id, fields });
    }
    events
}

/// What happened to one member of a group.
pub(super) fn of_member(team_id: Uuid, fields: &Map<String, Value>) -> Vec<Event> {
    let mut events = vec![];
    if let Some([old, new]) = fields.get("members").map(sides) {
        let left = ids(old).into_iter();
        events.extend(left.map(|person_id| Event::MemberRemoved { team_id, person_id }));
        let joined = ids(new).into_iter();
        events.extend(joined.map(|person_id| Event::MemberAdded { team_id, person_id }));
    }
    if let Some([old, new]) = fields.get("parts").map(sides) {
        let left = ids(old).into_iter();
        events.extend(left.map(|part_id| Event::PartRemoved { team_id, part_id }));
        let joined = ids(new).into_iter();
        events.extend(joined.map(|part_id| Event::PartAdded { team_id, part_id }));
    }
    events
}

/// Whether somebody of this status is part of the directory as it is shown.
fn shown(status: &Value) -> bool {
    status == "active" || status == "deactivated"
}

fn sides(change: &Value) -> [&Value; 2] {
    [&change[0], &change[1]]
}

/// The ids that history keeps of links: none, one or several.
fn ids(kept: &Value) -> Vec<Uuid> {
    let id = |value: &Value| value.as_str()?.parse().ok();
    match kept {
        Value::Array(several) => several.iter().filter_map(id).collect(),
        single => id(single).into_iter().collect(),
    }
}

/// The custom attributes that differ.
fn custom(change: &Value) -> Vec<String> {
    let [old, new] = sides(change);
    let none = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&none), new.as_object().unwrap_or(&none));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("custom.{key}"))
        .collect()
}

#[cfg(test)]
mod tests;
