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
