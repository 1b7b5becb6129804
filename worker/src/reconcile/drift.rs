//! What was not as it should be, told by field. Pure.

use super::links::LinkChange;
use super::plan::Plan;
use rollcall_shared::directory::{Key, Target};
use rollcall_shared::store::links::Slot;
use rollcall_shared::store::runs::Sample;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Differences between the directory and what the sources asserted.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    /// The keys that differ.
    pub(crate) keys: BTreeSet<Key>,
    /// How often each field differs. Fields of teams begin with `team.`.
    pub(crate) fields: BTreeMap<String, u64>,
    /// Links that waited although their target is there.
    pub(crate) links_resolved: u64,
    /// Memberships that each team loses.
    pub(crate) lost: BTreeMap<Uuid, i64>,
    /// Memberships that each team gains.
    pub(crate) gained: BTreeMap<Uuid, i64>,
    pub(crate) samples: Vec<Sample>,
    /// Links that waited, as `samples` would tell them.
    pub(super) resolved: Vec<Sample>,
}

impl Drift {
    /// What a plan for settled keys would write, links aside.
    pub(super) fn of(plan: &Plan) -> Drift {
        let mut drift = Drift::default();
        for person in &plan.people {
            let key = Key::Person(person.row.id);
            let memberships = person.begun.iter().chain(&person.ended);
            let sources: BTreeSet<&str> = memberships.map(|row| row.source.as_str()).collect();
            for (field, change) in person
                .fields
                .iter()
                .filter(|(field, _)| !sources.contains(field.as_str()))
            {
                drift.note(
                    &key,
                    "person",
                    field.clone(),
                    change[0].clone(),
                    change[1].clone(),
                );
            }
            for source in sources {
                let mut ended = person.ended.iter().filter(|row| row.source == source);
                let mut begun = person.begun.iter().filter(|row| row.source == source);
                loop {
                    let (old, new) = (ended.next(), begun.next());
                    if old.is_none() && new.is_none() {
                        break;
                    }
                    drift.loses(old.map(|row| row.team_id));
                    drift.gains(new.map(|row| row.team_id));
                    let (old, new) = (old.map(|row| row.team_id), new.map(|row| row.team_id));
                    drift.note(&key, "membership", source.to_owned(), json!(old), json!(new));
                }
            }
            let other_resource = person
                .before
                .as_ref()
                .is_some_and(|before| before.resource_id != person.row.resource_id);
            if other_resource {
                drift.note(&key, "person", "resource".to_owned(), Value::Null, Value::Null);
            }
            if person.other_rejections {
                drift.note(&key, "person", "rejections".to_owned(), Value::Null, Value::Null);
            }
        }
        for team in &plan.teams {
            let key = Key::Team(team.row.id);
            for (field, change) in &team.fields {
                let field = format!("team.{field}");
                drift.note(&key, "team", field, change[0].clone(), change[1].clone());
            }
            if team.other_rejections {
                drift.note(
                    &key,
                    "team",
                    "team.rejections".to_owned(),
                    Value::Null,
                    Value::Null,
                );
            }
        }
        drift
    }

    /// What settling the links changes.
    pub(super) fn add_links(&mut self, changes: &[LinkChange]) {
        for change in changes {
            let key = change.key();
            let part = matches!(change.before.or(change.after), Some(Target::Team(_)));
            let field = match change.slot {
                Slot::Manager => "manager",
                Slot::AdditionalManager => "additional_managers",
                Slot::Member if part => "parts",
                Slot::Member => "members",
                Slot::Team => "teams",
            };
            if change.slot == Slot::Member && !part {
                self.loses(change.before.map(|_| change.subject));
                self.gains(change.after.map(|_| change.subject));
            }
            if change.slot == Slot::Team {
                self.gains(change.after.map(Target::id));
            }
            let kind = match change.slot {
                Slot::Member | Slot::Team => "membership",
                Slot::Manager | Slot::AdditionalManager => "line",
            };
            let (old, new) = (
                json!(change.before.map(Target::id)),
                json!(change.after.map(Target::id)),
            );
            if change.resolved() {
                self.links_resolved += 1;
                self.resolved.push(Sample {
                    kind,
                    subject: key.id(),
                    field: field.to_owned(),
                    old,
                    new,
                });
                self.keys.insert(key);
            } else if change.only_waits() {
                self.note(
                    &key,
                    "waiting",
                    format!("waiting.{field}"),
                    Value::Null,
                    Value::Null,
                );
            } else {
                self.note(&key, kind, field.to_owned(), old, new);
            }
        }
    }

    /// A team's name was not as accepted.
    pub(crate) fn renamed(&mut self, team: Uuid, old: &str, new: &str) {
        let key = Key::Team(team);
        self.note(&key, "team", "team.name".to_owned(), json!(old), json!(new));
    }

    fn note(&mut self, key: &Key, kind: &'static str, field: String, old: Value, new: Value) {
        self.keys.insert(key.clone());
        *self.fields.entry(field.clone()).or_default() += 1;
        self.samples.push(Sample {
            kind,
            subject: key.id(),
            field,
            old,
            new,
        });
    }

    fn loses(&mut self, team: Option<Uuid>) {
        if let Some(team) = team {
            *self.lost.entry(team).or_default() += 1;
        }
    }

    fn gains(&mut self, team: Option<Uuid>) {
        if let Some(team) = team {
            *self.gained.entry(team).or_default() += 1;
        }
    }
}
