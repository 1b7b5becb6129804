//! What differs between two versions of a resource.

use super::{Document, Object};
use serde_json::Value;
use std::collections::BTreeSet;

/// Names of the attributes that differ, sorted; attributes of extensions as `urn:attribute`.
pub fn changed_attributes(old: Option<&Document>, new: &Document) -> Vec<String> {
    let none = Object::new();
    let old = old.map_or(&none, |document| &document.0);
    let mut names = BTreeSet::new();
    for key in differing(old, &new.0) {
        let is_extension = key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let objects = (object_or_none(old.get(key)), object_or_none(new.0.get(key)));
        match objects {
            (Some(old), Some(new)) if is_extension => {
                let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
                names.extend(differing(old, new).map(|attribute| format!("{key}:{attribute}")));
            }
            _ => {
                names.insert(key.to_owned());
            }
        }
    }
    names.into_iter().collect()
}

fn differing<'a>(old: &'a Object, new: &'a Object) -> impl Iterator<Item = &'a str> {
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    changed.map(|(key, _)| key).chain(gone).map(String::as_str)
}

/// `Some(None)` for an absent value, `None` for one that is no object.
fn object_or_none(value: Option<&Value>) -> Option<Option<&Object>> {
    match value {
        None => Some(None),
        Some(Value::Object(object)) => Some(Some(object)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> Document {
        Document(value.as_object().unwrap().clone())
    }

    #[test]
    fn changed_attributes_names_core_and_extension_attributes() {
        let old = document(json!({"a": 1, "gone": 1, "urn:x": {"b": 1, "c": 1}, "urn:only": {"z": 1}}));
        let new = document(json!({"a": 2, "new": [1], "urn:x": {"b": 2, "c": 1, "d": 0}}));
        let names = changed_attributes(Some(&old), &new);
        assert_eq!(names, ["a", "gone", "new", "urn:only:z", "urn:x:b", "urn:x:d"]);
        assert_eq!(changed_attributes(Some(&old), &old), Vec::<String>::new());
        assert_eq!(changed_attributes(None, &document(json!({"a": 1}))), ["a"]);
    }
}
