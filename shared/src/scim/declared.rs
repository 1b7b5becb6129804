//! What a body's `schemas` must name (RFC 7643 §3, RFC 7644 §3.1).

use super::{Dialect, Object, ResourceType, ScimError};
use serde_json::Value;

/// # Errors
/// 400 `invalidSyntax` when a message does not say that it is one.
pub fn message(dialect: Dialect, body: &Object, urn: &str) -> Result<(), ScimError> {
    match dialect.forgives_schemas() || names(body, urn) {
        true => Ok(()),
        false => Err(ScimError::invalid_syntax(format!("schemas must contain {urn}"))),
    }
}

/// # Errors
/// 400 `invalidSyntax` when a resource does not name its core schema and each extension it has.
pub(super) fn resource(dialect: Dialect, kind: ResourceType, body: &Object) -> Result<(), ScimError> {
    if dialect.forgives_schemas() {
        return Ok(());
    }
    message(dialect, body, kind.schema_urn())?;
    let is_urn = |key: &&String| {
        key.get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
    };
    let mut extensions = body.keys().filter(is_urn);
    extensions.try_for_each(|urn| message(dialect, body, urn))
}

fn names(body: &Object, urn: &str) -> bool {
    let schemas = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("schemas"));
    let schemas = schemas.and_then(|(_, schemas)| schemas.as_array());
    schemas.is_some_and(|schemas| {
        let mut named = schemas.iter().filter_map(Value::as_str);
        named.any(|named| named.eq_ignore_ascii_case(urn))
    })
}
