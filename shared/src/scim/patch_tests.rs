use super::*;
use crate::scim::schema::{ENTERPRISE_USER, ROLLCALL_USER};
use crate::scim::{ScimType, parse_resource};
use serde_json::json;

pub(super) fn jane() -> Document {
    let body = json!({
        "userName": "jane", "title": "Lead", "name": {"givenName": "Jane", "familyName": "Doe"},
        "emails": [
            {"value": "jane@work.example", "type": "work", "primary": true},
            {"value": "jane@home.example", "type": "home"},
        ],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "boss", "displayName": "Boss"}},
    });
    let body = parse_resource(Rules::default(), ResourceType::User, body).unwrap();
    Document::clone(&body.document)
}

pub(super) fn patched(kind: ResourceType, current: &Document, body: Value) -> Result<Patched, ScimError> {
    Patch::parse(Rules::default(), kind, body)?.apply(current)
}

fn operated(operations: Value) -> Result<Value, ScimError> {
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    patched(ResourceType::User, &jane(), body).map(|patched| Value::Object(patched.document.0))
}

fn refused(operations: Value) -> Option<ScimType> {
    let error = operated(operations.clone()).expect_err(&operations.to_string());
    assert_eq!(error.status, 400);
    error.scim_type
}

#[test]
fn apply_without_path_merges_attributes_and_complex_values() {
    let user =
        operated(json!([{"op": "replace", "value": {"active": false, "NAME": {"givenName": "J"}}}])).unwrap();
    assert_eq!(user["active"], false);
    assert_eq!(user["name"], json!({"givenName": "J", "familyName": "Doe"}));
}

#[test]
fn apply_entra_op_case_and_boolean_text() {
    let user = operated(json!([{"op": "Replace", "path": "active", "value": "False"}])).unwrap();
    assert_eq!(user["active"], false);
    let user = operated(json!([{"op": "Add", "path": "title", "value": [{"$ref": null, "value": "Boss"}]}]))
        .unwrap();
    assert_eq!(user["title"], "Boss");
}

#[test]
fn apply_entra_dotted_and_urn_keys_inside_a_value_object() {
    let user = operated(json!([{"op": "replace", "value": {
        "name.givenName": "J",
        "emails[type eq \"work\"].value": "new@work.example",
        format!("{ENTERPRISE_USER}:employeeNumber"): "7",
        format!("{ENTERPRISE_USER}:manager"): "other",
        "urn:example:Custom:2.0:User:tag": "x",
    }}]))
    .unwrap();
    assert_eq!(user["name"]["givenName"], "J");
    assert_eq!(user["emails"][0]["value"], "new@work.example");
    assert_eq!(user[ENTERPRISE_USER]["employeeNumber"], "7");
    assert_eq!(user[ENTERPRISE_USER]["manager"], json!({"value": "other"}));
    assert_eq!(user["urn:example:Custom:2.0:User"]["tag"], "x");
}

#[test]
fn apply_entra_value_path_on_absent_element_creates_it() {
    for op in ["Add", "Replace"] {
        let path = r#"phoneNumbers[type eq "mobile"].value"#;
        let user = operated(json!([{"op": op, "path": path, "value": "123"}])).unwrap();
        assert_eq!(user["phoneNumbers"], json!([{"type": "mobile", "value": "123"}]));
        let user =
            operated(json!([{"op": op, "path": "roles[primary eq \"True\"].value", "value": "r"}])).unwrap();
        assert_eq!(user["roles"], json!([{"primary": true, "value": "r"}]));
    }
}

#[test]
fn apply_value_path_that_describes_no_element_is_no_target() {
    for path in [
        r#"emails[value eq "x"].type"#,
        r#"emails[type ne "work" and type ne "home"]"#,
        "emails[not (value pr)]",
    ] {
        let value = json!({"value": "v"});
        assert_eq!(
            refused(json!([{"op": "replace", "path": path, "value": value}])),
            Some(ScimType::NoTarget),
            "{path}"
        );
    }
    assert_eq!(
        refused(json!([{"op": "remove", "path": r#"emails[type eq "other"]"#}])),
        Some(ScimType::NoTarget)
    );
    assert_eq!(refused(json!([{"op": "remove"}])), Some(ScimType::NoTarget));
}

#[test]
fn apply_value_path_on_matching_elements() {
    let user = operated(json!([{"op": "replace", "path": r#"emails[type eq "work"].value"#, "value": "n"}]))
        .unwrap();
    assert_eq!(
        user["emails"][0],
        json!({"value": "n", "type": "work", "primary": true})
    );
    let user =
        operated(json!([{"op": "replace", "path": r#"emails[type eq "work"]"#, "value": {"value": "n"}}]))
            .unwrap();
    assert_eq!(user["emails"][0], json!({"value": "n", "type": "work"}));
    let user = operated(json!([{"op": "remove", "path": r#"emails[value ew "home.example"]"#}])).unwrap();
    assert_eq!(user["emails"].as_array().unwrap().len(), 1);
    let user = operated(json!([{"op": "remove", "path": r#"emails[type eq "work"].primary"#}])).unwrap();
    assert_eq!(
        user["emails"][0],
        json!({"value": "jane@work.example", "type": "work"})
    );
}

#[test]
fn apply_multi_valued_add_replace_remove() {
    let add = json!([{"op": "add", "path": "emails", "value": [
        {"value": "jane@home.example", "type": "home"}, {"value": "x", "primary": true}]}]);
    let emails = operated(add).unwrap()["emails"].clone();
    assert_eq!(emails.as_array().unwrap().len(), 3);
    assert_eq!(
        (&emails[0]["primary"], &emails[2]["primary"]),
        (&json!(false), &json!(true))
    );
    let user = operated(json!([{"op": "replace", "path": "emails", "value": [{"value": "x"}]}])).unwrap();
    assert_eq!(user["emails"], json!([{"value": "x"}]));
    let user =
        operated(json!([{"op": "remove", "path": "emails", "value": [{"value": "JANE@work.example"}]}]))
            .unwrap();
    assert_eq!(user["emails"].as_array().unwrap().len(), 1);
    assert_eq!(
        operated(json!([{"op": "remove", "path": "emails"}]))
            .unwrap()
            .get("emails"),
        None
    );
    let user = operated(json!([{"op": "replace", "path": "emails.type", "value": "x"}])).unwrap();
    assert_eq!(
        (&user["emails"][0]["type"], &user["emails"][1]["type"]),
        (&json!("x"), &json!("x"))
    );
}

#[test]
fn apply_null_replaces_with_nothing_and_adds_nothing() {
    let user = operated(json!([
        {"op": "replace", "path": "title", "value": null},
        {"op": "replace", "value": {"emails": [], "name": {"givenName": null}}},
    ]))
    .unwrap();
    assert_eq!((user.get("title"), user.get("emails")), (None, None));
    assert_eq!(user["name"], json!({"familyName": "Doe"}));
    assert_eq!(
        operated(json!([{"op": "add", "value": {"title": null}}])).unwrap()["title"],
        "Lead"
    );
}

#[test]
fn apply_manager_by_every_path() {
    for (path, value) in [
        ("manager", json!("m")),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            json!([{"value": "m"}]),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            json!("m"),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({"manager": "m"}),
        ),
    ] {
        let body = json!({"Operations": [{"op": "add", "path": path, "value": value}]});
        let patched = patched(ResourceType::User, &jane(), body).unwrap();
        assert!(
            patched.asserted.manager && !patched.asserted.additional_managers,
            "{path}"
        );
        assert_eq!(
            patched.document.0[ENTERPRISE_USER]["manager"],
            json!({"value": "m"}),
            "{path}"
        );
        assert_eq!(patched.document.0[ENTERPRISE_USER]["department"], "Sales");
    }
    let body = json!({"Operations": [{"op": "remove", "path": "manager"}]});
    let removed = patched(ResourceType::User, &jane(), body).unwrap();
    assert!(removed.asserted.manager);
    assert_eq!(
        removed.document.0[ENTERPRISE_USER],
        json!({"department": "Sales"})
    );
    let body = json!({"Operations": [{"op": "add", "path": "title", "value": "x"}]});
    assert_eq!(
        patched(ResourceType::User, &jane(), body).unwrap().asserted,
        Assertions::default()
    );
}

#[test]
fn apply_additional_managers_add_and_remove_one() {
    let path = format!("{ROLLCALL_USER}:additionalManagers");
    let user = operated(json!([
        {"op": "replace", "path": path, "value": "a, b"},
        {"op": "add", "path": "additionalManagers", "value": ["b", "c"]},
        {"op": "remove", "path": format!("{path}[value eq \"A\"]")},
    ]))
    .unwrap();
    assert_eq!(
        user[ROLLCALL_USER]["additionalManagers"],
        json!([{"value": "b"}, {"value": "c"}])
    );
}

#[test]
fn apply_extension_as_a_whole() {
    let user = operated(json!([{"op": "remove", "path": ENTERPRISE_USER}])).unwrap();
    assert_eq!(user.get(ENTERPRISE_USER), None);
    let user = operated(json!([{"op": "add", "path": "urn:x:Custom", "value": {"a b": 1}}])).unwrap();
    assert_eq!(user["urn:x:Custom"], json!({"a b": 1}));
}

#[test]
fn apply_what_cannot_be_changed_is_mutability() {
    for path in ["id", "meta.created", "groups", "manager.displayName"] {
        assert_eq!(
            refused(json!([{"op": "replace", "path": path, "value": "x"}])),
            Some(ScimType::Mutability),
            "{path}"
        );
    }
    assert_eq!(
        refused(json!([{"op": "remove", "path": "userName"}])),
        Some(ScimType::Mutability)
    );
    let user = operated(
        json!([{"op": "replace", "value": {"id": "x", "groups": [], "schemas": [], "password": "p"}}]),
    );
    assert_eq!(user.unwrap(), Value::Object(jane().0));
}

#[test]
fn apply_unknown_path_is_invalid_path_but_fields_of_the_directory_are_taken() {
    for path in [
        "nonsense",
        "name.nonsense",
        "title.value",
        r#"title[value eq "x"]"#,
    ] {
        assert_eq!(
            refused(json!([{"op": "add", "path": path, "value": "x"}])),
            Some(ScimType::InvalidPath),
            "{path}"
        );
    }
    assert_eq!(
        operated(json!([{"op": "add", "path": "level", "value": "L3"}])).unwrap()["level"],
        "L3"
    );
    let custom = format!("{ENTERPRISE_USER}:Shirt size");
    assert_eq!(
        operated(json!([{"op": "add", "path": custom, "value": "M"}])).unwrap()[ENTERPRISE_USER]["Shirt size"],
        "M"
    );
}

#[test]
fn apply_wrong_types_are_invalid_value() {
    for (path, value) in [
        ("active", json!("x")),
        ("title", json!({})),
        ("emails", json!("x")),
        ("userName", json!("")),
    ] {
        assert_eq!(
            refused(json!([{"op": "replace", "path": path, "value": value}])),
            Some(ScimType::InvalidValue),
            "{path}"
        );
    }
    assert_eq!(
        refused(json!([{"op": "add", "path": "title"}])),
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn apply_one_failing_operation_fails_all_and_leaves_the_input() {
    let before = jane();
    let body = json!({"Operations": [{"op": "replace", "path": "title", "value": "x"}, {"op": "add", "path": "no", "value": 1}]});
    assert!(patched(ResourceType::User, &before, body).is_err());
    assert_eq!(before, jane());
}

#[test]
fn parse_body_that_is_no_patch_is_invalid_syntax() {
    for body in [
        json!([]),
        json!({}),
        json!({"schemas": [PATCH_OP]}),
        json!({"Operations": []}),
        json!({"Operations": [1]}),
        json!({"Operations": [{"op": "move", "path": "a"}]}),
    ] {
        let error = Patch::parse(Rules::default(), ResourceType::User, body).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn apply_leapsome_plain_body_replaces_the_attributes_it_names() {
    let body =
        json!({"title": "CEO", "active": true, "manager": "m@x", ENTERPRISE_USER: {"department": "Board"}});
    let patched = patched(ResourceType::User, &jane(), body).unwrap();
    assert_eq!(
        (&patched.document.0["title"], &patched.document.0["userName"]),
        (&json!("CEO"), &json!("jane"))
    );
    assert_eq!(
        patched.document.0[ENTERPRISE_USER],
        json!({"department": "Board", "manager": {"value": "m@x"}})
    );
}

#[test]
fn apply_leapsome_group_members_are_added_unless_replaced() {
    let group = Document(json!({"displayName": "g"}).as_object().unwrap().clone());
    let member = || {
        vec![Member {
            value: "a".into(),
            attributes: None,
        }]
    };
    let added = patched(ResourceType::Group, &group, json!({"members": ["a"]})).unwrap();
    assert_eq!(added.members, [MemberOp::Add(member())]);
    let body = json!({"displayName": "h", "members": [{"value": "a"}], "replaceMembers": true});
    let replaced = patched(ResourceType::Group, &group, body).unwrap();
    assert_eq!(replaced.members, [MemberOp::Replace(member())]);
    assert_eq!(Value::Object(replaced.document.0), json!({"displayName": "h"}));
}

#[test]
fn apply_okta_group_rename_ignores_the_id_and_swaps_members_in_one_request() {
    let group = Document(json!({"displayName": "g"}).as_object().unwrap().clone());
    let body = json!({"Operations": [
        {"op": "replace", "value": {"id": "abf4dd94", "displayName": "h"}},
        {"op": "remove", "path": r#"members[value eq "a"]"#},
        {"op": "add", "path": "members", "value": [{"value": "b", "display": "B"}]},
    ]});
    let patched = patched(ResourceType::Group, &group, body).unwrap();
    assert_eq!(Value::Object(patched.document.0), json!({"displayName": "h"}));
    assert!(matches!(
        patched.members.as_slice(),
        [MemberOp::Remove(_), MemberOp::Add(_)]
    ));
}

#[test]
fn apply_what_names_no_manager_leaves_none_and_keeps_the_one_there_is() {
    let path = |sub: &str| format!("{ENTERPRISE_USER}:manager.{sub}");
    let nobody = json!([
        {"op": "remove", "path": path("value")},
        {"op": "add", "value": {path("since"): "2024-01-01"}},
    ]);
    assert_eq!(
        operated(nobody).unwrap()[ENTERPRISE_USER],
        json!({"department": "Sales"})
    );
    let boss = json!([{"op": "add", "value": {path("since"): "2024-01-01"}}]);
    assert_eq!(
        operated(boss).unwrap()[ENTERPRISE_USER]["manager"],
        json!({"value": "boss", "since": "2024-01-01"})
    );
}
