//! The values a resource can be found or referred to by.

use super::{Document, ResourceType, ScimError};
use crate::directory::KeyAttribute;

/// One value a resource holds (`scim_keys`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    pub attribute: KeyAttribute,
    /// Normalised by the attribute's own rules.
    pub value: String,
    /// Folded whatever the attribute: what references match.
    pub folded: String,
    /// At most one live resource of the tenant may hold it.
    pub unique: bool,
    /// The uniqueness is per source (`externalId`).
    pub namespaced: bool,
}

/// The values of a document, without the resource's id; at most one per (attribute, value).
///
/// # Errors
/// 400 `invalidValue` naming the attribute for a value over 512 bytes normalised.
pub fn keys(_kind: ResourceType, _document: &Document) -> Result<Vec<KeyValue>, ScimError> {
    Ok(Vec::new())
}

/// The attribute teams a User's document names: kind (`department`, `division`, `cost_center`)
/// and name as spelled.
pub fn team_names(_document: &Document) -> Vec<(&'static str, String)> {
    Vec::new()
}
