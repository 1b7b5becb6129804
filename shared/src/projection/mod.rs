//! From a SCIM document to the directory rows it asks for. Pure: no clock, no store.
//!
//! A value that cannot be projected never blocks its neighbours: it becomes a [`Rejection`] and
//! the field it was meant for keeps the value last applied ([`PersonFields::keep`]).

mod custom;
mod group;
mod lookup;
mod person;
mod references;
mod values;

pub use group::{ProjectedGroup, project_group};
pub use person::{PersonFields, ProjectedPerson, Status, WantedTeam, project_person};
pub use references::{MAX_REFERENCE_BYTES, References, references};

/// The extension of RFC 7643 §4.3.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Rollcall's own extension: attributes of the directory SCIM has no name for.
pub const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";

pub use crate::scim::{Document, Object};

/// A value that cannot be projected (`rejections`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The directory field it was meant for.
    pub rule: &'static str,
    /// SHA-256 of the value as JSON: tells two bad values apart without keeping either.
    pub value_hash: Vec<u8>,
    /// Names the attribute, never the value.
    pub reason: String,
}

#[cfg(test)]
mod tests;
