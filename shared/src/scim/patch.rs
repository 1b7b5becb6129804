//! PATCH (RFC 7644 §3.5.2).

use super::filter::Filter;
use super::{Assertions, Document, Member, ResourceType, ScimError};
use serde_json::Value;

/// A parsed PATCH request.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    kind: ResourceType,
}

/// What a PATCH makes of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    pub document: Document,
    /// Changes of a Group's members, in order.
    pub members: Vec<MemberOp>,
    pub asserted: Assertions,
}

/// One change of a group's members.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberOp {
    Add(Vec<Member>),
    /// Remove the members asserted with these values.
    Remove(Vec<String>),
    /// Remove the members that satisfy the filter.
    RemoveWhere(Filter),
    /// The members from now on; empty clears.
    Replace(Vec<Member>),
}

impl Patch {
    /// # Errors
    /// 400 for a body that is no PATCH request.
    pub fn parse(kind: ResourceType, _body: Value) -> Result<Patch, ScimError> {
        Ok(Patch { kind })
    }

    /// Apply all operations or none; `current` stays as it is.
    ///
    /// # Errors
    /// 400 `noTarget`, `invalidPath`, `mutability` or `invalidValue`.
    pub fn apply(&self, current: &Document) -> Result<Patched, ScimError> {
        let _ = self.kind;
        Ok(Patched {
            document: current.clone(),
            members: Vec::new(),
            asserted: Assertions::default(),
        })
    }
}
