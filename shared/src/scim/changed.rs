//! What differs between two versions of a resource.

use super::Document;

/// Names of the attributes that differ, sorted; attributes of extensions as `urn:attribute`.
pub fn changed_attributes(_old: Option<&Document>, _new: &Document) -> Vec<String> {
    Vec::new()
}
