//! What became of one operation, as a bulk response tells it (RFC 7644 §3.7.3) and, word for
//! word the same, a completion event (RFC 9967 §2.5.1.3).

use super::bulk::Method;
use super::{ResourceType, ScimError, etag};
use serde_json::{Value, json};
use uuid::Uuid;

/// One operation and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationOutcome {
    /// As sent, in upper case; `None` where the operation named none.
    pub method: Option<String>,
    pub bulk_id: Option<String>,
    /// What it is about, as far as it got.
    pub target: Target,
    /// The resource's, where it was accepted and is still there.
    pub version: Option<i64>,
    pub status: u16,
    /// The SCIM error body of an operation that was refused.
    pub error: Option<Value>,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Resource(ResourceType, Uuid),
    /// A resource that was never created.
    Endpoint(ResourceType),
    /// The operation's path could not be read.
    Unknown,
}

impl Target {
    /// The path below the base URL: of the resource, of the endpoint that would have created
    /// it, or of the one the request came to.
    pub fn path(&self) -> String {
        match self {
            Target::Resource(kind, id) => format!("{}/{id}", kind.endpoint()),
            Target::Endpoint(kind) => kind.endpoint().to_owned(),
            Target::Unknown => "/Bulk".to_owned(),
        }
    }
}

impl OperationOutcome {
    /// An accepted operation; `version` is that of the resource it left.
    pub fn accepted(method: Method, kind: ResourceType, id: Uuid, version: i64) -> OperationOutcome {
        let deleted = method == Method::Delete;
        OperationOutcome {
            method: Some(method.name().to_owned()),
            bulk_id: None,
            target: Target::Resource(kind, id),
            version: (!deleted).then_some(version),
            status: match method {
                Method::Post => 201,
                Method::Put | Method::Patch => 200,
                Method::Delete => 204,
            },
            error: None,
        }
    }

    /// An operation that was refused. A POST that failed created nothing that could have a
    /// location.
    pub fn refused(
        method: Option<String>,
        resource: Option<(ResourceType, Uuid)>,
        error: &ScimError,
    ) -> OperationOutcome {
        let creates = method.as_deref() == Some(Method::Post.name());
        OperationOutcome {
            bulk_id: None,
            target: match resource {
                Some((kind, _)) if creates => Target::Endpoint(kind),
                Some((kind, id)) => Target::Resource(kind, id),
                None => Target::Unknown,
            },
            method,
            version: None,
            status: error.status,
            error: Some(error.to_body()),
        }
    }

    pub fn with_bulk_id(self, bulk_id: Option<String>) -> OperationOutcome {
        OperationOutcome { bulk_id, ..self }
    }

    /// The operation of a bulk response; `base` is the SCIM root.
    pub fn to_json(&self, base: &str) -> Value {
        let mut operation = json!({});
        if let Some(method) = &self.method {
            operation["method"] = method.as_str().into();
        }
        if let Some(bulk_id) = &self.bulk_id {
            operation["bulkId"] = bulk_id.as_str().into();
        }
        if let Target::Resource(..) = self.target {
            operation["location"] = format!("{base}{}", self.target.path()).into();
        }
        if let Some(version) = self.version {
            operation["version"] = etag(version).into();
        }
        operation["status"] = self.status.to_string().into();
        if let Some(error) = &self.error {
            operation["response"] = error.clone();
        }
        operation
    }
}
