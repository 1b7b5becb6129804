//! Bulk requests (RFC 7644 §3.7).

use super::{Limits, ResourceType, ScimError};
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// Stop after this many errors; `None`: never.
    pub fail_on_errors: Option<usize>,
    /// In order; a malformed one fails alone.
    pub operations: Vec<Result<Operation, BadOperation>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub method: Method,
    pub target: Target,
    pub bulk_id: Option<String>,
    /// `version`: the ETag the resource must have.
    pub version: Option<String>,
    pub data: Option<Value>,
}

/// An operation that cannot be carried out, with what its response must echo.
#[derive(Debug, Clone, PartialEq)]
pub struct BadOperation {
    pub method: Option<String>,
    pub bulk_id: Option<String>,
    pub error: ScimError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Upper case, as in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// What an operation's `path` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/Users`, with POST.
    Create(ResourceType),
    /// `/Users/{id}`, with any other method.
    Resource(ResourceType, IdOrBulkId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdOrBulkId {
    /// The id as sent; it need not be one that exists.
    Id(String),
    /// `bulkId:xyz`: the resource that operation creates.
    BulkId(String),
}

/// Read a bulk request.
///
/// # Errors
/// 400 `invalidSyntax` when it is no bulk request, 413 when it has too many operations.
pub fn parse(_body: Value, _limits: &Limits) -> Result<BulkRequest, ScimError> {
    Err(ScimError::not_implemented("bulk"))
}

/// The bulkIds that `data` refers to, each once, in order of appearance.
pub fn bulk_ids_referenced(_data: &Value) -> Vec<String> {
    Vec::new()
}

/// Put ids in the place of the references to bulkIds that `resolve` knows.
pub fn replace_bulk_ids(_data: &mut Value, _resolve: &dyn Fn(&str) -> Option<Uuid>) {}
