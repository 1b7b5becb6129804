//! Errors as the protocol shows them (RFC 7644 §3.12).

use serde_json::{Value, json};

/// `scimType`: the detail error keyword of RFC 7644 §3.12, table 9, and of RFC 9865 §2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    // Keywords of RFC 9865 §2.1.
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    pub const ALL: [ScimType; 13] = [
        ScimType::InvalidFilter,
        ScimType::TooMany,
        ScimType::Uniqueness,
        ScimType::Mutability,
        ScimType::InvalidSyntax,
        ScimType::InvalidPath,
        ScimType::NoTarget,
        ScimType::InvalidValue,
        ScimType::InvalidVers,
        ScimType::Sensitive,
        ScimType::InvalidCursor,
        ScimType::ExpiredCursor,
        ScimType::InvalidCount,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::Uniqueness => "uniqueness",
            ScimType::Mutability => "mutability",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
            ScimType::InvalidVers => "invalidVers",
            ScimType::Sensitive => "sensitive",
            ScimType::InvalidCursor => "invalidCursor",
            ScimType::ExpiredCursor => "expiredCursor",
            ScimType::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal that the client is told about. `detail` names attributes, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    pub scim_type: Option<ScimType>,
    pub detail: String,
}

impl ScimError {
    pub fn new(status: u16, scim_type: Option<ScimType>, detail: impl Into<String>) -> ScimError {
        ScimError {
            status,
            scim_type,
            detail: detail.into(),
        }
    }

    /// 400 with a keyword.
    pub fn bad_request(scim_type: ScimType, detail: impl Into<String>) -> ScimError {
        ScimError::new(400, Some(scim_type), detail)
    }

    /// 400 `invalidValue`: a value is missing, of the wrong type or out of bounds.
    pub fn invalid_value(detail: impl Into<String>) -> ScimError {
        ScimError::bad_request(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`: the body's structure is not the one of the message.
    pub fn invalid_syntax(detail: impl Into<String>) -> ScimError {
        ScimError::bad_request(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> ScimError {
        ScimError::bad_request(ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> ScimError {
        ScimError::bad_request(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`: a path that matches nothing.
    pub fn no_target(detail: impl Into<String>) -> ScimError {
        ScimError::bad_request(ScimType::NoTarget, detail)
    }

    /// 400 `mutability`: a change of a read-only or immutable attribute.
    pub fn mutability(attribute: &str) -> ScimError {
        ScimError::bad_request(ScimType::Mutability, format!("{attribute} is read-only"))
    }

    /// 400 `mutability`: a change of an attribute that may be set once.
    pub fn immutable(attribute: &str) -> ScimError {
        let detail = format!("{attribute} is immutable: it has a value and keeps it");
        ScimError::bad_request(ScimType::Mutability, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> ScimError {
        ScimError::new(404, None, detail)
    }

    /// 409 `uniqueness`: another resource holds the value of this attribute.
    pub fn uniqueness(attribute: &str) -> ScimError {
        ScimError::new(
            409,
            Some(ScimType::Uniqueness),
            format!("the value of {attribute} is already in use"),
        )
    }

    /// 409 without keyword, such as a bulk operation that refers to a failed one.
    pub fn conflict(detail: impl Into<String>) -> ScimError {
        ScimError::new(409, None, detail)
    }

    /// 412: the `If-Match` precondition does not hold.
    pub fn precondition_failed() -> ScimError {
        ScimError::new(
            412,
            None,
            "the resource has changed since the version in If-Match",
        )
    }

    /// 413: over a limit that ServiceProviderConfig advertises.
    pub fn too_large(detail: impl Into<String>) -> ScimError {
        ScimError::new(413, None, detail)
    }

    /// 501.
    pub fn not_implemented(detail: impl Into<String>) -> ScimError {
        ScimError::new(501, None, detail)
    }

    /// The response body: `status` is a string.
    pub fn to_body(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.name().into();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_body_with_keyword_has_string_status_and_scim_type() {
        let body = ScimError::uniqueness("userName").to_body();
        assert_eq!(body["status"], "409");
        assert_eq!(body["scimType"], "uniqueness");
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("userName"))
        );
    }

    #[test]
    fn to_body_without_keyword_omits_scim_type() {
        assert!(
            ScimError::not_found("no such User")
                .to_body()
                .get("scimType")
                .is_none()
        );
    }
}
