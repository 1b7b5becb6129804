//! What a change of the mapping does to a directory, in numbers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run under a candidate would change and one under the mapping in force would not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Effect {
    /// People compared.
    pub checked: i64,
    /// Those of them who could not be.
    pub failed: i64,
    /// How often each field changes, in the words of a run's report.
    pub fields: BTreeMap<String, i64>,
    pub people: People,
    pub memberships: Memberships,
    pub lines: Lines,
    pub teams: Teams,
    /// Links that wait for something, by the mapping in force and by the candidate.
    pub waiting: Beside,
    /// Values that cannot be projected.
    pub rejected: Beside,
    /// People whom any run would change: not the candidate's doing, and in none of the numbers above.
    pub differing_anyway: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct People {
    /// With any change: of a field, a membership or a reporting line.
    pub changed: i64,
    pub deactivated: i64,
    pub reactivated: i64,
    /// Values of fields and custom attributes that nothing takes the place of.
    pub values_removed: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memberships {
    pub begun: i64,
    pub ended: i64,
}

/// Reporting lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lines {
    pub begun: i64,
    pub ended: i64,
    /// To somebody else than before.
    pub changed: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Teams {
    pub created: i64,
    /// Left by their last member.
    pub emptied: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beside {
    pub before: i64,
    pub after: i64,
}

impl Effect {
    /// Add what another part of the people shows. Teams are no sum: the same one may be left in
    /// several parts.
    pub fn add(&mut self, part: &Effect) {
        self.checked += part.checked;
        self.failed += part.failed;
        self.people.changed += part.people.changed;
        self.people.deactivated += part.people.deactivated;
        self.people.reactivated += part.people.reactivated;
        self.people.values_removed += part.people.values_removed;
        for (field, count) in &part.fields {
            *self.fields.entry(field.clone()).or_default() += count;
        }
        self.memberships.begun += part.memberships.begun;
        self.memberships.ended += part.memberships.ended;
        self.lines.begun += part.lines.begun;
        self.lines.ended += part.lines.ended;
        self.lines.changed += part.lines.changed;
        self.waiting.add(part.waiting);
        self.rejected.add(part.rejected);
        self.differing_anyway += part.differing_anyway;
    }

    /// What it takes away.
    pub fn losses(&self) -> Losses {
        Losses {
            failed: self.failed,
            people_deactivated: self.people.deactivated,
            values_removed: self.people.values_removed,
            memberships_ended: self.memberships.ended,
            lines_ended: self.lines.ended,
            teams_emptied: self.teams.emptied,
        }
    }
}

impl Beside {
    fn add(&mut self, part: Beside) {
        self.before += part.before;
        self.after += part.after;
    }
}

/// The numbers somebody who agreed to a preview agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Losses {
    /// People of whom nobody knows.
    pub failed: i64,
    pub people_deactivated: i64,
    pub values_removed: i64,
    pub memberships_ended: i64,
    pub lines_ended: i64,
    pub teams_emptied: i64,
}

/// A loss that is greater than agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exceeded {
    pub loss: &'static str,
    pub previewed: i64,
    pub now: i64,
}

impl Losses {
    /// In which respects `now` takes more away than this.
    pub fn exceeded_by(&self, now: &Losses) -> Vec<Exceeded> {
        let all = [
            ("failed", self.failed, now.failed),
            (
                "peopleDeactivated",
                self.people_deactivated,
                now.people_deactivated,
            ),
            ("valuesRemoved", self.values_removed, now.values_removed),
            ("membershipsEnded", self.memberships_ended, now.memberships_ended),
            ("linesEnded", self.lines_ended, now.lines_ended),
            ("teamsEmptied", self.teams_emptied, now.teams_emptied),
        ];
        let exceeded = all.into_iter().filter(|(_, previewed, now)| now > previewed);
        exceeded
            .map(|(loss, previewed, now)| Exceeded { loss, previewed, now })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect() -> Effect {
        Effect {
            checked: 9,
            failed: 1,
            fields: BTreeMap::from([("position".to_owned(), 4)]),
            people: People {
                changed: 5,
                deactivated: 1,
                reactivated: 2,
                values_removed: 3,
            },
            memberships: Memberships { begun: 1, ended: 2 },
            lines: Lines {
                begun: 1,
                ended: 2,
                changed: 3,
            },
            teams: Teams::default(),
            waiting: Beside { before: 1, after: 2 },
            rejected: Beside { before: 3, after: 4 },
            differing_anyway: 6,
        }
    }

    /// Every number there is, so that one that is not added up is noticed.
    fn numbers(value: &serde_json::Value) -> Vec<i64> {
        match value {
            serde_json::Value::Object(members) => members.values().flat_map(numbers).collect(),
            number => number.as_i64().into_iter().collect(),
        }
    }

    #[test]
    fn effects_of_parts_add_up_in_every_number() {
        let mut sum = effect();
        sum.add(&effect());
        let (one, two) = (serde_json::json!(effect()), serde_json::json!(sum));
        let doubled: Vec<i64> = numbers(&one).into_iter().map(|number| 2 * number).collect();
        assert_eq!(numbers(&two), doubled);
    }

    #[test]
    fn losses_are_exceeded_one_by_one_and_not_by_less() {
        let agreed = effect().losses();
        assert_eq!(agreed.exceeded_by(&agreed), vec![]);
        assert_eq!(agreed.exceeded_by(&Losses::default()), vec![]);
        let mut more = effect();
        more.people.deactivated += 1;
        more.memberships.ended += 2;
        more.people.values_removed = 0;
        let told: Vec<_> = agreed
            .exceeded_by(&more.losses())
            .into_iter()
            .map(|exceeded| (exceeded.loss, exceeded.previewed, exceeded.now))
            .collect();
        assert_eq!(told, [("peopleDeactivated", 1, 2), ("membershipsEnded", 2, 4)]);
    }
}
