//! The shape of a mapping. Rule by rule, so that each one that has it not is told.

use super::{Fault, Mapping, Rule, TeamKind};
use serde::Deserialize;
use serde_json::Value;

impl Mapping {
    /// Read a mapping as operators write it. What it says is not looked at yet: [`Mapping::check`].
    ///
    /// # Errors
    /// Every rule, and whatever else, that has not the shape of one.
    pub fn read(mapping: &Value) -> Result<Mapping, Vec<Fault>> {
        let Some(parts) = mapping.as_object() else {
            return Err(vec![Fault::of("", "a mapping is an object with rules and teams")]);
        };
        let mut read = Mapping {
            rules: vec![],
            teams: Default::default(),
        };
        let mut faults = vec![];
        for (name, part) in parts {
            match (name.as_str(), part) {
                ("rules", Value::Array(rules)) => {
                    for (place, rule) in rules.iter().enumerate() {
                        match Rule::deserialize(rule) {
                            Ok(rule) => read.rules.push(rule),
                            Err(error) => {
                                let name = rule.get("name").and_then(Value::as_str);
                                let name = name.map_or_else(|| format!("rules[{place}]"), str::to_owned);
                                faults.push(Fault::of(&name, error.to_string()));
                            }
                        }
                    }
                }
                ("rules", _) => faults.push(Fault::of("rules", "rules is not an array")),
                ("teams", Value::Object(kinds)) => {
                    for (kind, settings) in kinds {
                        match TeamKind::deserialize(settings) {
                            Ok(settings) => drop(read.teams.insert(kind.clone(), settings)),
                            Err(error) => {
                                faults.push(Fault::of(&format!("teams.{kind}"), error.to_string()));
                            }
                        }
                    }
                }
                ("teams", _) => faults.push(Fault::of("teams", "teams is not an object")),
                (other, _) => faults.push(Fault::of(other, "a mapping has rules and teams, nothing else")),
            }
        }
        if !parts.contains_key("rules") {
            faults.push(Fault::of("rules", "rules is missing"));
        }
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }
}
