//! Finding an attribute: names compare without case (RFC 7643 §2.1).

use super::{ENTERPRISE, Object, ROLLCALL};
use serde_json::Value;

/// The attribute `name` of `object`; null counts as absent (RFC 7643 §2.5).
pub(super) fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| {
            let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        })
        .filter(|value| !value.is_null())
}

/// The attributes of one extension.
pub(super) fn extension<'a>(document: &'a Object, urn: &str) -> Option<&'a Object> {
    get(document, urn).and_then(Value::as_object)
}

/// An attribute clients send in any of three places: Rollcall's extension, the enterprise
/// extension, or next to the core attributes. The first place that has it wins.
pub(super) fn anywhere<'a>(document: &'a Object, name: &str) -> Option<&'a Value> {
    [ROLLCALL, ENTERPRISE]
        .into_iter()
        .filter_map(|urn| extension(document, urn))
        .chain(std::iter::once(document))
        .find_map(|object| get(object, name))
}
