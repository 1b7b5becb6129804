//! Editing multi-valued attributes: all values, those a filter selects, or one sub-attribute of them.

use super::edit::Op;
use super::filter::{Filter, Literal, fold_text};
use super::place::Located;
use super::single::set_sub;
use super::value::{MAX_VALUES, assigned, coerce_elements, coerce_one};
use super::{Object, Rules, ScimError, managers};
use serde_json::Value;

/// The next values of a multi-valued attribute; `None` when none is left.
pub(super) fn edit(
    rules: Rules,
    op: Op,
    place: &Located,
    filter: Option<&Filter>,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let mut elements = match current {
        Some(Value::Array(elements)) => elements,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    // Which elements this operation set: of two primaries the newer one stays.
    let touched = match (filter, &place.sub) {
        (None, None) => edit_all(rules, op, place, &mut elements, value)?,
        (None, Some(sub)) => {
            if elements.is_empty() && op != Op::Remove {
                elements.push(Value::Object(Object::new()));
            }
            let all: Vec<usize> = (0..elements.len()).collect();
            set_in_each(rules, op, place, sub, &mut elements, &all, value)?;
            all
        }
        (Some(filter), _) => edit_selected(rules, op, place, filter, &mut elements, value)?,
    };
    keep_one_primary(place, &mut elements, &touched)?;
    elements.retain(|element| !element.as_object().is_some_and(Object::is_empty));
    if elements.len() > MAX_VALUES {
        return Err(ScimError::invalid_value(format!(
            "{} has more than {MAX_VALUES} values",
            place.label()
        )));
    }
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

fn edit_all(
    rules: Rules,
    op: Op,
    place: &Located,
    elements: &mut Vec<Value>,
    value: Option<Value>,
) -> Result<Vec<usize>, ScimError> {
    let named = match value {
        None | Some(Value::Null) => None,
        Some(value) => Some(canonical(rules, place, value)?),
    };
    if op == Op::Remove && named.is_some() && !rules.dialect.bends_operations() {
        let label = place.label();
        return Err(ScimError::invalid_value(format!(
            "remove takes no value; name values of {label} by a filter in its path"
        )));
    }
    match op {
        Op::Replace => {
            *elements = named.unwrap_or_default();
            Ok(Vec::new())
        }
        Op::Remove => {
            match named {
                None => elements.clear(),
                Some(named) => elements.retain(|element| !named.iter().any(|one| is_same(element, one))),
            }
            Ok(Vec::new())
        }
        Op::Add => {
            let before = elements.len();
            for one in named.unwrap_or_default() {
                if !elements.iter().any(|element| says(place, element, &one)) {
                    elements.push(one);
                }
            }
            Ok((before..elements.len()).collect())
        }
    }
}

fn edit_selected(
    rules: Rules,
    op: Op,
    place: &Located,
    filter: &Filter,
    elements: &mut Vec<Value>,
    value: Option<Value>,
) -> Result<Vec<usize>, ScimError> {
    let inner = place
        .definition
        .map_or(&[][..], |definition| definition.sub_attributes);
    let mut selected: Vec<usize> = (0..elements.len())
        .filter(|index| filter.matches_as(rules, &elements[*index], inner))
        .collect();
    if selected.is_empty() {
        let template = match op {
            Op::Remove => None,
            Op::Add | Op::Replace if rules.dialect.creates_by_value_path() => template(rules, place, filter)?,
            Op::Add | Op::Replace => None,
        };
        let template = template.ok_or_else(|| {
            ScimError::no_target(format!("no value of {} matches the filter", place.label()))
        })?;
        selected.push(elements.len());
        elements.push(Value::Object(template));
    }
    if let Some(sub) = &place.sub {
        set_in_each(rules, op, place, sub, elements, &selected, value)?;
        return Ok(selected);
    }
    if op == Op::Remove {
        let mut index = 0;
        elements.retain(|_| {
            index += 1;
            selected.binary_search(&(index - 1)).is_err()
        });
        return Ok(Vec::new());
    }
    // What replaces the selected values is one value, not a list of them.
    let value = match value {
        Some(Value::Object(one)) => Value::Array(vec![Value::Object(one)]),
        value => value.unwrap_or_default(),
    };
    let mut values = canonical(rules, place, value)?;
    let (Some(Value::Object(new)), true) = (values.pop(), values.is_empty()) else {
        return Err(ScimError::invalid_value(format!(
            "the value for {} must be one object",
            place.label()
        )));
    };
    let implied = template(rules, place, filter)?.unwrap_or_default();
    for index in &selected {
        let kept = match (op, elements[*index].take()) {
            (Op::Add, Value::Object(object)) => object,
            _ => implied.clone(),
        };
        let mut object = kept;
        object.extend(new.clone());
        elements[*index] = Value::Object(object);
    }
    Ok(selected)
}

fn set_in_each(
    rules: Rules,
    op: Op,
    place: &Located,
    sub: &str,
    elements: &mut [Value],
    selected: &[usize],
    value: Option<Value>,
) -> Result<(), ScimError> {
    for index in selected {
        let Some(Value::Object(object)) = elements.get_mut(*index) else {
            return Err(ScimError::invalid_path(format!(
                "{} has no sub-attributes",
                place.label()
            )));
        };
        set_sub(rules.dialect, op, place, sub, object, value.clone())?;
    }
    Ok(())
}

/// The values a client sent, canonical.
fn canonical(rules: Rules, place: &Located, value: Value) -> Result<Vec<Value>, ScimError> {
    let label = place.label();
    if place.is_additional_managers() {
        return managers::additional_managers(rules.dialect, &label, value);
    }
    match (place.definition, value) {
        (Some(definition), value) => coerce_elements(rules.dialect, definition, &label, value),
        (None, Value::Array(elements)) => Ok(elements.into_iter().filter_map(assigned).collect()),
        (None, value) => Ok(assigned(value).into_iter().collect()),
    }
}

/// The element that a filter of equalities describes: `emails[type eq "work"].value` creates
/// the work address that is not there. `None` when the filter describes no element to create:
/// other operators, or the identity of a value that should exist.
fn template(rules: Rules, place: &Located, filter: &Filter) -> Result<Option<Object>, ScimError> {
    let Some(pairs) = filter.equalities() else {
        return Ok(None);
    };
    let mut object = Object::new();
    for (name, literal) in pairs {
        let definition = place
            .definition
            .and_then(|definition| definition.sub_attribute(name));
        let name = definition.map_or(name, |definition| definition.name);
        let value = match literal {
            Literal::Null => continue,
            _ if ["value", "$ref", "display"].contains(&name) => return Ok(None),
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Text(text) | Literal::Number(text) => Value::String(text.clone()),
        };
        let value = match definition {
            Some(definition) => coerce_one(
                rules.dialect,
                definition,
                &format!("{}.{name}", place.label()),
                value,
            )?,
            None => Some(value),
        };
        object.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok((!object.is_empty()).then_some(object))
}

/// Whether a value names this element: by `value` when it has one, else by all it says.
fn is_same(element: &Value, named: &Value) -> bool {
    match (element.get("value"), named.get("value")) {
        (Some(element), Some(named)) => match (element.as_str(), named.as_str()) {
            (Some(element), Some(named)) => crate::directory::fold(element) == crate::directory::fold(named),
            _ => element == named,
        },
        _ => contains(element, named),
    }
}

/// Whether an element says everything `one` says.
fn contains(element: &Value, one: &Value) -> bool {
    match (element, one) {
        (Value::Object(element), Value::Object(one)) => {
            one.iter().all(|(key, value)| element.get(key) == Some(value))
        }
        _ => element == one,
    }
}

/// Whether an element says everything `one` says, texts compared as the schema says.
fn says(place: &Located, element: &Value, one: &Value) -> bool {
    let same = |name: &str, before: &Value, new: &Value| match (before, new) {
        (Value::String(before), Value::String(new)) => {
            let sub = place
                .definition
                .and_then(|definition| definition.sub_attribute(name));
            match sub.is_some_and(|sub| !sub.case_exact) {
                true => fold_text(before) == fold_text(new),
                false => before == new,
            }
        }
        _ => before == new,
    };
    match (element, one) {
        (Value::Object(element), Value::Object(one)) => one
            .iter()
            .all(|(key, value)| element.get(key).is_some_and(|before| same(key, before, value))),
        _ => element == one,
    }
}

/// `primary` is true at most once (RFC 7643 §2.4): a newly set one takes it from the others.
fn keep_one_primary(place: &Located, elements: &mut [Value], touched: &[usize]) -> Result<(), ScimError> {
    if place
        .definition
        .is_none_or(|definition| definition.sub_attribute("primary").is_none())
    {
        return Ok(());
    }
    let primaries: Vec<usize> = (0..elements.len())
        .filter(|index| elements[*index].get("primary") == Some(&Value::Bool(true)))
        .collect();
    if primaries.len() < 2 {
        return Ok(());
    }
    let Some(newest) = primaries.iter().rev().find(|index| touched.contains(index)) else {
        return Err(ScimError::invalid_value(format!(
            "{} has more than one primary value",
            place.label()
        )));
    };
    for index in &primaries {
        if index != newest
            && let Some(primary) = elements[*index].get_mut("primary")
        {
            *primary = Value::Bool(false);
        }
    }
    Ok(())
}
