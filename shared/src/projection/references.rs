//! The links a person's document asserts, as text: whom they mean is decided elsewhere.

use super::Rejection;
use super::values::Reader;
use serde_json::Value;

/// Longest reference after folding, in bytes. No key is longer, so nothing longer can be found.
pub const MAX_REFERENCE_BYTES: usize = 512;
/// Most additional managers of one person.
const MAX_ADDITIONAL: usize = 1000;

/// References in the document's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The asserted text of `manager.value`.
    pub manager: Option<String>,
    /// Place in the asserted list, from 0, and the asserted text.
    pub additional: Vec<(i16, String)>,
    pub rejections: Vec<Rejection>,
}

/// The references in the values of `manager` and `additionalManagers`; each may be text, an
/// object with a `value`, or an array of those.
pub fn references(manager: Option<&Value>, additional: Option<&Value>) -> References {
    let mut reader = Reader::default();
    let manager = manager
        .and_then(|manager| items(manager).first().copied())
        .and_then(|item| reader.reference("manager", "manager", item));
    let mut places = Vec::new();
    if let Some(value) = additional {
        for (place, item) in items(value).into_iter().enumerate() {
            let Some(ordinal) = i16::try_from(place).ok().filter(|_| place < MAX_ADDITIONAL) else {
                reader.reject(
                    "additional_managers",
                    "additionalManagers",
                    value,
                    "names more than 1000 people",
                );
                break;
            };
            if let Some(text) = reader.reference("additional_managers", "additionalManagers", item) {
                places.push((ordinal, text));
            }
        }
    }
    let mut rejections = reader.rejections;
    rejections.dedup_by(|later, earlier| later.rule == earlier.rule);
    References {
        manager,
        additional: places,
        rejections,
    }
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        single => vec![single],
    }
}

impl Reader {
    fn reference(&mut self, rule: &'static str, attribute: &str, item: &Value) -> Option<String> {
        let value = match item {
            Value::Object(object) => super::lookup::get(object, "value")?,
            other => other,
        };
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => {
                self.reject(rule, attribute, other, "is not a reference");
                return None;
            }
        };
        if crate::directory::fold(&text).len() > MAX_REFERENCE_BYTES {
            self.reject(rule, attribute, value, "is longer than 512 bytes");
            return None;
        }
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_in_every_shape_read_the_same() {
        for manager in [
            json!("m1"),
            json!({"value": "m1"}),
            json!([{"value": "m1"}]),
            json!(["m1"]),
        ] {
            assert_eq!(
                references(Some(&manager), None).manager.as_deref(),
                Some("m1"),
                "{manager}"
            );
        }
        let additional = json!([{"value": "a"}, {"value": ""}, "c"]);
        let read = references(None, Some(&additional));
        assert_eq!(read.additional, [(0, "a".to_owned()), (2, "c".to_owned())]);
    }

    #[test]
    fn references_too_long_or_of_another_type_are_rejected_by_name() {
        let read = references(Some(&json!("x".repeat(513))), Some(&json!([true, false, "b"])));
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
