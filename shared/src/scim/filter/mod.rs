//! Filters (RFC 7644 §3.4.2.2).

use super::ScimError;
use serde_json::{Number, Value};

/// A reference to an attribute: `urn:…:User:name.givenName`. Names as the client spelled them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    pub urn: Option<String>,
    pub name: String,
    pub sub: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// The right-hand side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(String),
    Number(Number),
    Boolean(bool),
    Null,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `attribute pr`
    Present(AttributePath),
    Compare {
        path: AttributePath,
        operator: Operator,
        value: Literal,
    },
    /// `emails[type eq "work"]`: one element satisfies the whole inner filter.
    Element {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

/// Parse a filter.
///
/// # Errors
/// 400 `invalidFilter`.
pub fn parse(_text: &str) -> Result<Filter, ScimError> {
    Err(ScimError::invalid_filter("filters"))
}

impl Filter {
    /// Whether a resource, or an element of a multi-valued attribute, satisfies the filter.
    pub fn matches(&self, _value: &Value) -> bool {
        false
    }
}
