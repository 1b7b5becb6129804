//! Finding an attribute: names compare without case (RFC 7643 §2.1).

use crate::scim::Object;
use serde_json::Value;

/// The attribute `name` of `object`; null counts as absent (RFC 7643 §2.5).
pub(crate) fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| {
            let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        })
        .filter(|value| !value.is_null())
}
