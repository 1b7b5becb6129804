//! Rules as a table shows them.

use crate::dashboard::documents::{plain, words};
use rollcall_shared::mapping::{Line, Mapping, Rule, Target};
use serde_json::{Value, json};

pub(super) struct Rows {
    pub rules: Vec<Row>,
    /// Kinds of teams that are not created of themselves.
    pub kept: Vec<String>,
}

pub(super) struct Row {
    pub name: String,
    pub from: Vec<String>,
    pub to: String,
    pub transform: Vec<String>,
    /// When it applies, unless always.
    pub apply: Option<String>,
    pub enabled: bool,
}

impl Rows {
    pub(super) fn of(mapping: &Mapping) -> Rows {
        let document = json!(mapping);
        let kinds = document["teams"].as_object().into_iter().flatten();
        Rows {
            rules: mapping.rules.iter().map(row).collect(),
            kept: kinds
                .filter(|(_, kind)| kind["create"] == false)
                .map(|(kind, _)| words(kind))
                .collect(),
        }
    }
}

fn row(rule: &Rule) -> Row {
    let apply = plain(&json!(rule.apply));
    Row {
        name: rule.name.clone(),
        from: rule.from.clone(),
        to: target(&rule.to),
        transform: rule.transform.iter().map(|step| step_of(&json!(step))).collect(),
        apply: Some(words(&apply)).filter(|apply| apply != "always"),
        enabled: rule.enabled,
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Field(field) => words(&plain(&json!(field))),
        Target::Team(kind) => format!("teams of the kind {}", words(kind)),
        Target::Line(Line::Primary) => "the manager".to_owned(),
        Target::Line(Line::Additional) => "additional managers".to_owned(),
        Target::Custom(key) => format!("custom attribute {key}"),
        Target::CustomRest => "custom attributes, whatever no rule reads".to_owned(),
    }
}

/// `trim`, or `split ","`.
fn step_of(step: &Value) -> String {
    match step.as_object().and_then(|step| step.iter().next()) {
        Some((name, argument)) => format!("{name} {argument}"),
        None => plain(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_mapping_reads_as_a_table() {
        let rows = Rows::of(Mapping::default_mapping());
        let to = |name: &str| {
            rows.rules
                .iter()
                .find(|row| row.name == name)
                .map(|row| row.to.as_str())
        };
        assert_eq!(to("login"), Some("login"));
        assert_eq!(to("department"), Some("teams of the kind department"));
        assert_eq!(to("manager"), Some("the manager"));
        let status = rows.rules.iter().find(|row| row.name == "status");
        assert_eq!(
            status.map(|row| row.transform.clone()),
            Some(vec!["default true".to_owned()])
        );
        assert!(rows.kept.is_empty());
    }
}
