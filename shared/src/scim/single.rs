//! Editing attributes that have one value.

use super::edit::Op;
use super::place::Located;
use super::schema::{Mutability, Type};
use super::value::{assigned, coerce, coerce_one, unknown, wrong_type};
use super::{Dialect, Object, Rules, ScimError, managers};
use serde_json::Value;

/// The next value of an attribute that has one.
pub(super) fn edit(
    rules: Rules,
    op: Op,
    place: &Located,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let label = place.label();
    if place.is_manager() && place.sub.as_deref().is_none_or(|sub| sub == "value") {
        let value = match (&place.sub, value.unwrap_or_default()) {
            // The path names what the text is.
            (Some(_), Value::String(text)) => {
                Value::Object(Object::from_iter([("value".to_owned(), text.into())]))
            }
            (_, value) => value,
        };
        let next = match op {
            Op::Remove => return Ok(None),
            _ => managers::manager(rules.dialect, &label, value)?,
        };
        return Ok(next.or(if op == Op::Add { current } else { None }));
    }
    let Some(sub) = &place.sub else {
        return whole_value(rules.dialect, op, place, current, value);
    };
    let mut object = match current {
        Some(Value::Object(object)) => object,
        None => Object::new(),
        Some(_) => return Err(ScimError::invalid_path(format!("{label} has no sub-attributes"))),
    };
    set_sub(rules.dialect, op, place, sub, &mut object, value)?;
    if place.is_manager() {
        // A manager is whom `value` or `$ref` names; whatever else there is describes nobody.
        return managers::manager(rules.dialect, &label, Value::Object(object));
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

fn whole_value(
    dialect: Dialect,
    op: Op,
    place: &Located,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    if op == Op::Remove {
        return Ok(None);
    }
    let label = place.label();
    let value = value.unwrap_or_default();
    let kept = if op == Op::Add { current.clone() } else { None };
    let Some(definition) = place.definition else {
        return Ok(assigned(value).or(kept));
    };
    if definition.kind != Type::Complex {
        return Ok(coerce(dialect, definition, &label, unwrap_single(dialect, value))?.or(kept));
    }
    // A complex value is merged: sub-attributes it does not name stay (RFC 7644 §3.5.2.3).
    let values = match unwrap_single(dialect, value) {
        Value::Null => return Ok(kept),
        Value::Object(values) => values,
        _ => return Err(wrong_type(&label, "an object")),
    };
    let mut object = match current {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    };
    for (key, value) in values {
        let sub = definition.sub_attribute(&key);
        let place = Located {
            sub_definition: sub,
            sub: Some(sub.map_or(&*key, |sub| sub.name).to_owned()),
            ..place.clone()
        };
        // The server's own: passed over (RFC 7644 §3.3).
        if sub.is_some_and(|sub| sub.mutability == Mutability::ReadOnly) {
            continue;
        }
        let sub = place.sub.clone().unwrap_or_default();
        set_sub(dialect, op, &place, &sub, &mut object, Some(value))?;
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// Set or remove one sub-attribute of a complex value.
pub(super) fn set_sub(
    dialect: Dialect,
    op: Op,
    place: &Located,
    sub: &str,
    object: &mut Object,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let label = format!("{}.{sub}", place.label());
    let next = match (op, place.sub_definition) {
        (Op::Remove, _) => None,
        (_, Some(definition)) if definition.multi_valued => {
            let added = coerce(dialect, definition, &label, value.unwrap_or_default())?;
            match (op, object.get(sub), added) {
                (Op::Add, Some(Value::Array(before)), Some(Value::Array(added))) => {
                    let new = added.into_iter().filter(|one| !before.contains(one));
                    Some(Value::Array(before.iter().cloned().chain(new).collect()))
                }
                (_, _, added) => added,
            }
        }
        (_, Some(definition)) => {
            let value = unwrap_single(dialect, value.unwrap_or_default());
            coerce_one(dialect, definition, &label, value)?
        }
        (_, None)
            if place
                .definition
                .is_some_and(|definition| definition.kind != Type::Complex) =>
        {
            return Err(ScimError::invalid_path(format!(
                "{} has no sub-attributes",
                place.label()
            )));
        }
        (_, None) if place.definition.is_some() && !dialect.keeps_unknown_attributes() => {
            return Err(unknown(&label));
        }
        (_, None) => assigned(value.unwrap_or_default()),
    };
    match next {
        Some(next) => {
            object.insert(sub.to_owned(), next);
        }
        None if op == Op::Add => {}
        None => {
            object.remove(sub);
        }
    }
    Ok(())
}

/// `[{"value": x}]` and `[x]` for x: how Entra's older dialect writes single values.
fn unwrap_single(dialect: Dialect, value: Value) -> Value {
    let mut elements = match value {
        Value::Array(elements) if dialect.bends_types() => elements,
        value => return value,
    };
    match elements.pop() {
        Some(Value::Object(mut object)) if elements.is_empty() && object.contains_key("value") => {
            object.remove("value").unwrap_or_default()
        }
        Some(only) if elements.is_empty() => only,
        Some(last) => {
            elements.push(last);
            Value::Array(elements)
        }
        None => Value::Null,
    }
}
