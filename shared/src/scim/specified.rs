//! What a write specified, as far as it decides what its answer shows.

use super::Object;
use super::filter::AttributePath;
use super::schema::{Returned, SchemaSet};
use serde_json::Value;

/// The attributes, and sub-attributes, of extensions that are returned on request and that these
/// values name (RFC 7643 §7, `returned`). The core schemas have no such attribute.
pub(super) fn in_values(schemas: SchemaSet, values: &Object) -> Vec<AttributePath> {
    let mut found = Vec::new();
    for (key, value) in values {
        if let Some(path) = AttributePath::parse(schemas, key) {
            in_value(schemas, &path, Some(value), &mut found);
        }
    }
    found
}

/// What assigning `value` to `path` names of them.
pub(super) fn in_value(
    schemas: SchemaSet,
    path: &AttributePath,
    value: Option<&Value>,
    found: &mut Vec<AttributePath>,
) {
    let Some(schema) = path.urn.as_deref().and_then(|urn| schemas.by_urn(urn)) else {
        return;
    };
    let named = |name: &str, sub: Option<&str>| AttributePath {
        urn: path.urn.clone(),
        name: name.to_owned(),
        sub: sub.map(str::to_owned),
    };
    if path.name.is_empty() {
        for (name, value) in value.and_then(Value::as_object).into_iter().flatten() {
            in_value(schemas, &named(name, None), Some(value), found);
        }
        return;
    }
    let Some(attribute) = schema.attribute(&path.name) else {
        return;
    };
    if attribute.returned == Returned::Request {
        found.push(named(attribute.name, None));
    }
    let on_request = |sub: &str| {
        let sub = attribute.sub_attribute(sub)?;
        (sub.returned == Returned::Request).then_some(sub.name)
    };
    let elements = match value {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    let keys = elements
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Object::keys);
    let subs = path.sub.iter().chain(keys).filter_map(|sub| on_request(sub));
    found.extend(subs.map(|sub| named(attribute.name, Some(sub))));
}
