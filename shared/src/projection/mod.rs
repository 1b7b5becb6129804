//! From a SCIM document to the directory rows it asks for, by a mapping. Pure: no clock, no store.
//!
//! A value that cannot be projected never blocks its neighbours: it becomes a [`Rejection`] and
//! the field it was meant for keeps the value last applied ([`ProjectedPerson::hold`]).

mod fields;
mod group;
mod hold;
mod person;
mod references;

pub use fields::{PersonFields, Status};
pub use group::{ProjectedGroup, project_group};
pub use hold::Hold;
pub use person::{MAX_TEAM_BYTES, ProjectedPerson, WantedTeam, project_person, team_names};
pub use references::{MAX_REFERENCE_BYTES, References, reference_of, references};

pub use crate::scim::schema::{ENTERPRISE_USER as ENTERPRISE, ROLLCALL_USER as ROLLCALL};
pub use crate::scim::{Document, Object};

use crate::mapping::CompiledRule;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A value that cannot be projected (`rejections`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The rule that read it; of a group, the field it was meant for.
    pub rule: Arc<str>,
    /// SHA-256 of the value as JSON: tells two bad values apart without keeping either.
    pub value_hash: Vec<u8>,
    /// Names the attribute, never the value.
    pub reason: String,
}

impl Rejection {
    fn new(rule: &CompiledRule, value: &Value, reason: String) -> Rejection {
        Rejection {
            rule: rule.name.clone(),
            value_hash: Rejection::hash(value),
            reason,
        }
    }

    fn hash(value: &Value) -> Vec<u8> {
        Sha256::digest(value.to_string()).to_vec()
    }
}

#[cfg(test)]
mod former;
#[cfg(test)]
mod tests;
