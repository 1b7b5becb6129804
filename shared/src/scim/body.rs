//! Bodies of POST and PUT.

use super::edit::{Editor, Op, Origin, with_urns_as_defined};
use super::filter::AttributePath;
use super::validate::validate;
use super::value::refuse_nul;
use super::{Document, Member, MemberOp, ResourceType, Rules, ScimError};
use super::{declared, immutable, specified};
use serde_json::Value;
use std::sync::Arc;

/// Which link attributes a write asserted, whether or not their values changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assertions {
    pub manager: bool,
    pub additional_managers: bool,
}

/// What a POST or PUT asserts.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    rules: Rules,
    kind: ResourceType,
    pub document: Arc<Document>,
    /// Of a Group: `None` when the body has no `members`; null and `[]` are no members.
    pub members: Option<Vec<Member>>,
    pub asserted: Assertions,
    /// A PUT clears `active` when the body has none, instead of keeping it.
    pub clears_active: bool,
}

/// Read the body of a POST or PUT: client quirks absorbed, names canonical, types checked.
///
/// # Errors
/// 400 naming the attribute: `invalidSyntax` when the body is no object, `invalidValue` for a
/// missing required attribute or a value of the wrong type.
pub fn parse_resource(rules: Rules, kind: ResourceType, body: Value) -> Result<Body, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::invalid_syntax("the body is no JSON object"));
    };
    refuse_nul(&body)?;
    declared::resource(rules.dialect, kind, &body)?;
    let keeps_omitted = rules.dialect.put_keeps_omitted();
    let clears_active = !keeps_omitted
        || body
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case("active") && value.is_null());
    let mut editor = Editor::new(rules, kind, Document::default());
    editor.merge(Op::Replace, Origin::Body, None, body)?;
    let members = match editor.members.pop() {
        Some(MemberOp::Replace(members)) => Some(members),
        _ if kind == ResourceType::Group && !keeps_omitted => Some(Vec::new()),
        _ => None,
    };
    let asserted = editor.asserted;
    let document = editor.document();
    validate(rules, kind, &document, None)?;
    Ok(Body {
        rules,
        kind,
        document: Arc::new(document),
        members,
        asserted,
        clears_active,
    })
}

impl Body {
    /// The attributes that only a request returns and that this body has: the answer shows them
    /// (RFC 7643 §7).
    pub fn specified(&self) -> Vec<AttributePath> {
        specified::in_values(self.rules.schemas, &self.document.0)
    }

    /// This body as the replacement of `current` (PUT): `active` is kept when the body has none,
    /// and so is what no client can take away.
    ///
    /// # Errors
    /// 400 `mutability` for another value of an immutable attribute.
    pub fn replacing(mut self, current: &Document) -> Result<Body, ScimError> {
        let current = &*with_urns_as_defined(self.rules, current);
        let document = Arc::make_mut(&mut self.document);
        if !self.clears_active
            && !document.0.contains_key("active")
            && let Some(active) = current.0.get("active")
        {
            document.0.insert("active".to_owned(), active.clone());
        }
        immutable::carry_over(self.rules, self.kind, current, document);
        immutable::check(self.rules, self.kind, current, document)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, ROLLCALL_USER};
    use serde_json::json;

    fn user(body: Value) -> Body {
        parse_resource(Rules::default(), ResourceType::User, body).unwrap()
    }

    fn document(body: Value) -> Value {
        Value::Object(user(body).document.0.clone())
    }

    #[test]
    fn parse_resource_entra_user_is_canonical() {
        let custom = "urn:ietf:params:scim:schemas:extension:Custom:2.0:User";
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_USER, custom],
            "externalId": "anna", "UserName": "anna@example.com", "active": "True", "title": null,
            "displayName": "Anna Ö", "emails": [{"primary": true, "type": "work", "value": "anna@example.com"}],
            "meta": {"resourceType": "User"}, "name": {"formatted": "Anna Ö", "familyName": "Ö", "givenName": "Anna"},
            "roles": [], "phoneNumbers": [],
            ENTERPRISE_USER.to_lowercase(): {"department": "Sales", "manager": "boss@example.com", "Badge no": 5},
            custom: {"tag": "x"},
        });
        assert_eq!(
            document(body),
            json!({
                "externalId": "anna", "userName": "anna@example.com", "active": true, "displayName": "Anna Ö",
                "emails": [{"primary": true, "type": "work", "value": "anna@example.com"}],
                "name": {"formatted": "Anna Ö", "familyName": "Ö", "givenName": "Anna"},
                ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "boss@example.com"}, "Badge no": 5},
                custom: {"tag": "x"},
            })
        );
    }

    #[test]
    fn parse_resource_okta_put_drops_id_groups_password() {
        let body = json!({"id": "23a35c27", "userName": "a", "password": "secret", "groups": [], "Meta": {}});
        assert_eq!(document(body), json!({"userName": "a"}));
    }

    #[test]
    fn parse_resource_manager_shapes_all_lie_in_the_enterprise_extension() {
        for body in [
            json!({"userName": "a", "manager": "m"}),
            json!({"userName": "a", "manager": [{"value": "m"}]}),
            json!({"userName": "a", ENTERPRISE_USER: {"manager": {"value": "m"}}}),
            json!({"userName": "a", format!("{ENTERPRISE_USER}:manager"): "m"}),
        ] {
            let body = user(body);
            assert!(body.asserted.manager && !body.asserted.additional_managers);
            assert_eq!(body.document.0[ENTERPRISE_USER]["manager"], json!({"value": "m"}));
        }
        assert!(user(json!({"userName": "a", "manager": null})).asserted.manager);
        assert!(!user(json!({"userName": "a"})).asserted.manager);
    }

    #[test]
    fn parse_resource_additional_managers_lie_in_the_rollcall_extension() {
        for body in [
            json!({"userName": "a", "additionalManagers": "x, y"}),
            json!({"userName": "a", ENTERPRISE_USER: {"additionalManagers": ["x", "y"]}}),
            json!({"userName": "a", ROLLCALL_USER: {"additionalManagers": [{"value": "x"}, "y"]}}),
        ] {
            let body = user(body);
            assert!(body.asserted.additional_managers);
            assert_eq!(
                body.document.0[ROLLCALL_USER]["additionalManagers"],
                json!([{"value": "x"}, {"value": "y"}])
            );
            assert!(!body.document.0.contains_key(ENTERPRISE_USER));
        }
    }

    #[test]
    fn parse_resource_unknown_attributes_are_kept_as_sent() {
        let body = json!({"userName": "a", "level": 3, "startDate": "2024-01-01", "x.y": 1, "urn:x:y": {"b": {"c": null}}});
        assert_eq!(document(body.clone()), body);
    }

    #[test]
    fn parse_resource_unknown_urn_that_begins_another_does_not_swallow_it() {
        let body = json!({"userName": "a", "urn:x:y": {"b": 1}, "urn:x:y:z": {"c": 2}});
        assert_eq!(document(body.clone()), body);
    }

    #[test]
    fn parse_resource_missing_required_attribute_is_named() {
        for body in [json!({}), json!({"userName": null}), json!({"userName": "  "})] {
            assert!(
                parse_resource(Rules::default(), ResourceType::User, body)
                    .unwrap_err()
                    .detail
                    .contains("userName")
            );
        }
        assert!(
            parse_resource(Rules::default(), ResourceType::Group, json!({}))
                .unwrap_err()
                .detail
                .contains("displayName")
        );
        let error = parse_resource(Rules::default(), ResourceType::User, json!([])).unwrap_err();
        assert_eq!(error.scim_type, Some(crate::scim::ScimType::InvalidSyntax));
    }

    #[test]
    fn parse_resource_two_primaries_or_long_manager_is_refused() {
        let emails = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        let error = parse_resource(
            Rules::default(),
            ResourceType::User,
            json!({"userName": "a", "emails": emails}),
        )
        .unwrap_err();
        assert!(error.detail.contains("emails"));
        let body = json!({"userName": "a", "manager": "m".repeat(600)});
        assert!(
            parse_resource(Rules::default(), ResourceType::User, body)
                .unwrap_err()
                .detail
                .contains("manager")
        );
        let body = json!({"userName": "a", "nickName": "x\0"});
        assert!(
            parse_resource(Rules::default(), ResourceType::User, body)
                .unwrap_err()
                .detail
                .contains("nickName")
        );
    }

    #[test]
    fn parse_resource_group_members_absent_null_and_given() {
        let members = |body| {
            parse_resource(Rules::default(), ResourceType::Group, body)
                .unwrap()
                .members
        };
        assert_eq!(members(json!({"displayName": "g"})), None);
        assert_eq!(
            members(json!({"displayName": "g", "members": null})),
            Some(vec![])
        );
        assert_eq!(
            members(json!({"displayName": "g", "Members": ["a"]})).unwrap()[0].value,
            "a"
        );
    }

    #[test]
    fn replacing_body_without_active_keeps_it_and_null_clears_it() {
        let current = Document(json!({"active": false}).as_object().unwrap().clone());
        let put = |body| {
            user(body)
                .replacing(&current)
                .unwrap()
                .document
                .0
                .get("active")
                .cloned()
        };
        assert_eq!(put(json!({"userName": "a"})), Some(json!(false)));
        assert_eq!(put(json!({"userName": "a", "active": true})), Some(json!(true)));
        assert_eq!(put(json!({"userName": "a", "active": null})), None);
    }
}
