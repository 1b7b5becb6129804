//! Attributes that may be set once (RFC 7643 §2.2, §7).

use super::filter::AttributePath;
use super::place::{Place, locate};
use super::schema::{Attribute, Mutability, Type};
use super::{Document, Object, ResourceType, Rules, ScimError};
use serde_json::Value;

/// In a replacement, keep what it cannot take away: immutable values, and those a client can
/// write but never read and so does not know to repeat.
pub(super) fn carry_over(rules: Rules, kind: ResourceType, current: &Document, next: &mut Document) {
    for extension in rules.schemas.extensions(kind) {
        let Some(Value::Object(values)) = current.0.get(extension.id) else {
            continue;
        };
        let kept: Object = values
            .iter()
            .filter(|(name, _)| extension.attribute(name).is_some_and(stays))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if kept.is_empty() {
            continue;
        }
        let into = next
            .0
            .entry(extension.id)
            .or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(into) = into {
            for (name, value) in kept {
                into.entry(name).or_insert(value);
            }
        }
    }
}

fn stays(attribute: &Attribute) -> bool {
    matches!(
        attribute.mutability,
        Mutability::Immutable | Mutability::WriteOnly
    )
}

/// # Errors
/// 400 `mutability` when an immutable attribute that had a value has another one or none.
pub(super) fn check(
    rules: Rules,
    kind: ResourceType,
    current: &Document,
    next: &Document,
) -> Result<(), ScimError> {
    for extension in rules.schemas.extensions(kind) {
        let Some(Value::Object(before)) = current.0.get(extension.id) else {
            continue;
        };
        let after = next.0.get(extension.id).and_then(Value::as_object);
        for attribute in extension.attributes {
            let Some(old) = before.get(attribute.name) else {
                continue;
            };
            let new = after.and_then(|after| after.get(attribute.name));
            if old != &Value::Null && !holds(attribute, old, new) {
                return Err(ScimError::immutable(&label(rules, kind, extension.id, attribute)));
            }
        }
    }
    Ok(())
}

fn label(rules: Rules, kind: ResourceType, urn: &str, attribute: &Attribute) -> String {
    let path = AttributePath {
        urn: Some(urn.to_owned()),
        name: attribute.name.to_owned(),
        sub: None,
    };
    match locate(rules, kind, &path) {
        Place::Attribute(located) => located.label(),
        _ => path.to_string(),
    }
}

/// Whether what is immutable in a value is still what it was.
fn holds(attribute: &Attribute, old: &Value, new: Option<&Value>) -> bool {
    if attribute.mutability == Mutability::Immutable {
        return new == Some(old);
    }
    let immutable = |sub: &&Attribute| sub.mutability == Mutability::Immutable;
    if attribute.kind != Type::Complex || !attribute.sub_attributes.iter().any(|sub| immutable(&sub)) {
        return true;
    }
    let keeps = |old: &Value, new: &Value| {
        let mut subs = attribute.sub_attributes.iter().filter(immutable);
        subs.all(|sub| {
            old.get(sub.name)
                .is_none_or(|value| new.get(sub.name) == Some(value))
        })
    };
    match (old, new) {
        // A value may leave a multi-valued attribute; while it is there, it stays what it is.
        (Value::Array(old), Some(Value::Array(new))) => old.iter().all(|old| {
            let mut same = new
                .iter()
                .filter(|new| old.get("value").is_some() && old.get("value") == new.get("value"));
            same.all(|new| keeps(old, new))
        }),
        (Value::Array(_), _) => true,
        (old, Some(new)) => keeps(old, new),
        (_, None) => true,
    }
}
