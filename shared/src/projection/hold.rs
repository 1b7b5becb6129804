//! What stays as it is in the directory, whatever the document says.

use super::{PersonFields, ProjectedPerson};
use crate::mapping::{Apply, Compiled, CompiledRule, Field, Line, Step};
use std::sync::Arc;

/// When a rule leaves what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Whatever it is.
    Always,
    /// Once the person has been in the directory.
    Known,
    /// If there is something.
    Filled,
}

impl CompiledRule {
    fn hold(&self) -> Option<Hold> {
        match self.apply {
            _ if !self.enabled => Some(Hold::Always),
            Apply::Always => None,
            Apply::OnCreate => Some(Hold::Known),
            Apply::IfEmpty => Some(Hold::Filled),
        }
    }
}

impl ProjectedPerson {
    /// Take from `last`, the row as it is, what was rejected and what the rules leave alone.
    pub fn hold(&mut self, mapping: &Compiled, last: Option<&PersonFields>) {
        let Some(last) = last else { return };
        for rule in mapping.holding() {
            if let Some(hold) = rule.hold() {
                self.keep(mapping, rule, hold, last);
            }
        }
        let rejected: Vec<&CompiledRule> = self
            .rejections
            .iter()
            .filter_map(|rejection| mapping.rule(&rejection.rule))
            .collect();
        for rule in rejected {
            self.keep(mapping, rule, Hold::Always, last);
        }
    }

    fn keep(&mut self, mapping: &Compiled, rule: &CompiledRule, hold: Hold, last: &PersonFields) {
        match &rule.to {
            // There is always a status.
            Step::Field(Field::Active, _) => self.active = None,
            Step::Field(field, _) if hold == Hold::Filled && last.is_empty(*field) => {}
            Step::Field(field, _) => self.fields.keep(*field, last),
            Step::Custom(key) => match last.custom.get(key) {
                None if hold == Hold::Filled => {}
                None => drop(self.fields.custom.remove(key)),
                Some(value) => drop(self.fields.custom.insert(key.clone(), value.clone())),
            },
            Step::CustomRest => {
                let rest = last.custom.iter().filter(|(key, _)| !mapping.names_custom(key));
                let rest = rest.map(|(key, value)| (key.clone(), value.clone()));
                self.fields.custom.extend(rest);
            }
            Step::Team(_) | Step::Primary | Step::Additional => {}
        }
    }
}

impl Compiled {
    /// Rules for teams whose memberships stay as they are, and when: also those of which this
    /// document has a value that is rejected.
    pub fn held_teams(&self, projected: &ProjectedPerson) -> Vec<(Arc<str>, Hold)> {
        let is_teams = |rule: &&CompiledRule| matches!(rule.to, Step::Team(_));
        let rejected = projected
            .rejections
            .iter()
            .filter_map(|rejection| self.rule(&rejection.rule))
            .filter(is_teams)
            .map(|rule| (rule.name.clone(), Hold::Always));
        let held = self.holding().filter(is_teams);
        held.filter_map(|rule| Some((rule.name.clone(), rule.hold()?)))
            .chain(rejected)
            .collect()
    }

    /// When reporting lines stay as they are.
    pub fn holds_line(&self, line: Line) -> Option<Hold> {
        let step = match line {
            Line::Primary => Step::Primary,
            Line::Additional => Step::Additional,
        };
        self.holding().find(|rule| rule.to == step)?.hold()
    }
}
