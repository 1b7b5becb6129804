//! Bulk requests (RFC 7644 §3.7).

mod references;

pub use references::{bulk_ids_referenced, replace_bulk_ids};

use super::{Dialect, Limits, Object, ResourceType, ScimError, declared};
use serde_json::Value;
use std::collections::HashSet;

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

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// Read a bulk request.
///
/// # Errors
/// 400 `invalidSyntax` when it is no bulk request, 413 when it has too many operations.
pub fn parse(dialect: Dialect, body: Value, limits: &Limits) -> Result<BulkRequest, ScimError> {
    let Value::Object(mut body) = body else {
        return Err(ScimError::invalid_syntax("the body is no JSON object"));
    };
    declared::message(dialect, &body, BULK_REQUEST)?;
    let fail_on_errors = match take(&mut body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(value) => match value.as_u64() {
            Some(0) => None,
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None => return Err(ScimError::invalid_syntax("failOnErrors must be a whole number")),
        },
    };
    let Some(Value::Array(operations)) = take(&mut body, "Operations") else {
        return Err(ScimError::invalid_syntax("Operations must be an array"));
    };
    if operations.len() > limits.bulk_operations {
        return Err(ScimError::too_large(format!(
            "the request has more than {} operations",
            limits.bulk_operations
        )));
    }
    let mut seen = HashSet::new();
    let operations = operations.into_iter().map(|operation| {
        let operation = operation_of(dialect, operation)?;
        match &operation.bulk_id {
            Some(bulk_id) if operation.method == Method::Post && !seen.insert(bulk_id.clone()) => {
                Err(BadOperation {
                    method: Some(operation.method.name().to_owned()),
                    bulk_id: operation.bulk_id.clone(),
                    error: ScimError::invalid_value("bulkId is used by an earlier operation"),
                })
            }
            _ => Ok(operation),
        }
    });
    Ok(BulkRequest {
        fail_on_errors,
        operations: operations.collect(),
    })
}

fn operation_of(dialect: Dialect, operation: Value) -> Result<Operation, BadOperation> {
    let bad = |method: Option<String>, bulk_id: Option<String>, error: ScimError| BadOperation {
        method,
        bulk_id,
        error,
    };
    let Value::Object(mut operation) = operation else {
        return Err(bad(
            None,
            None,
            ScimError::invalid_syntax("the operation is no object"),
        ));
    };
    let sent_method = take(&mut operation, "method").and_then(|method| {
        let method = method.as_str()?;
        Some(match dialect.folds_method() {
            true => method.to_uppercase(),
            false => method.to_owned(),
        })
    });
    let bulk_id = take(&mut operation, "bulkId").and_then(|id| id.as_str().map(str::to_owned));
    let refuse = |error| bad(sent_method.clone(), bulk_id.clone(), error);
    let method = [Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| sent_method.as_deref() == Some(method.name()))
        .ok_or_else(|| {
            refuse(ScimError::invalid_syntax(
                "method must be POST, PUT, PATCH or DELETE",
            ))
        })?;
    let path = take(&mut operation, "path");
    let target = path
        .as_ref()
        .and_then(Value::as_str)
        .and_then(target_of)
        .ok_or_else(|| refuse(ScimError::invalid_path("path names no endpoint of resources")))?;
    match (&target, method) {
        (Target::Create(_), Method::Post) if bulk_id.as_deref().is_none_or(str::is_empty) => {
            return Err(refuse(ScimError::invalid_syntax("bulkId is required with POST")));
        }
        (Target::Create(_), Method::Post) => {}
        (Target::Create(_), _) => return Err(refuse(ScimError::invalid_path("path must name a resource"))),
        (Target::Resource(..), Method::Post) => {
            return Err(refuse(ScimError::invalid_path(
                "path must be an endpoint with POST",
            )));
        }
        (Target::Resource(..), _) => {}
    }
    let data = take(&mut operation, "data").filter(|data| !data.is_null());
    if data.is_none() && method != Method::Delete {
        return Err(refuse(ScimError::invalid_syntax("data is missing")));
    }
    let version = take(&mut operation, "version").and_then(|version| version.as_str().map(str::to_owned));
    Ok(Operation {
        method,
        target,
        bulk_id,
        version,
        data,
    })
}

/// `/Users`, `/Users/{id}` or `/Users/bulkId:{id}`, perhaps after a base URL.
fn target_of(path: &str) -> Option<Target> {
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or(path)
        .trim_end_matches('/');
    let kind_of = |segment: &str| {
        let mut kinds = ResourceType::ALL.into_iter();
        kinds.find(|kind| kind.endpoint()[1..].eq_ignore_ascii_case(segment))
    };
    let (rest, last) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(kind) = kind_of(last) {
        return Some(Target::Create(kind));
    }
    let kind = kind_of(rest.rsplit('/').next().unwrap_or(rest))?;
    let id = match references::bulk_id_of(last) {
        Some(bulk_id) => IdOrBulkId::BulkId(bulk_id.to_owned()),
        None => IdOrBulkId::Id(last.to_owned()),
    };
    Some(Target::Resource(kind, id))
}

/// Take the value of a key, whatever its case.
fn take(object: &mut Object, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.remove(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(operation: Value) -> Result<Operation, BadOperation> {
        let mut request = parse(
            Dialect::Tolerant,
            json!({"Operations": [operation]}),
            &Limits::default(),
        )
        .unwrap();
        request.operations.remove(0)
    }

    #[test]
    fn parse_operations_of_every_method() {
        let post = one(json!({"method": "post", "path": "/Users", "bulkId": "q", "data": {}})).unwrap();
        assert_eq!(
            (post.method, post.target),
            (Method::Post, Target::Create(ResourceType::User))
        );
        let patch =
            one(json!({"method": "PATCH", "path": "/Groups/bulkId:q", "data": {}, "version": "W/\"1\""}))
                .unwrap();
        assert_eq!(
            patch.target,
            Target::Resource(ResourceType::Group, IdOrBulkId::BulkId("q".into()))
        );
        assert_eq!(patch.version.as_deref(), Some("W/\"1\""));
        let delete = one(json!({"method": "DELETE", "path": "https://x/scim/v2/Users/b7"})).unwrap();
        assert_eq!(
            delete.target,
            Target::Resource(ResourceType::User, IdOrBulkId::Id("b7".into()))
        );
    }

    #[test]
    fn parse_malformed_operation_fails_alone_and_echoes_what_it_can() {
        for operation in [
            json!(1),
            json!({"method": "GET", "path": "/Users/1"}),
            json!({"method": "POST", "path": "/Users", "data": {}}),
            json!({"method": "POST", "path": "/Users", "bulkId": "q"}),
            json!({"method": "POST", "path": "/Users/1", "bulkId": "q", "data": {}}),
            json!({"method": "PUT", "path": "/Users", "data": {}}),
            json!({"method": "PUT", "path": "/Devices/1", "data": {}}),
            json!({"method": "PATCH", "path": 1, "data": {}}),
        ] {
            assert_eq!(
                one(operation.clone())
                    .expect_err(&operation.to_string())
                    .error
                    .status,
                400
            );
        }
        let bad = one(json!({"method": "GET", "path": "/Users", "bulkId": "q"})).unwrap_err();
        assert_eq!(
            (bad.method.as_deref(), bad.bulk_id.as_deref()),
            (Some("GET"), Some("q"))
        );
    }

    #[test]
    fn parse_method_in_lower_case_is_refused_by_the_strict_dialect() {
        let request = |method: &str| {
            let operation = json!({"method": method, "path": "/Users/b7"});
            let body = json!({"schemas": [BULK_REQUEST], "Operations": [operation]});
            let mut request = parse(Dialect::Strict, body, &Limits::default()).unwrap();
            request.operations.remove(0)
        };
        assert!(request("DELETE").is_ok());
        let bad = request("delete").unwrap_err();
        assert_eq!(bad.method.as_deref(), Some("delete"));
        assert_eq!(bad.error.scim_type, Some(crate::scim::ScimType::InvalidSyntax));
    }

    #[test]
    fn parse_repeated_bulk_id_refuses_the_later_operation() {
        let post = json!({"method": "POST", "path": "/Users", "bulkId": "q", "data": {}});
        let request = parse(
            Dialect::Tolerant,
            json!({"failOnErrors": 2, "operations": [post, post]}),
            &Limits::default(),
        )
        .unwrap();
        assert!(request.operations[0].is_ok() && request.operations[1].is_err());
        assert_eq!(request.fail_on_errors, Some(2));
    }

    #[test]
    fn parse_what_is_no_bulk_request_or_too_large() {
        assert_eq!(
            parse(Dialect::Tolerant, json!([]), &Limits::default())
                .unwrap_err()
                .status,
            400
        );
        assert_eq!(
            parse(Dialect::Tolerant, json!({}), &Limits::default())
                .unwrap_err()
                .status,
            400
        );
        let limits = Limits {
            bulk_operations: 1,
            ..Limits::default()
        };
        assert_eq!(
            parse(Dialect::Tolerant, json!({"Operations": [1, 2]}), &limits)
                .unwrap_err()
                .status,
            413
        );
    }
}
