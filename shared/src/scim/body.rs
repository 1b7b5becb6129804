//! Bodies of POST and PUT.

use super::{Document, Member, ResourceType, ScimError};
use serde_json::Value;

/// Which link attributes a write asserted, whether or not their values changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assertions {
    pub manager: bool,
    pub additional_managers: bool,
}

/// What a POST or PUT asserts.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    pub document: Document,
    /// Of a Group: `None` when the body has no `members`.
    pub members: Option<Vec<Member>>,
    pub asserted: Assertions,
}

/// Read the body of a POST or PUT: client quirks absorbed, names canonical, types checked.
///
/// # Errors
/// 400 naming the attribute: `invalidSyntax` when the body is no object, `invalidValue` for a
/// missing required attribute or a value of the wrong type.
pub fn parse_resource(_kind: ResourceType, _body: Value) -> Result<Body, ScimError> {
    Err(ScimError::not_implemented("bodies"))
}

impl Body {
    /// This body as the replacement of `current` (PUT): `active` is kept when the body has none.
    pub fn replacing(self, _current: &Document) -> Body {
        self
    }
}
