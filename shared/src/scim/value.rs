//! Values as the schema wants them: client quirks absorbed, types checked.

use super::schema::{Attribute, Mutability, Type};
use super::{Dialect, Object, ScimError};
use chrono::DateTime;
use serde_json::Value;
use std::collections::HashSet;

/// The most values one multi-valued attribute may have.
pub(super) const MAX_VALUES: usize = 1_000;

/// The canonical form of the value of an attribute; `None` when it is unassigned (null, an
/// empty array, an empty object: RFC 7643 §2.5). `label` names the attribute in errors.
pub(super) fn coerce(
    dialect: Dialect,
    attribute: &'static Attribute,
    label: &str,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return coerce_one(dialect, attribute, label, value);
    }
    let elements = coerce_elements(dialect, attribute, label, value)?;
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

/// The canonical values of a multi-valued attribute. A single object counts as an array of one.
pub(super) fn coerce_elements(
    dialect: Dialect,
    attribute: &'static Attribute,
    label: &str,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
    let elements = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(elements) => elements,
        value @ Value::Object(_) if attribute.kind == Type::Complex && dialect.bends_types() => vec![value],
        _ => return Err(wrong_type(label, "an array")),
    };
    if elements.len() > MAX_VALUES {
        return Err(ScimError::invalid_value(format!(
            "{label} has more than {MAX_VALUES} values"
        )));
    }
    let mut coerced = Vec::with_capacity(elements.len());
    for element in elements {
        coerced.extend(coerce_one(dialect, attribute, label, element)?);
    }
    if attribute.kind == Type::Complex {
        drop_repeated(&mut coerced);
    }
    Ok(coerced)
}

/// A value sent twice is one value: the same type and value should not be returned more than once
/// (RFC 7643 §2.4). Values that differ in anything are kept as they were sent.
fn drop_repeated(values: &mut Vec<Value>) {
    if values.len() > 1 {
        let mut seen = HashSet::new();
        let firsts: Vec<bool> = values.iter().map(|value| seen.insert(value)).collect();
        let mut firsts = firsts.into_iter();
        values.retain(|_| firsts.next().unwrap_or(true));
    }
}

/// The canonical form of one value.
pub(super) fn coerce_one(
    dialect: Dialect,
    attribute: &'static Attribute,
    label: &str,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if value.is_null() {
        return Ok(None);
    }
    let coerced = match attribute.kind {
        Type::Complex => return coerce_object(dialect, attribute, label, value),
        Type::Boolean => match &value {
            Value::Bool(_) => value,
            Value::String(text) if dialect.bends_types() && text.eq_ignore_ascii_case("true") => {
                Value::Bool(true)
            }
            Value::String(text) if dialect.bends_types() && text.eq_ignore_ascii_case("false") => {
                Value::Bool(false)
            }
            _ => return Err(wrong_type(label, "a boolean")),
        },
        Type::Integer if value.is_i64() || value.is_u64() => value,
        Type::Integer => return Err(wrong_type(label, "an integer")),
        Type::Decimal if value.is_number() => value,
        Type::Decimal => return Err(wrong_type(label, "a number")),
        Type::DateTime => match value.as_str().map(DateTime::parse_from_rfc3339) {
            Some(Ok(_)) => value,
            _ => return Err(wrong_type(label, "a date and time")),
        },
        Type::Binary if !dialect.bends_types() && !value.as_str().is_none_or(is_base64) => {
            return Err(wrong_type(label, "base64"));
        }
        Type::String | Type::Reference | Type::Binary if value.is_string() => value,
        Type::String | Type::Reference | Type::Binary => return Err(wrong_type(label, "a string")),
    };
    Ok(Some(coerced))
}

/// Base64 (RFC 4648 §4): its alphabet, in groups of four, padded at the end only.
fn is_base64(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len().is_multiple_of(4) && text.len() - unpadded.len() <= 2 && unpadded.bytes().all(alphabet)
}

fn coerce_object(
    dialect: Dialect,
    attribute: &'static Attribute,
    label: &str,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    let object = match value {
        Value::Object(object) => object,
        // `["a@example.com"]` for `[{"value": "a@example.com"}]`
        value @ Value::String(_)
            if dialect.bends_types()
                && attribute.multi_valued
                && attribute.sub_attribute("value").is_some() =>
        {
            Object::from_iter([("value".to_owned(), value)])
        }
        _ => return Err(wrong_type(label, "an object")),
    };
    let mut canonical = Object::new();
    for (key, value) in object {
        match attribute.sub_attribute(&key) {
            // The server's own: what a client says of it is passed over (RFC 7644 §3.3).
            Some(sub) if sub.mutability == Mutability::ReadOnly => {}
            Some(sub) => {
                if let Some(value) = coerce(dialect, sub, &format!("{label}.{}", sub.name), value)? {
                    canonical.insert(sub.name.to_owned(), value);
                }
            }
            None if !dialect.keeps_unknown_attributes() => return Err(unknown(&format!("{label}.{key}"))),
            None => {
                if let Some(value) = assigned(value) {
                    canonical.insert(key, value);
                }
            }
        }
    }
    Ok((!canonical.is_empty()).then_some(Value::Object(canonical)))
}

/// A value no schema describes, as sent; `None` when it is unassigned.
pub(super) fn assigned(value: Value) -> Option<Value> {
    match &value {
        Value::Null => None,
        Value::Array(elements) if elements.is_empty() => None,
        Value::Object(object) if object.is_empty() => None,
        _ => Some(value),
    }
}

/// Refuse NUL characters, which Postgres cannot store, in names and values at any depth.
pub(super) fn refuse_nul(object: &Object) -> Result<(), ScimError> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(elements) => elements.iter().any(has_nul),
            Value::Object(object) => object
                .iter()
                .any(|(key, value)| key.contains('\0') || has_nul(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    for (key, value) in object {
        if key.contains('\0') {
            return Err(ScimError::invalid_value(
                "the name of an attribute contains a NUL character",
            ));
        }
        if has_nul(value) {
            return Err(ScimError::invalid_value(format!(
                "{key} contains a NUL character"
            )));
        }
    }
    Ok(())
}

/// The body has an attribute that the schema it is read by does not define.
pub(super) fn unknown(label: &str) -> ScimError {
    ScimError::invalid_syntax(format!("{label} is not defined by the schema"))
}

pub(super) fn wrong_type(label: &str, wanted: &str) -> ScimError {
    ScimError::invalid_value(format!("{label} must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{ResourceType, schema};
    use serde_json::json;

    fn user(name: &str, value: Value) -> Result<Option<Value>, ScimError> {
        let attribute = schema::core(ResourceType::User).attribute(name).unwrap();
        coerce(Dialect::Tolerant, attribute, attribute.name, value)
    }

    #[test]
    fn coerce_entra_boolean_text_becomes_a_boolean() {
        assert_eq!(user("active", json!("False")), Ok(Some(json!(false))));
        let roles = json!([{"VALUE": "a", "primary": "True"}]);
        assert_eq!(
            user("roles", roles),
            Ok(Some(json!([{"value": "a", "primary": true}])))
        );
    }

    #[test]
    fn coerce_unassigned_values_are_none() {
        for (name, value) in [
            ("title", json!(null)),
            ("emails", json!([])),
            ("emails", json!([null, {}, {"value": null}])),
            ("name", json!({"givenName": null})),
        ] {
            assert_eq!(user(name, value), Ok(None), "{name}");
        }
    }

    #[test]
    fn coerce_wrong_type_names_the_attribute() {
        for (name, value, label) in [
            ("title", json!(1), "title"),
            ("active", json!("yes"), "active"),
            ("emails", json!("a@b.c"), "emails"),
            ("emails", json!([{"value": 1}]), "emails.value"),
            ("name", json!("Jane"), "name"),
            ("name", json!({"GIVENNAME": []}), "name.givenName"),
        ] {
            let error = user(name, value).expect_err(name);
            assert_eq!(
                (error.status, error.scim_type),
                (400, Some(crate::scim::ScimType::InvalidValue))
            );
            assert!(
                error.detail.starts_with(&format!("{label} must be")),
                "{}",
                error.detail
            );
        }
    }

    #[test]
    fn refuse_nul_at_any_depth_names_the_attribute() {
        let body = json!({"name": {"x": ["a\0"]}});
        let error = refuse_nul(body.as_object().unwrap()).unwrap_err();
        assert!(error.detail.contains("name"));
    }
}
