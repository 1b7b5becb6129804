//! Attributes that reporting lines are read from although SCIM has others for them.

use super::compiled::{Rule, Step};
use super::path::Path;
use super::{Asserted, Compiled, Transform};
use crate::scim::Object;
use serde_json::Value;

impl Compiled {
    /// Name people otherwise in the attributes that lines are read from, those left out that SCIM has for
    /// managers: `rename` answers the new text for one that names somebody, without space around it. Answers
    /// the names of the attributes that changed.
    pub(crate) fn rename_in_lines(
        &self,
        document: &mut Object,
        rename: &impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut changed = vec![];
        for rule in self.lines() {
            for path in rule
                .from()
                .iter()
                .filter(|path| path.asserted() == Asserted::Document)
            {
                for attribute in path.values_mut(document) {
                    if rule.rename(attribute, rename) && !changed.contains(&path.label()) {
                        changed.push(path.label());
                    }
                }
            }
        }
        changed
    }

    fn lines(&self) -> impl Iterator<Item = &Rule> {
        let rules = self.rules().iter();
        rules.filter(|rule| matches!(rule.to, Step::Primary | Step::Additional))
    }
}

impl Rule {
    /// Whether a text in the value, however deep, was replaced.
    fn rename(&self, value: &mut Value, rename: &impl Fn(&str) -> Option<String>) -> bool {
        match value {
            Value::String(text) => match self.renamed(text, rename) {
                Some(renamed) if renamed != *text => {
                    *text = renamed;
                    true
                }
                _ => false,
            },
            Value::Number(number) => match rename(&number.to_string()) {
                Some(renamed) => {
                    *value = Value::String(renamed);
                    true
                }
                None => false,
            },
            Value::Array(several) => {
                let renamed = several.iter_mut().map(|value| self.rename(value, rename));
                renamed.filter(|renamed| *renamed).count() > 0
            }
            Value::Object(object) => {
                let renamed = object.values_mut().map(|value| self.rename(value, rename));
                renamed.filter(|renamed| *renamed).count() > 0
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// The text with its parts renamed, as the rule splits it; `None` when none of them is.
    fn renamed(&self, text: &str, rename: &impl Fn(&str) -> Option<String>) -> Option<String> {
        let separators = self.steps().iter().filter_map(|step| match step {
            Transform::Split(separator) if !separator.is_empty() => Some(separator.as_str()),
            _ => None,
        });
        let Some(separator) = separators.into_iter().find(|separator| text.contains(separator)) else {
            return rename(text.trim());
        };
        let mut any = false;
        let parts = text.split(separator).map(|part| match rename(part.trim()) {
            Some(renamed) => {
                any = true;
                renamed
            }
            None => part.to_owned(),
        });
        let parts: Vec<String> = parts.collect();
        any.then(|| parts.join(separator))
    }
}

impl Path {
    /// The values of the attributes that it may read, as a whole.
    fn values_mut<'a>(&'a self, document: &'a mut Object) -> Vec<&'a mut Value> {
        let within = match &self.urn {
            None => Some(document),
            Some(urn) => named_mut(document, urn).and_then(Value::as_object_mut),
        };
        let Some(within) = within else { return vec![] };
        let names: Vec<&str> = self.attributes().collect();
        let read = |key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
        let values = within.iter_mut().filter(|(key, _)| read(key));
        values.map(|(_, value)| value).collect()
    }
}

fn named_mut<'a>(object: &'a mut Object, name: &str) -> Option<&'a mut Value> {
    let mut values = object.iter_mut();
    values
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
