//! Properties of PATCH requests and bodies, whatever is in them.

use super::tests::{jane, patched};
use super::*;
use crate::scim::parse_resource;
use crate::scim::schema::{ENTERPRISE_USER, ROLLCALL_USER};
use proptest::prelude::*;
use serde_json::json;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["", "True", "work", "a@b", "\u{0}", "é, x"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let keys = vec![
        "userName",
        "name",
        "givenName",
        "name.givenName",
        "emails",
        "value",
        "type",
        "primary",
        "members",
        "manager",
        "additionalManagers",
        "active",
        "groups",
        "x y",
        "a.b",
        "urn:a:b",
        "urn:",
        "",
        "emails[type eq \"work\"].value",
        ENTERPRISE_USER,
        ROLLCALL_USER,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "displayName",
        "$ref",
        "level",
    ];
    prop::sample::select(keys).prop_map(str::to_owned)
}

fn any_path() -> impl Strategy<Value = Option<String>> {
    let filters = vec![
        "",
        "[type eq \"work\"]",
        "[value pr]",
        "[not (primary eq true)]",
        "[type eq null]",
        "[",
    ];
    let subs = vec!["", ".value", ".type", ".primary", ".givenName", "."];
    let path = (
        any_key(),
        prop::sample::select(filters),
        prop::sample::select(subs),
    );
    prop::option::of(path.prop_map(|(key, filter, sub)| format!("{key}{filter}{sub}")))
}

proptest! {
    #[test]
    fn apply_arbitrary_operations_never_panics_and_leaves_the_input(
        kind in prop::sample::select(ResourceType::ALL.to_vec()),
        body in any_json(),
        operations in prop::collection::vec((prop::sample::select(vec!["add", "replace", "Remove"]), any_path(), any_json()), 1..5),
    ) {
        let current = match parse_resource(Rules::default(), kind, body.clone()) {
            Ok(body) => Document::clone(&body.document),
            Err(_) => jane(),
        };
        let before = current.clone();
        let operations: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
            .collect();
        if let Ok(patched) = patched(kind, &current, json!({"Operations": operations})) {
            prop_assert!(validate(Rules::default(), kind, &patched.document, None).is_ok());
        }
        let _ = patched(kind, &current, body);
        prop_assert_eq!(before, current);
    }

    #[test]
    fn parse_resource_of_its_own_document_changes_nothing(body in any_json()) {
        if let Value::Object(mut body) = body {
            body.insert("userName".into(), "jane".into());
            if let Ok(first) = parse_resource(Rules::default(), ResourceType::User, Value::Object(body)) {
                let second = parse_resource(Rules::default(), ResourceType::User, Value::Object(first.document.0.clone()));
                prop_assert_eq!(second.map(|second| second.document), Ok(first.document));
            }
        }
    }
}
