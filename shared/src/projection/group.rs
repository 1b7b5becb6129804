use super::lookup::get;
use super::values::{Reader, text};
use super::{Document, Rejection};

/// The team a Group's document asks for; its members are keys of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectedGroup {
    /// `None`: the document has no usable displayName; the team keeps its last name.
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub rejections: Vec<Rejection>,
}

/// Project the document of a SCIM Group (RFC 7643 §4.2).
pub fn project_group(document: &Document) -> ProjectedGroup {
    let document = &document.0;
    let mut reader = Reader::default();
    ProjectedGroup {
        name: reader.take("name", "displayName", get(document, "displayName"), text),
        external_id: reader.take("external_id", "externalId", get(document, "externalId"), text),
        rejections: reader.rejections,
    }
}
