//! The SCIM 2.0 protocol (RFC 7643, RFC 7644): schemas, documents, filters, PATCH, bulk and
//! representations. Pure: no I/O, no clock, no storage.
//!
//! A request body becomes a [`Body`] ([`parse_resource`]) or a [`Patch`]; both yield a
//! canonical [`Document`], in which every attribute the schemas know has its canonical name
//! and type, whatever the client sent. Everything that must know an attribute's
//! characteristics asks the one table in [`schema`].

mod body;
pub mod bulk;
mod changed;
pub mod declared;
mod dialect;
pub mod discovery;
mod document;
mod edit;
mod elements;
mod error;
mod etag;
pub mod event;
pub mod filter;
mod immutable;
mod keys;
mod managers;
mod members;
pub mod outcome;
mod patch;
mod path;
mod place;
mod render;
pub mod schema;
mod selection;
mod single;
mod specified;
mod validate;
mod value;

pub use body::{Assertions, Body, parse_resource};
pub use changed::changed_attributes;
pub use dialect::{Dialect, Rules};
pub use document::{Document, Member, Object};
pub use error::{ScimError, ScimType};
pub use etag::{etag, etag_matches};
pub use keys::{KeyValue, keys, normalise, primary_email};
pub use managers::names_managers;
pub use patch::{MemberOp, Patch, Patched};
pub use path::Path;
pub use render::{Derived, GroupOf, Meta, list_response, name_group, render, render_member};
pub use selection::Selection;

/// The two resource types (RFC 7643 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceType {
    User = 1,
    Group = 2,
}

impl ResourceType {
    pub const ALL: [ResourceType; 2] = [ResourceType::User, ResourceType::Group];

    /// `User` or `Group`, as in `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            ResourceType::User => "User",
            ResourceType::Group => "Group",
        }
    }

    /// The endpoint relative to the base URL: `/Users` or `/Groups`.
    pub fn endpoint(self) -> &'static str {
        match self {
            ResourceType::User => "/Users",
            ResourceType::Group => "/Groups",
        }
    }

    /// The URN of the core schema.
    pub fn schema_urn(self) -> &'static str {
        match self {
            ResourceType::User => schema::USER,
            ResourceType::Group => schema::GROUP,
        }
    }

    /// The resource type stored as this `kind` column; `None` for one this version does not know.
    pub fn from_column(kind: i16) -> Option<ResourceType> {
        ResourceType::ALL.into_iter().find(|known| *known as i16 == kind)
    }
}

/// What one request may ask for; advertised by [`discovery`] and enforced where it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Operations in one bulk request.
    pub bulk_operations: usize,
    /// Bytes of one bulk request's body.
    pub bulk_payload_bytes: usize,
    /// Resources in one page of a list.
    pub results: usize,
    /// Resources in a page when the client does not say.
    pub page: usize,
    /// Seconds a cursor can be used.
    pub cursor_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bulk_operations: 1_000,
            bulk_payload_bytes: 10 * 1024 * 1024,
            results: 1_000,
            page: 100,
            cursor_seconds: 3_600,
        }
    }
}
