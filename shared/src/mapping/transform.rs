//! What transforms do to values.

use super::{Others, Transform, ValueMap};
use chrono::NaiveDate;
use serde_json::Value;
use std::borrow::Cow;

type Complaint = &'static str;

/// Apply `steps` to `values`.
///
/// # Errors
/// What the value is not, to be said of its attribute.
pub(super) fn apply<'a>(
    steps: &'a [Transform],
    values: Vec<Cow<'a, Value>>,
) -> Result<Vec<Cow<'a, Value>>, Complaint> {
    let mut values = values;
    for step in steps {
        values = step.apply(values)?;
    }
    Ok(values)
}

impl Transform {
    fn apply<'a>(&'a self, values: Vec<Cow<'a, Value>>) -> Result<Vec<Cow<'a, Value>>, Complaint> {
        match self {
            Transform::Trim => Ok(texts(values, |text| text.trim().to_owned())),
            Transform::Lower => Ok(texts(values, str::to_lowercase)),
            Transform::Upper => Ok(texts(values, str::to_uppercase)),
            Transform::Split(separator) => Ok(split(values, separator)),
            Transform::Part(part) => Ok(part_of(values, *part)),
            Transform::Date(formats) => values.into_iter().map(|value| date(value, formats)).collect(),
            Transform::Map(map) => map.apply(values),
            Transform::Constant(value) => Ok(vec![Cow::Borrowed(value)]),
            Transform::Default(value) if values.iter().all(|value| is_blank(value)) => {
                Ok(vec![Cow::Borrowed(value)])
            }
            Transform::Default(_) => Ok(values),
        }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn texts<'a>(values: Vec<Cow<'a, Value>>, change: impl Fn(&str) -> String) -> Vec<Cow<'a, Value>> {
    values
        .into_iter()
        .map(|value| match value.as_str() {
            Some(text) => Cow::Owned(Value::String(change(text))),
            None => value,
        })
        .collect()
}

fn split<'a>(values: Vec<Cow<'a, Value>>, separator: &str) -> Vec<Cow<'a, Value>> {
    let mut parts = vec![];
    for value in values {
        match value.as_str() {
            Some(text) => parts.extend(
                text.split(separator)
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| Cow::Owned(Value::String(part.to_owned()))),
            ),
            None => parts.push(value),
        }
    }
    parts
}

fn part_of(values: Vec<Cow<'_, Value>>, part: i32) -> Vec<Cow<'_, Value>> {
    let place = usize::try_from(part.unsigned_abs()).unwrap_or(usize::MAX) - 1;
    let found = if part > 0 {
        values.into_iter().nth(place)
    } else {
        values.into_iter().nth_back(place)
    };
    found.into_iter().collect()
}

fn date<'a>(value: Cow<'a, Value>, formats: &[String]) -> Result<Cow<'a, Value>, Complaint> {
    if is_blank(&value) {
        return Ok(value);
    }
    let text = match value.as_ref() {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err("is not a date"),
    };
    let day = formats
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(&text, format).ok())
        .ok_or("is not a date in a format of its rule")?;
    Ok(Cow::Owned(Value::String(day.to_string())))
}

impl ValueMap {
    fn apply<'a>(&'a self, values: Vec<Cow<'a, Value>>) -> Result<Vec<Cow<'a, Value>>, Complaint> {
        let mut mapped = vec![];
        for value in values {
            let found = match value.as_ref() {
                Value::String(text) => self.values.get(text.as_str()),
                Value::Bool(flag) => self.values.get(if *flag { "true" } else { "false" }),
                Value::Number(number) => self.values.get(&number.to_string()),
                _ => None,
            };
            match (found, self.others) {
                (Some(to), _) => mapped.push(Cow::Borrowed(to)),
                (None, Others::Keep) => mapped.push(value),
                (None, Others::Reject) if !is_blank(&value) => {
                    return Err("is not among the values of its rule");
                }
                (None, Others::Drop | Others::Reject) => {}
            }
        }
        Ok(mapped)
    }
}
