//! Representations: what a client reads.

use super::{Document, Member, ResourceType, ScimError};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// `attributes` and `excludedAttributes` (RFC 7644 §3.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {}

impl Selection {
    /// # Errors
    /// 400 when both are given or one is not a list of attribute names.
    pub fn parse(_attributes: Option<&str>, _excluded: Option<&str>) -> Result<Selection, ScimError> {
        Ok(Selection {})
    }

    /// Whether a top-level attribute may be part of the representation; spares reading it.
    pub fn wants(&self, _attribute: &str) -> bool {
        true
    }
}

/// What the server knows about a resource (RFC 7643 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub id: Uuid,
    pub version: i64,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    /// The absolute URL; `$ref`s of groups and managers are formed from it.
    pub location: String,
}

/// What the read side adds to an asserted document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// Of a User: id and displayName of the groups it is a direct member of.
    pub groups: Vec<(Uuid, String)>,
    /// Of a User: reference as asserted, SCIM id and displayName of each resolved manager.
    pub managers: Vec<(String, Uuid, Option<String>)>,
}

/// The representation of a resource: `schemas`, `id`, the selected attributes, `meta`.
pub fn render(
    _kind: ResourceType,
    _meta: &Meta,
    _document: &Document,
    _members: Option<&[Member]>,
    _derived: &Derived,
    _selection: &Selection,
) -> Value {
    Value::Null
}

/// A page of a list (RFC 7644 §3.4.2): the numbers are JSON numbers.
pub fn list_response(resources: Vec<Value>, total: i64, start_index: i64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "startIndex": start_index,
        "Resources": resources,
    })
}
