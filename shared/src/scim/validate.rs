//! What a document as a whole must satisfy, after a body or a PATCH.

use super::schema::{self, Attribute, ENTERPRISE_USER, ROLLCALL_USER};
use super::{Document, Object, ResourceType, Rules, ScimError};
use crate::directory::{fold, fold_name};
use serde_json::Value;

/// Longest value, folded and in bytes, that is a key in an index.
pub(super) const MAX_KEY_BYTES: usize = 512;

/// `current` is the document that a PATCH started from: what it says of an extension is not
/// measured again against a schema that may be younger, unless the PATCH touched it.
pub(super) fn validate(
    rules: Rules,
    kind: ResourceType,
    document: &Document,
    current: Option<&Document>,
) -> Result<(), ScimError> {
    require("", schema::core(kind).attributes, &document.0)?;
    for extension in rules.schemas.extensions(kind) {
        let values = document.0.get(extension.id);
        let untouched = current.is_some_and(|current| current.0.get(extension.id) == values);
        if let Some(Value::Object(values)) = values.filter(|_| !untouched) {
            require(&format!("{}:", extension.id), extension.attributes, values)?;
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

/// Every required attribute has a value, and so has every required sub-attribute of a value.
fn require(prefix: &str, attributes: &[Attribute], object: &Object) -> Result<(), ScimError> {
    for attribute in attributes {
        let value = object.get(attribute.name);
        if attribute.required && is_blank(value) {
            let detail = format!("{prefix}{} is required", attribute.name);
            return Err(ScimError::invalid_value(detail));
        }
        if !attribute.sub_attributes.iter().any(|sub| sub.required) {
            continue;
        }
        let prefix = format!("{prefix}{}.", attribute.name);
        let elements = match value {
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(single) => std::slice::from_ref(single),
            None => &[],
        };
        for element in elements.iter().filter_map(Value::as_object) {
            require(&prefix, attribute.sub_attributes, element)?;
        }
    }
    Ok(())
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
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
