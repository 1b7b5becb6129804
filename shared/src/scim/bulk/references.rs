//! What the operations of a bulk request refer to by `bulkId` (RFC 7644 §3.7.2).

use serde_json::Value;
use std::collections::HashSet;
use std::ops::Range;
use uuid::Uuid;

const REFERENCE: &str = "bulkId:";

/// The bulkId that a text refers to.
pub(super) fn bulk_id_of(text: &str) -> Option<&str> {
    let prefix = text.get(..REFERENCE.len())?;
    let rest = &text[REFERENCE.len()..];
    (prefix.eq_ignore_ascii_case(REFERENCE) && !rest.is_empty()).then_some(rest)
}

/// The bulkIds that `data` refers to, each once, in order of appearance.
pub fn bulk_ids_referenced(data: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    visit(data, &mut |bulk_id| {
        if seen.insert(bulk_id.to_owned()) {
            found.push(bulk_id.to_owned());
        }
    });
    found
}

fn visit<'a>(data: &'a Value, found: &mut impl FnMut(&'a str)) {
    match data {
        Value::String(text) => {
            if let Some(bulk_id) = bulk_id_of(text) {
                found(bulk_id);
            } else {
                embedded(text).into_iter().for_each(|range| found(&text[range]));
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| visit(element, found)),
        Value::Object(object) => object.values().for_each(|value| visit(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Put ids in the place of the references to bulkIds that `resolve` knows.
pub fn replace_bulk_ids(data: &mut Value, resolve: &dyn Fn(&str) -> Option<Uuid>) {
    match data {
        Value::String(text) => {
            if let Some(bulk_id) = bulk_id_of(text) {
                if let Some(id) = resolve(bulk_id) {
                    *text = id.to_string();
                }
                return;
            }
            for range in embedded(text).into_iter().rev() {
                if let Some(id) = resolve(&text[range.clone()]) {
                    text.replace_range(range.start - REFERENCE.len()..range.end, &id.to_string());
                }
            }
        }
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| replace_bulk_ids(element, resolve)),
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| replace_bulk_ids(value, resolve)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Where a longer text holds a bulkId: a quoted value of a PATCH path
/// (`members[value eq "bulkId:x"]`) or the end of a URL (`../Users/bulkId:x`).
fn embedded(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (start, _) in text.match_indices(REFERENCE) {
        let from = start + REFERENCE.len();
        let end = match text[..start].chars().next_back() {
            Some('"') => text[from..].find('"').map(|length| from + length),
            Some('/') if !text.contains(char::is_whitespace) => Some(text.len()),
            _ => None,
        };
        if let Some(end) = end.filter(|end| *end > from)
            && ranges.last().is_none_or(|last: &Range<usize>| last.end <= start)
        {
            ranges.push(from..end);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bulk_ids_are_found_and_replaced_anywhere() {
        let mut data = json!({
            "manager": {"value": "bulkId:boss", "$ref": "../Users/bulkId:boss"},
            "members": [{"value": "bulkId:a"}, {"value": "bulkId:unknown"}],
            "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]",
            "title": "about bulkId: nothing",
        });
        assert_eq!(bulk_ids_referenced(&data), ["boss", "a", "unknown", "b"]);
        let id = Uuid::from_u128(5);
        replace_bulk_ids(&mut data, &|bulk_id| (bulk_id != "unknown").then_some(id));
        assert_eq!(
            data,
            json!({
                "manager": {"value": id, "$ref": format!("../Users/{id}")},
                "members": [{"value": id}, {"value": "bulkId:unknown"}],
                "path": format!("members[value eq \"{id}\" or value eq \"{id}\"]"),
                "title": "about bulkId: nothing",
            })
        );
    }
}
