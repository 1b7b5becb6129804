//! The canonical form of a resource.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub type Object = serde_json::Map<String, Value>;

/// The asserted attributes of a resource under their canonical names. Extensions are objects
/// under their URN. Without `schemas`, `id`, `meta`, `groups`, `members` and `password`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Object);

impl Document {
    pub fn external_id(&self) -> Option<String> {
        let id = self.0.get("externalId")?.as_str()?;
        Some(id.to_owned())
    }
}

/// One asserted member of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// `value` as asserted: an id, or any other reference to a person.
    pub value: String,
    /// The other sub-attributes as asserted (`display`, `type`, `$ref`).
    pub attributes: Option<Object>,
}
