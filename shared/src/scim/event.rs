//! Events of the SCIM profile for security event tokens (RFC 9967): the claims, unsigned.

use super::outcome::OperationOutcome;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The event that an asynchronous request is complete (RFC 9967 §2.5.1.3).
pub const ASYNC_RESPONSE: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// The completion of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// What `Set-Txn` said; for an operation of a bulk request with a colon and its index.
    pub txn: String,
    pub outcome: OperationOutcome,
    /// The resource's `externalId`, where known.
    pub external_id: Option<String>,
    pub issued_at: DateTime<Utc>,
}

impl Completion {
    /// `jti`: always the same for the same completion, so that a receiver tells a repetition
    /// from a second event. It is derived from `txn`, which is unique by itself.
    pub fn token_id(&self) -> String {
        let digest = Sha256::digest(format!("{ASYNC_RESPONSE} {}", self.txn));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The claims (RFC 8417 §2.2, RFC 9967 §2.1 and §2.2). `sub` is never among them, and the
    /// subject is no part of the event. `base` is the SCIM root.
    pub fn claims(&self, issuer: &str, base: &str) -> Value {
        let mut subject = json!({ "format": "scim", "uri": self.outcome.target.path() });
        if let Some(external_id) = &self.external_id {
            subject["externalId"] = external_id.as_str().into();
        }
        let mut event = self.outcome.to_json(base);
        // An operation without a method is one more way in which the request itself was wrong.
        if self.outcome.method.is_none() {
            event["method"] = "POST".into();
        }
        json!({
            "iss": issuer,
            "iat": self.issued_at.timestamp(),
            "jti": self.token_id(),
            "txn": self.txn,
            "sub_id": subject,
            "events": { ASYNC_RESPONSE: event },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::bulk::Method;
    use crate::scim::{ResourceType, ScimError};
    use uuid::Uuid;

    const BASE: &str = "https://scim.example.com/scim/v2";

    fn completion(outcome: OperationOutcome) -> Value {
        let completion = Completion {
            txn: "734f0614:0".to_owned(),
            outcome,
            external_id: None,
            issued_at: DateTime::from_timestamp(1_458_505_044, 0).unwrap(),
        };
        completion.claims("https://scim.example.com", BASE)
    }

    fn event(claims: &Value) -> &Value {
        &claims["events"][ASYNC_RESPONSE]
    }

    /// RFC 9967 §2.1: the subject is in the top-level claim "sub_id" with the format "scim" and the resource's relative path, never in "sub" and never in the event.
    #[test]
    fn claims_name_the_subject_at_the_top_and_nowhere_else() {
        let id = Uuid::from_u128(7);
        let claims = completion(OperationOutcome::accepted(Method::Put, ResourceType::User, id, 3));
        assert_eq!(
            claims["sub_id"],
            json!({ "format": "scim", "uri": format!("/Users/{id}") })
        );
        assert!(claims.get("sub").is_none());
        assert!(event(&claims).get("sub_id").is_none() && event(&claims).get("sub").is_none());
    }

    /// RFC 9967 §2.5.1.3: the payload of the completion event is that of a single operation of a bulk response: method, version, status as a string, and the location.
    #[test]
    fn event_of_a_replaced_user_is_a_bulk_response_operation() {
        let id = Uuid::from_u128(7);
        let claims = completion(OperationOutcome::accepted(Method::Put, ResourceType::User, id, 3));
        let expected = json!({
            "method": "PUT",
            "location": format!("{BASE}/Users/{id}"),
            "version": "W/\"3\"",
            "status": "200",
        });
        assert_eq!(*event(&claims), expected);
        assert_eq!(claims["iat"], 1_458_505_044);
        assert_eq!(claims["txn"], "734f0614:0");
    }

    #[test]
    fn event_of_a_deleted_group_has_no_version() {
        let claims = completion(OperationOutcome::accepted(
            Method::Delete,
            ResourceType::Group,
            Uuid::nil(),
            3,
        ));
        assert_eq!(event(&claims)["status"], "204");
        assert!(event(&claims).get("version").is_none());
    }

    /// RFC 9967 §2.5.1.3: the event of an operation that failed has a "response" with the attributes of a SCIM error.
    #[test]
    fn event_of_a_refused_creation_has_the_error_and_no_location() {
        let resource = Some((ResourceType::User, Uuid::from_u128(7)));
        let refused = OperationOutcome::refused(
            Some("POST".to_owned()),
            resource,
            &ScimError::uniqueness("userName"),
        );
        let claims = completion(refused.with_bulk_id(Some("a".to_owned())));
        let event = event(&claims);
        assert_eq!(event["status"], "409");
        assert_eq!(event["bulkId"], "a");
        assert_eq!(event["response"]["status"], "409");
        assert_eq!(event["response"]["scimType"], "uniqueness");
        assert_eq!(
            event["response"]["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
        assert!(event.get("location").is_none());
        assert_eq!(claims["sub_id"]["uri"], "/Users");
    }

    #[test]
    fn event_of_an_unreadable_operation_is_about_the_bulk_request() {
        let refused = OperationOutcome::refused(None, None, &ScimError::invalid_syntax("no object"));
        let claims = completion(refused);
        assert_eq!(claims["sub_id"]["uri"], "/Bulk");
        assert_eq!(event(&claims)["method"], "POST");
    }

    #[test]
    fn token_id_depends_on_the_operation_alone() {
        let of = |txn: &str, status| {
            let error = ScimError::new(status, None, "");
            let outcome = OperationOutcome::refused(None, None, &error);
            let issued_at = DateTime::from_timestamp(i64::from(status), 0).unwrap();
            Completion {
                txn: txn.to_owned(),
                outcome,
                external_id: None,
                issued_at,
            }
            .token_id()
        };
        assert_eq!(of("t:0", 400), of("t:0", 409));
        assert_ne!(of("t:0", 400), of("t:1", 400));
        assert_eq!(of("t:0", 400).len(), 32);
    }
}
