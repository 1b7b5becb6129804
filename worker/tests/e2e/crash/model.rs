//! The oracle: which states a resource may be in, given what was sent and what was answered.
//!
//! One client writes a resource, one write at a time. An acknowledged write holds; a write with an
//! unknown outcome may or may not; a refusal tells whether the resource existed. So there is
//! almost always one possible state, and an answer that fits none of them is a failure at once.

use super::company::{BADGES, ENTERPRISE, Ids, Link, ROLLCALL, external_id, group_external_id};
use super::company::{employee_number, mail, user_name};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is asserted about a user, beside what never changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    /// Unique to the write that asserted it: the user's `title`.
    pub(super) stamp: String,
    /// A custom attribute, asserted by POST and PUT only.
    pub(super) badge: String,
    pub(super) active: bool,
    pub(super) department: Option<String>,
    pub(super) division: Option<String>,
    pub(super) cost_center: Option<String>,
    pub(super) manager: Option<Link>,
    pub(super) additional: Vec<Link>,
}

/// What is asserted about a group, beside what never changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// Part of the `displayName`.
    pub(super) stamp: String,
    pub(super) members: BTreeMap<String, Link>,
}

/// The canonical reading of a resource: attribute → text.
pub(super) type Reading = BTreeMap<&'static str, String>;

impl User {
    /// The body of a POST or PUT.
    pub(super) fn body(&self, user: usize) -> Value {
        let mut enterprise = Map::new();
        enterprise.insert("employeeNumber".to_owned(), json!(employee_number(user)));
        let named = [
            ("department", &self.department),
            ("division", &self.division),
            ("costCenter", &self.cost_center),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                enterprise.insert(name.to_owned(), json!(value));
            }
        }
        if let Some(manager) = &self.manager {
            enterprise.insert("manager".to_owned(), manager.sent());
        }
        let additional: Vec<Value> = self.additional.iter().map(Link::sent).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, ROLLCALL, BADGES],
            "userName": user_name(user),
            "externalId": external_id(user),
            "name": { "givenName": format!("Given {user}"), "familyName": format!("Fämily {user}") },
            "title": self.stamp,
            "active": self.active,
            "emails": [{ "value": mail(user), "type": "work", "primary": true }],
            ENTERPRISE: enterprise,
            ROLLCALL: { "additionalManagers": additional },
            BADGES: { "Badge No": self.badge },
        })
    }

    /// How this state reads back; `None` when it refers to an id nobody learned.
    pub(super) fn reading(&self, ids: &Ids) -> Option<Reading> {
        let mut reading = Reading::new();
        reading.insert("title", self.stamp.clone());
        reading.insert("badge", self.badge.clone());
        reading.insert("active", self.active.to_string());
        let named = [
            ("department", &self.department),
            ("division", &self.division),
            ("costCenter", &self.cost_center),
        ];
        for (name, value) in named {
            reading.insert(name, value.clone().unwrap_or_default());
        }
        let manager = match &self.manager {
            Some(manager) => manager.text(ids)?,
            None => String::new(),
        };
        reading.insert("manager", manager);
        let additional: Option<Vec<String>> = self.additional.iter().map(|link| link.text(ids)).collect();
        reading.insert("additionalManagers", additional?.join(" | "));
        Some(reading)
    }
}

/// The [`Reading`] of a user as the API represents it.
pub(super) fn read_user(resource: &Value) -> Reading {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let enterprise = &resource[ENTERPRISE];
    let additional: Vec<String> = resource[ROLLCALL]["additionalManagers"]
        .as_array()
        .map(|values| values.iter().map(|value| text(&value["value"])).collect())
        .unwrap_or_default();
    Reading::from([
        ("title", text(&resource["title"])),
        ("badge", text(&resource[BADGES]["Badge No"])),
        ("active", resource["active"].to_string()),
        ("department", text(&enterprise["department"])),
        ("division", text(&enterprise["division"])),
        ("costCenter", text(&enterprise["costCenter"])),
        ("manager", text(&enterprise["manager"]["value"])),
        ("additionalManagers", additional.join(" | ")),
    ])
}

impl Group {
    pub(super) fn display_name(&self, group: usize) -> String {
        format!("Team {group} / {}", self.stamp)
    }

    /// The body of a POST or PUT; without `members` when they are to stay as they are.
    pub(super) fn body(&self, group: usize, with_members: bool) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": self.display_name(group),
            "externalId": group_external_id(group),
        });
        if with_members {
            body["members"] = self.members.values().map(Link::sent).collect();
        }
        body
    }
}

/// What a write does to a state (`None`: no such resource); `Err` when it is refused there.
pub(super) type Effect<T> = dyn Fn(&Option<T>) -> Result<Option<T>, Inapplicable>;

/// The resource exists and must not, or the other way round.
#[derive(Debug)]
pub(super) struct Inapplicable;

/// What an answer says about a write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    Acknowledged,
    /// Refused because the resource existed (POST) or did not (everything else).
    Refused,
    /// Refused for a reason outside the resource.
    RefusedElsewhere,
    Unknown,
}

/// The states a resource may be in.
#[derive(Debug, Clone)]
pub(super) struct Possible<T> {
    pub(super) states: Vec<Option<T>>,
    /// A state in which it existed was certain at some time.
    pub(super) existed: bool,
    /// What was sent and answered, for the reader of a failure.
    pub(super) journal: Vec<String>,
}

impl<T: Clone + PartialEq + std::fmt::Debug> Possible<T> {
    pub(super) fn absent() -> Possible<T> {
        Possible {
            states: vec![None],
            existed: false,
            journal: vec![],
        }
    }

    pub(super) fn may_exist(&self) -> bool {
        self.states.iter().any(Option::is_some)
    }

    /// Some state in which it exists, the newest first.
    pub(super) fn existing(&self) -> Option<&T> {
        self.states.iter().rev().find_map(Option::as_ref)
    }

    /// Take note of a write and of its outcome; panics when the answer fits no possible state.
    pub(super) fn settle(&mut self, what: &str, effect: &Effect<T>, outcome: Outcome) {
        self.journal.push(format!("{what} -> {outcome:?}"));
        let applied = || self.states.iter().filter_map(|state| effect(state).ok());
        let next: Vec<Option<T>> = match outcome {
            Outcome::Acknowledged => applied().collect(),
            Outcome::Refused => self
                .states
                .iter()
                .filter(|state| effect(state).is_err())
                .cloned()
                .collect(),
            Outcome::RefusedElsewhere => return,
            Outcome::Unknown => self.states.iter().cloned().chain(applied()).collect(),
        };
        assert!(
            !next.is_empty(),
            "an answer that fits nothing sent before: {:#?}\nwhile possible was {:#?}",
            self.journal,
            self.states
        );
        self.states.clear();
        for state in next {
            if !self.states.contains(&state) {
                self.states.push(state);
            }
        }
        self.existed |= self.states.iter().all(Option::is_some);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exists() -> Possible<&'static str> {
        Possible {
            states: vec![Some("sent")],
            existed: true,
            journal: vec![],
        }
    }

    fn patch(state: &Option<&'static str>) -> Result<Option<&'static str>, Inapplicable> {
        state.map(|_| Some("patched")).ok_or(Inapplicable)
    }

    #[test]
    #[should_panic(expected = "fits nothing sent before")]
    fn settle_acknowledged_resource_refused_as_unknown_panics() {
        exists().settle("PATCH", &patch, Outcome::Refused);
    }

    #[test]
    #[should_panic(expected = "fits nothing sent before")]
    fn settle_deleted_resource_acknowledges_a_patch_panics() {
        let mut possible = exists();
        possible.settle(
            "DELETE",
            &|state| state.map(|_| None).ok_or(Inapplicable),
            Outcome::Acknowledged,
        );
        possible.settle("PATCH", &patch, Outcome::Acknowledged);
    }

    #[test]
    fn settle_unknown_outcome_leaves_both_states_until_an_answer_decides() {
        let mut possible = exists();
        possible.settle(
            "DELETE",
            &|state| state.map(|_| None).ok_or(Inapplicable),
            Outcome::Unknown,
        );
        assert_eq!(possible.states, [Some("sent"), None]);
        possible.settle("PATCH", &patch, Outcome::Acknowledged);
        assert_eq!(possible.states, [Some("patched")]);
    }
}
