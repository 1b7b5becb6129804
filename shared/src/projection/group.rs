use super::{Document, Rejection};
use crate::mapping;

/// The team a Group's document asks for; its members are keys of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectedGroup {
    /// `None`: the document has no usable displayName; the team keeps its last name.
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub rejections: Vec<Rejection>,
}

/// Project the document of a SCIM Group (RFC 7643 §4.2); no mapping changes how.
pub fn project_group(document: &Document) -> ProjectedGroup {
    let mut rejections = vec![];
    let mut take = |rule: &str, attribute: &str| {
        let value = mapping::get(&document.0, attribute)?;
        mapping::text(value).unwrap_or_else(|complaint| {
            rejections.push(Rejection {
                rule: rule.into(),
                value_hash: Rejection::hash(value),
                reason: format!("{attribute} {complaint}"),
            });
            None::<String>
        })
    };
    ProjectedGroup {
        name: take("name", "displayName"),
        external_id: take("external_id", "externalId"),
        rejections,
    }
}
