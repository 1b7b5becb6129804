//! What a candidate for the mapping changes beside what the mapping in force would. Pure.

use super::drift::Drift;
use rollcall_shared::mapping::effect::{Effect, Lines, Memberships, People};
use rollcall_shared::store::runs::Sample;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Both sides seen in one snapshot.
pub(super) struct Sides<'a> {
    /// What a run under the mapping in force would change.
    pub(super) anyway: &'a Drift,
    /// What one under the candidate would.
    pub(super) candidate: &'a Drift,
    /// Names of the teams that the candidate asks for and nobody has accepted yet.
    pub(super) created: &'a BTreeMap<Uuid, String>,
}

impl Sides<'_> {
    /// In numbers, teams aside, and by name.
    pub(super) fn effect(&self) -> (Effect, Vec<Sample>) {
        let mut anyway: HashMap<&Sample, usize> = HashMap::new();
        for sample in self.anyway.samples.iter().chain(&self.anyway.resolved) {
            *anyway.entry(sample).or_default() += 1;
        }
        let told = besides(&mut anyway, &self.candidate.samples);
        let resolved = besides(&mut anyway, &self.candidate.resolved);

        let mut effect = Effect {
            differing_anyway: self.anyway.keys.len() as i64,
            ..Effect::default()
        };
        for sample in &told {
            *effect.fields.entry(sample.field.clone()).or_default() += 1;
        }
        let mut changed: BTreeSet<Uuid> = BTreeSet::new();
        let mut samples = vec![];
        for sample in told.into_iter().chain(resolved) {
            // Asserted otherwise, and yet the same.
            if sample.kind != "waiting" && sample.old == sample.new {
                continue;
            }
            let mut sample = sample.clone();
            match sample.kind {
                "person" => sample.kind = count_person(&mut effect.people, &sample),
                "membership" => count_membership(&mut effect.memberships, &sample),
                "line" => count_line(&mut effect.lines, &sample),
                _ => {}
            }
            if sample.kind != "waiting" {
                changed.insert(sample.subject);
            }
            self.name_created(&mut sample);
            samples.push(sample);
        }
        effect.people.changed = changed.len() as i64;
        (effect, samples)
    }

    /// Teams that are not there are told by name.
    fn name_created(&self, sample: &mut Sample) {
        if sample.kind != "membership" {
            return;
        }
        for side in [&mut sample.old, &mut sample.new] {
            let id: Option<Uuid> = side.as_str().and_then(|id| id.parse().ok());
            if let Some(name) = id.and_then(|id| self.created.get(&id)) {
                *side = json!({ "name": name });
            }
        }
    }
}

/// Those that are not in `known`, each of which is set off once.
fn besides<'a>(known: &mut HashMap<&'a Sample, usize>, samples: &'a [Sample]) -> Vec<&'a Sample> {
    let mut besides = vec![];
    for sample in samples {
        match known.get_mut(sample) {
            Some(left @ 1..) => *left -= 1,
            _ => besides.push(sample),
        }
    }
    besides
}

/// Answers the kind it is told as.
fn count_person(people: &mut People, sample: &Sample) -> &'static str {
    if sample.field != "status" {
        people.values_removed += removed(&sample.old, &sample.new);
        return "person";
    }
    let was_active = sample.old == "active" || sample.old.is_null();
    let becomes_active = sample.new == "active";
    match (was_active, becomes_active) {
        (true, false) => people.deactivated += 1,
        (false, true) => people.reactivated += 1,
        _ => return "person",
    }
    if becomes_active { "person" } else { "deactivation" }
}

fn count_membership(memberships: &mut Memberships, sample: &Sample) {
    memberships.begun += i64::from(!sample.new.is_null());
    memberships.ended += i64::from(!sample.old.is_null());
}

fn count_line(lines: &mut Lines, sample: &Sample) {
    match (sample.old.is_null(), sample.new.is_null()) {
        (true, false) => lines.begun += 1,
        (false, true) => lines.ended += 1,
        (false, false) => lines.changed += 1,
        (true, true) => {}
    }
}

/// How many values there were of which nothing is left: that of a field, or those under the keys of
/// the custom attributes.
fn removed(old: &Value, new: &Value) -> i64 {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.keys().filter(|key| !new.contains_key(*key)).count() as i64
        }
        (old, new) => i64::from(!empty(old) && empty(new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: &'static str, subject: u128, field: &str, old: Value, new: Value) -> Sample {
        Sample {
            kind,
            subject: Uuid::from_u128(subject),
            field: field.to_owned(),
            old,
            new,
        }
    }

    fn drift(samples: Vec<Sample>) -> Drift {
        Drift {
            samples,
            ..Drift::default()
        }
    }

    fn effect(anyway: Vec<Sample>, candidate: Vec<Sample>) -> (Effect, Vec<Sample>) {
        let sides = Sides {
            anyway: &drift(anyway),
            candidate: &drift(candidate),
            created: &BTreeMap::new(),
        };
        sides.effect()
    }

    #[test]
    fn what_any_run_would_change_is_not_the_candidates_doing() {
        let drifted = sample("person", 1, "position", json!("Baron"), json!("Smith"));
        let both = vec![
            drifted.clone(),
            sample("person", 2, "level", json!("a"), json!("b")),
        ];
        let (none, samples) = effect(both.clone(), both);
        assert_eq!((none, samples), (Effect::default(), vec![]));

        // The candidate wants another value than either.
        let upper = sample("person", 1, "position", json!("Baron"), json!("SMITH"));
        let (changed, samples) = effect(vec![drifted], vec![upper.clone()]);
        assert_eq!((changed.people.changed, samples), (1, vec![upper]));
    }

    #[test]
    fn same_difference_twice_is_set_off_once() {
        let line = || sample("line", 1, "additional_managers", json!("m"), Value::Null);
        let (one, _) = effect(vec![line()], vec![line(), line()]);
        assert_eq!(one.lines.ended, 1);
    }

    #[test]
    fn person_changed_in_several_ways_is_counted_once_and_each_way_in_its_place() {
        let (found, samples) = effect(
            vec![],
            vec![
                sample("person", 1, "status", json!("active"), json!("deactivated")),
                sample("person", 1, "position", json!("Smith"), Value::Null),
                sample(
                    "person",
                    1,
                    "custom",
                    json!({"a": 1, "b": 2}),
                    json!({"b": 3, "c": 4}),
                ),
                sample("person", 1, "further_emails", json!(["x"]), json!([])),
                sample("membership", 1, "department", json!("s"), json!("t")),
                sample("membership", 1, "division", Value::Null, json!("u")),
                sample("line", 1, "manager", json!("m"), json!("n")),
                sample("line", 2, "manager", Value::Null, json!("n")),
                sample("line", 2, "manager", json!("n"), Value::Null),
                sample("waiting", 3, "waiting.manager", Value::Null, Value::Null),
                sample("line", 5, "manager", json!("m"), json!("m")),
                sample("person", 6, "rejections", Value::Null, Value::Null),
                sample("person", 4, "status", json!("deactivated"), json!("active")),
            ],
        );
        assert_eq!(found.people.changed, 3);
        assert_eq!((found.people.deactivated, found.people.reactivated), (1, 1));
        assert_eq!(found.people.values_removed, 3);
        assert_eq!((found.memberships.begun, found.memberships.ended), (2, 1));
        let lines = Lines {
            begun: 1,
            ended: 1,
            changed: 1,
        };
        assert_eq!(found.lines, lines);
        assert_eq!((found.fields["manager"], found.fields["waiting.manager"]), (4, 1));
        let deactivated = samples.iter().filter(|sample| sample.kind == "deactivation");
        assert_eq!(deactivated.count(), 1);
    }

    #[test]
    fn team_that_is_not_there_yet_is_told_by_name() {
        let team = Uuid::from_u128(9);
        let candidate = drift(vec![sample(
            "membership",
            1,
            "department",
            Value::Null,
            json!(team),
        )]);
        let sides = Sides {
            anyway: &Drift::default(),
            candidate: &candidate,
            created: &BTreeMap::from([(team, "Sales".to_owned())]),
        };
        assert_eq!(sides.effect().1[0].new, json!({ "name": "Sales" }));
    }
}
