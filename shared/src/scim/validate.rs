//! What a document as a whole must satisfy, after a body or a PATCH.

use super::schema::{self, ENTERPRISE_USER, ROLLCALL_USER};
use super::{Document, ResourceType, ScimError};
use crate::directory::{fold, fold_name};
use serde_json::Value;

/// Longest value, folded and in bytes, that is a key in an index.
pub(super) const MAX_KEY_BYTES: usize = 512;

pub(super) fn validate(kind: ResourceType, document: &Document) -> Result<(), ScimError> {
    for attribute in schema::core(kind)
        .attributes
        .iter()
        .filter(|attribute| attribute.required)
    {
        let text = document.0.get(attribute.name).and_then(Value::as_str);
        if text.is_none_or(|text| text.trim().is_empty()) {
            return Err(ScimError::invalid_value(format!(
                "{} is required",
                attribute.name
            )));
        }
    }
    let enterprise = document.0.get(ENTERPRISE_USER);
    for name in ["department", "division", "costCenter"] {
        if let Some(text) = enterprise
            .and_then(|enterprise| enterprise.get(name))
            .and_then(Value::as_str)
        {
            bounded(name, &fold_name(text))?;
        }
    }
    let manager = enterprise.and_then(|enterprise| enterprise.get("manager"));
    if let Some(text) = manager
        .and_then(|manager| manager.get("value"))
        .and_then(Value::as_str)
    {
        bounded("manager.value", &fold(text))?;
    }
    let additional = document
        .0
        .get(ROLLCALL_USER)
        .and_then(|extension| extension.get("additionalManagers"));
    for manager in additional.and_then(Value::as_array).into_iter().flatten() {
        if let Some(text) = manager.get("value").and_then(Value::as_str) {
            bounded("additionalManagers.value", &fold(text))?;
        }
    }
    Ok(())
}

/// Refuse a value that no index can hold.
pub(super) fn bounded(attribute: &str, normalised: &str) -> Result<(), ScimError> {
    match normalised.len() > MAX_KEY_BYTES {
        true => Err(ScimError::invalid_value(format!(
            "{attribute} is longer than {MAX_KEY_BYTES} bytes"
        ))),
        false => Ok(()),
    }
}
