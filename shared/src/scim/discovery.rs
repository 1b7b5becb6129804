//! Discovery documents (RFC 7644 §4). `base` is the URL of the SCIM root, without a trailing slash.

use super::Limits;
use serde_json::Value;

/// `/ServiceProviderConfig`
pub fn service_provider_config(_base: &str, _limits: &Limits) -> Value {
    Value::Null
}

/// `/Schemas`
pub fn schemas(_base: &str) -> Value {
    Value::Null
}

/// `/Schemas/{urn}`
pub fn schema(_base: &str, _urn: &str) -> Option<Value> {
    None
}

/// `/ResourceTypes`
pub fn resource_types(_base: &str) -> Value {
    Value::Null
}

/// `/ResourceTypes/{name}`
pub fn resource_type(_base: &str, _name: &str) -> Option<Value> {
    None
}
