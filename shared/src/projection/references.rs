//! The links a person's document asserts, as text: whom they mean is decided elsewhere.

use super::person::inner;
use super::{Document, Rejection};
use crate::mapping::{Asserted, Compiled, CompiledRule, Line, Read, Step};
use crate::scim::Object;
use serde_json::Value;
use std::borrow::Cow;

/// Longest reference after folding, in bytes. No key is longer, so nothing longer can be found.
pub const MAX_REFERENCE_BYTES: usize = 512;
/// Most additional managers of one person.
const MAX_ADDITIONAL: usize = 1000;

/// References in the document's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The asserted text of the manager.
    pub manager: Option<String>,
    pub manager_asserted: Asserted,
    /// Place in the asserted list, from 0, and the asserted text.
    pub additional: Vec<(i16, String)>,
    pub additional_asserted: Asserted,
    pub rejections: Vec<Rejection>,
}

/// The references of a document. A value may be text, an object with a `value`, or an array of those.
pub fn references(mapping: &Compiled, document: &Document) -> References {
    let mut read = References::default();
    for rule in mapping.rules().iter().filter(|rule| rule.enabled) {
        match rule.to {
            Step::Primary => read.primary(rule, &document.0),
            Step::Additional => read.additional(rule, &document.0),
            _ => {}
        }
    }
    read.rejections
        .dedup_by(|later, earlier| later.rule == earlier.rule);
    read
}

/// The text by which one asserted value names somebody: text, an object with a `value`, or the first
/// of an array of those. `None` when it names nobody.
pub fn reference_of(asserted: &Value) -> Option<String> {
    let item = match asserted {
        Value::Array(items) => items.first()?,
        single => single,
    };
    match inner(item)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => {
            let text = text.trim();
            let fits = !text.is_empty() && crate::directory::fold(text).len() <= MAX_REFERENCE_BYTES;
            fits.then(|| text.to_owned())
        }
        _ => None,
    }
}

type Found<'a> = Read<'a, Vec<Cow<'a, Value>>>;

impl References {
    fn primary(&mut self, rule: &CompiledRule, document: &Object) {
        let all = rule.all(document);
        let Some(first) = all.first() else { return };
        self.manager_asserted = first.asserted();
        match &first.value {
            Ok(values) => self.manager = values.first().and_then(|item| self.reference(rule, first, item)),
            Err(complaint) => self.rejections.push(Rejection::of(rule, first, complaint)),
        }
    }

    fn additional(&mut self, rule: &CompiledRule, document: &Object) {
        let mut place = 0_usize;
        for found in rule.all(document) {
            self.additional_asserted = found.asserted();
            let items = match &found.value {
                Ok(items) => items,
                Err(complaint) => {
                    self.rejections.push(Rejection::of(rule, &found, complaint));
                    place += 1;
                    continue;
                }
            };
            for item in items {
                let Some(ordinal) = i16::try_from(place).ok().filter(|_| place < MAX_ADDITIONAL) else {
                    let rejection = Rejection::of(rule, &found, "names more than 1000 people");
                    self.rejections.push(rejection);
                    return;
                };
                if let Some(text) = self.reference(rule, &found, item) {
                    self.additional.push((ordinal, text));
                }
                place += 1;
            }
        }
    }

    fn reference(&mut self, rule: &CompiledRule, found: &Found, item: &Value) -> Option<String> {
        let value = inner(item)?;
        let complaint = match value {
            Value::Null => return None,
            Value::Number(number) => return Some(number.to_string()),
            Value::String(text) => match text.trim() {
                "" => return None,
                text if crate::directory::fold(text).len() <= MAX_REFERENCE_BYTES => {
                    return Some(text.to_owned());
                }
                _ => "is longer than 512 bytes",
            },
            _ => "is not a reference",
        };
        self.rejections.push(Rejection::new(
            rule,
            value,
            format!("{} {complaint}", found.label()),
        ));
        None
    }
}

impl References {
    /// The change by which a line's references count as asserted.
    pub fn asserted(&self, line: Line) -> Asserted {
        match line {
            Line::Primary => self.manager_asserted,
            Line::Additional => self.additional_asserted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, ROLLCALL_USER};
    use serde_json::json;

    fn read(manager: Value, additional: Value) -> References {
        let document = json!({
            ENTERPRISE_USER: {"manager": manager}, ROLLCALL_USER: {"additionalManagers": additional},
        });
        let Value::Object(document) = document else {
            panic!("a document is an object");
        };
        references(&Compiled::default_mapping(), &Document(document))
    }

    #[test]
    fn references_in_every_shape_read_the_same() {
        for manager in [
            json!("m1"),
            json!({"value": "m1"}),
            json!([{"value": "m1"}]),
            json!(["m1"]),
        ] {
            let read = read(manager.clone(), json!(null));
            assert_eq!(read.manager.as_deref(), Some("m1"), "{manager}");
        }
        let read = read(json!(null), json!([{"value": "a"}, {"value": ""}, "c"]));
        assert_eq!(read.additional, [(0, "a".to_owned()), (2, "c".to_owned())]);
    }

    #[test]
    fn references_too_long_or_of_another_type_are_rejected_by_name() {
        let read = read(json!("x".repeat(513)), json!([true, false, "b"]));
        assert_eq!(read.manager, None);
        assert_eq!(read.additional, [(2, "b".to_owned())]);
        let reasons: Vec<_> = read
            .rejections
            .iter()
            .map(|rejection| rejection.reason.as_str())
            .collect();
        assert_eq!(
            reasons,
            [
                "manager is longer than 512 bytes",
                "additionalManagers is not a reference"
            ]
        );
    }
}
