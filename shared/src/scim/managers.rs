//! The shapes in which clients name managers, made one.

use super::value::wrong_type;
use super::{Object, ScimError};
use crate::directory::fold;
use serde_json::Value;
use std::collections::HashSet;

/// The most additional managers one person may have.
const MAX_ADDITIONAL: usize = 1_000;

/// `manager` as `{"value": …, …as sent}`, from a text, an object or an array of one of them;
/// `None` when it is unassigned.
pub(super) fn manager(label: &str, value: Value) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Array(mut elements) => match elements.len() {
            0 => Ok(None),
            1 => manager(label, elements.remove(0)),
            _ => Err(ScimError::invalid_value(format!(
                "{label} has more than one value"
            ))),
        },
        Value::Object(object) => reference_object(label, object),
        value => Ok(reference_text(label, value)?.map(plain)),
    }
}

/// `additionalManagers` as an array of `{"value": …}`, each person once, in order; from an
/// array of texts and objects, or one comma-separated text.
pub(super) fn additional_managers(label: &str, value: Value) -> Result<Vec<Value>, ScimError> {
    let elements = match value {
        Value::Array(elements) => elements,
        Value::String(list) => list
            .split(',')
            .map(|one| Value::String(one.trim().to_owned()))
            .collect(),
        value => vec![value],
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
            Value::Object(object) => match reference_object(label, object)? {
                Some(manager) => manager.get("value").and_then(Value::as_str).map(str::to_owned),
                None => None,
            },
            value => reference_text(label, value)?,
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
fn reference_object(label: &str, object: Object) -> Result<Option<Value>, ScimError> {
    let mut manager = Object::new();
    let mut text = None;
    for (key, value) in object {
        if key.eq_ignore_ascii_case("value") {
            text = reference_text(&format!("{label}.value"), value)?;
            continue;
        }
        let key = ["$ref", "displayName"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&key))
            .map_or(key, str::to_owned);
        match &value {
            Value::Null => {}
            Value::String(_) => {
                manager.insert(key, value);
            }
            _ if key == "$ref" || key == "displayName" => {
                return Err(wrong_type(&format!("{label}.{key}"), "a string"));
            }
            _ => {
                manager.insert(key, value);
            }
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
            assert_eq!(manager("manager", value), Ok(Some(json!({"value": "m@x.y"}))));
        }
        let sent = json!({"$ref": "https://x/Users/42", "displayName": "M"});
        let read = manager("manager", sent).unwrap().unwrap();
        assert_eq!(
            (&read["value"], &read["displayName"]),
            (&json!("42"), &json!("M"))
        );
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
            assert_eq!(manager("manager", value), Ok(None));
        }
    }

    #[test]
    fn manager_wrong_type_names_the_attribute() {
        for value in [json!(true), json!({"value": {}}), json!(["a", "b"])] {
            assert!(
                manager("manager", value)
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
                Value::Array(additional_managers("additionalManagers", value).unwrap()),
                wanted
            );
        }
    }
}
