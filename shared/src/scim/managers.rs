//! The shapes in which clients name managers, made one.

use super::schema::{ENTERPRISE_USER, ROLLCALL_USER};
use super::value::{unknown, wrong_type};
use super::{Dialect, Document, Object, ScimError};
use crate::directory::fold;
use serde_json::Value;
use std::collections::HashSet;

/// The most additional managers one person may have.
const MAX_ADDITIONAL: usize = 1_000;

/// Whether a User names a manager of any kind.
pub fn names_managers(user: &Document) -> bool {
    let names = |urn: &str, attribute: &str| {
        let extension = user.0.get(urn);
        extension.is_some_and(|extension| extension.get(attribute).is_some())
    };
    names(ENTERPRISE_USER, "manager") || names(ROLLCALL_USER, "additionalManagers")
}

/// `manager` as `{"value": …, …as sent}`, from a text, an object or an array of one of them;
/// `None` when it is unassigned.
pub(super) fn manager(dialect: Dialect, label: &str, value: Value) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Null => Ok(None),
        value if !value.is_object() && !dialect.takes_bare_references() => {
            Err(wrong_type(label, "an object"))
        }
        Value::Array(mut elements) => match elements.len() {
            0 => Ok(None),
            1 => manager(dialect, label, elements.remove(0)),
            _ => Err(ScimError::invalid_value(format!(
                "{label} has more than one value"
            ))),
        },
        Value::Object(object) => reference_object(dialect, label, object),
        value => Ok(reference_text(label, value)?.map(plain)),
    }
}

/// `additionalManagers` as an array of `{"value": …}`, each person once, in order; from an
/// array of texts and objects, or one comma-separated text.
pub(super) fn additional_managers(
    dialect: Dialect,
    label: &str,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
    let bare = dialect.takes_bare_references();
    let elements = match value {
        Value::Array(elements) => elements,
        Value::String(list) if bare => list
            .split(',')
            .map(|one| Value::String(one.trim().to_owned()))
            .collect(),
        Value::Null => return Ok(Vec::new()),
        value if bare => vec![value],
        _ => return Err(wrong_type(label, "an array")),
    };
    if elements.len() > MAX_ADDITIONAL {
        return Err(ScimError::invalid_value(format!(
            "{label} has more than {MAX_ADDITIONAL} values"
        )));
    }
    let mut seen = HashSet::new();
    let mut managers = Vec::with_capacity(elements.len());
    for element in elements {
        let text = match element {
            Value::Object(object) => match reference_object(dialect, label, object)? {
                Some(manager) => manager.get("value").and_then(Value::as_str).map(str::to_owned),
                None => None,
            },
            value if bare || value.is_null() => reference_text(label, value)?,
            _ => return Err(wrong_type(label, "an array of objects")),
        };
        if let Some(text) = text
            && seen.insert(fold(&text))
        {
            managers.push(plain(text));
        }
    }
    Ok(managers)
}

fn plain(text: String) -> Value {
    Value::Object(Object::from_iter([("value".to_owned(), Value::String(text))]))
}

/// An object with its reference under `value`; one with only `$ref` is named by its last segment.
fn reference_object(dialect: Dialect, label: &str, object: Object) -> Result<Option<Value>, ScimError> {
    let mut manager = Object::new();
    let mut text = None;
    for (key, value) in object {
        if key.eq_ignore_ascii_case("value") {
            let label = format!("{label}.value");
            if value.is_number() && !dialect.takes_bare_references() {
                return Err(wrong_type(&label, "a string"));
            }
            text = reference_text(&label, value)?;
            continue;
        }
        // The manager's own document says how they are called (RFC 7643 §4.3: read-only).
        if key.eq_ignore_ascii_case("displayName") || value.is_null() {
            continue;
        }
        if key.eq_ignore_ascii_case("$ref") {
            if !value.is_string() {
                return Err(wrong_type(&format!("{label}.$ref"), "a string"));
            }
            manager.insert("$ref".to_owned(), value);
        } else if dialect.keeps_unknown_attributes() {
            manager.insert(key, value);
        } else {
            return Err(unknown(&format!("{label}.{key}")));
        }
    }
    let by_url = || {
        let url = manager.get("$ref")?.as_str()?;
        let last = url.trim_end_matches('/').rsplit('/').next()?;
        (!last.is_empty()).then(|| last.to_owned())
    };
    let Some(text) = text.or_else(by_url) else {
        return Ok(None);
    };
    manager.insert("value".to_owned(), Value::String(text));
    Ok(Some(Value::Object(manager)))
}

/// A reference as text: numbers are ids of systems that count; blank means none.
fn reference_text(label: &str, value: Value) -> Result<Option<String>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
        _ => Err(wrong_type(label, "a reference to a user")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn manager_every_shape_becomes_an_object_with_value() {
        for value in [
            json!("m@x.y"),
            json!({"value": "m@x.y"}),
            json!([{"Value": "m@x.y"}]),
            json!(["m@x.y"]),
            json!({"value": "m@x.y", "displayName": null}),
        ] {
            assert_eq!(
                manager(Dialect::Tolerant, "manager", value),
                Ok(Some(json!({"value": "m@x.y"})))
            );
        }
        let sent = json!({"$ref": "https://x/Users/42", "displayName": "M"});
        let read = manager(Dialect::Tolerant, "manager", sent).unwrap().unwrap();
        assert_eq!(read, json!({"value": "42", "$ref": "https://x/Users/42"}));
    }

    #[test]
    fn manager_unassigned_shapes_are_none() {
        for value in [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!({"value": ""}),
            json!([null]),
        ] {
            assert_eq!(manager(Dialect::Tolerant, "manager", value), Ok(None));
        }
    }

    #[test]
    fn manager_wrong_type_names_the_attribute() {
        for value in [json!(true), json!({"value": {}}), json!(["a", "b"])] {
            assert!(
                manager(Dialect::Tolerant, "manager", value)
                    .unwrap_err()
                    .detail
                    .starts_with("manager")
            );
        }
    }

    #[test]
    fn additional_managers_list_text_and_objects_become_values_once() {
        let wanted = json!([{"value": "a"}, {"value": "b"}]);
        for value in [
            json!("a, b ,A,"),
            json!(["a", {"value": "b"}, "a"]),
            json!([{"value": "a"}, "b", null]),
        ] {
            assert_eq!(
                Value::Array(additional_managers(Dialect::Tolerant, "additionalManagers", value).unwrap()),
                wanted
            );
        }
    }
}
