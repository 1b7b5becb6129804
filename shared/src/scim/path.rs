//! Paths of PATCH operations (RFC 7644 §3.5.2).

use super::ScimError;
use super::filter::{AttributePath, Filter};

/// `attribute[filter].sub`
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub attribute: AttributePath,
    pub filter: Option<Filter>,
}

impl Path {
    /// # Errors
    /// 400 `invalidPath`.
    pub fn parse(_text: &str) -> Result<Path, ScimError> {
        Err(ScimError::invalid_path("paths"))
    }
}
