//! How literally a request is read.

use super::schema::SchemaSet;

/// By what a request is read: the schemas of its tenant, and how literally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    pub schemas: SchemaSet,
    pub dialect: Dialect,
}

/// Whether the habits of real clients are absorbed. Every such decision is a method here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// What is meant counts.
    #[default]
    Tolerant,
    /// What the RFC says counts.
    Strict,
}

impl Dialect {
    /// Whether a PATCH of a group is answered with 204 where the client asked for no attributes
    /// (RFC 7644 §3.5.2 leaves the choice): Entra expects it, and members may be many.
    #[must_use]
    pub fn answers_group_patches_briefly(self) -> bool {
        self == Dialect::Tolerant
    }
}
