use super::*;
use crate::projection::{Document, ProjectedPerson, project_person};
use crate::scim::schema::SchemaSet;
use serde_json::json;

/// A mapping of one rule.
fn one(rule: Value) -> Value {
    json!({ "rules": [rule] })
}

fn faults(mapping: &Value) -> Vec<(String, String)> {
    let checked = Mapping::read(mapping).and_then(|mapping| mapping.check(SchemaSet::default()));
    let faults = checked.err().unwrap_or_default();
    faults
        .into_iter()
        .map(|fault| (fault.rule, fault.reason))
        .collect()
}

fn project(mapping: &Value, document: Value) -> ProjectedPerson {
    let mapping = Mapping::read(mapping).expect("a mapping");
    let compiled = mapping.check(SchemaSet::default()).expect("without fault");
    project_person(
        &compiled,
        &Document(document.as_object().expect("an object").clone()),
    )
}

#[test]
fn default_mapping_has_no_fault_and_reads_back_as_written() {
    let written: Value = serde_json::from_str(Mapping::DEFAULT_JSON).unwrap();
    let mapping = Mapping::read(&written).unwrap();
    assert_eq!(&mapping, Mapping::default_mapping());
    assert_eq!(
        mapping.check(SchemaSet::default()).as_ref(),
        Ok(&*Compiled::default_mapping())
    );
    assert_eq!(serde_json::to_value(&mapping).unwrap(), written);
    assert!(Compiled::default_mapping().reads_only_managers());
}

#[test]
fn manual_shows_the_default_mapping_and_every_example_in_it_is_a_mapping() {
    let manual = include_str!("../../../docs/mapping.md");
    let examples: Vec<Value> = manual
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| serde_json::from_str(rest.split("```").next()?).ok())
        .collect();
    assert_eq!(examples.len(), 2);
    assert_eq!(examples[1], json!(Mapping::default_mapping()));
    for example in &examples {
        assert_eq!(faults(example), []);
    }
    for field in Field::ALL {
        assert!(
            manual.contains(&format!("`{}`", field.name())),
            "{}",
            field.name()
        );
    }
}

#[test]
fn fields_are_named_as_in_json() {
    for field in Field::ALL {
        assert_eq!(json!(field), json!(field.name()));
    }
}

#[test]
fn check_refuses_every_fault_by_rule_and_reason() {
    let long = "x".repeat(1_025);
    let many = |count: usize| vec!["title"; count];
    for (rule, reason) in [
        (
            json!({"name": "a", "from": ["nonsense"], "to": {"field": "position"}}),
            "nonsense is no attribute of a User",
        ),
        (
            json!({"name": "a", "from": ["a b"], "to": {"field": "position"}}),
            "a b: the path is not an attribute path",
        ),
        (
            json!({"name": "a", "from": ["emails[type xx 1].value"], "to": {"field": "position"}}),
            "emails[type xx 1].value: ",
        ),
        (
            json!({"name": "a", "from": ["emails[kind eq \"x\"].value"], "to": {"field": "position"}}),
            "emails has no sub-attribute kind",
        ),
        (
            json!({"name": "a", "from": ["name[givenName pr].familyName"], "to": {"field": "position"}}),
            "name has one value only",
        ),
        (
            json!({"name": "a", "from": ["name.nick"], "to": {"field": "position"}}),
            "name has no sub-attribute nick",
        ),
        (
            json!({"name": "a", "from": ["name"], "to": {"field": "position"}}),
            "name has sub-attributes: name one of them",
        ),
        (
            json!({"name": "a", "from": ["emails"], "to": {"field": "email"}}),
            "emails has sub-attributes",
        ),
        (
            json!({"name": "a", "from": ["meta.created"], "to": {"field": "position"}}),
            "meta.created is not kept with a User",
        ),
        (
            json!({"name": "a", "from": ["id"], "to": {"field": "position"}}),
            "id is not kept with a User",
        ),
        (
            json!({"name": "a", "from": ["password"], "to": {"field": "position"}}),
            "password is not kept with a User",
        ),
        (
            json!({"name": "a", "from": ["urn:ietf:params:scim:schemas:core:2.0:Group:displayName"], "to": {"field": "position"}}),
            "is of a schema that no User has",
        ),
        (
            json!({"name": "a", "from": ["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"], "to": {"field": "position"}}),
            "names a schema, not an attribute",
        ),
        (
            json!({"name": "a", "to": {"field": "position"}}),
            "from names no path",
        ),
        (
            json!({"name": "a", "from": many(11), "to": {"field": "position"}}),
            "from has more than 10 paths",
        ),
        (
            json!({"name": "a", "from": [&long], "to": {"field": "position"}}),
            "a path has more than 1024 bytes",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"constant": "x"}]}),
            "a rule with a constant reads nothing",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": ["trim", {"constant": "x"}]}),
            "constant must be the first transform",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"split": ","}]}),
            "split makes a list and position holds one value",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"split": ""}, {"part": 1}]}),
            "the separator of split",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"part": 0}]}),
            "part counts from 1",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": ["trim", "trim", "trim", "trim", "trim", "trim", "trim", "trim", "trim", "trim", "trim"]}),
            "more than 10 transforms",
        ),
        (
            json!({"name": "a", "from": ["birthday"], "to": {"field": "birthday"}, "transform": [{"date": []}]}),
            "date has 1 to 10 formats",
        ),
        (
            json!({"name": "a", "from": ["birthday"], "to": {"field": "birthday"}, "transform": [{"date": ["%d.%m."]}]}),
            "does not tell year, month and day",
        ),
        (
            json!({"name": "a", "from": ["birthday"], "to": {"field": "birthday"}, "transform": [{"date": ["%Q"]}]}),
            "does not tell year, month and day",
        ),
        (
            json!({"name": "a", "from": ["active"], "to": {"field": "active"}, "transform": [{"date": ["%Y-%m-%d"]}]}),
            "date makes a date, which active cannot be",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"team": "role"}, "transform": [{"date": ["%Y-%m-%d"]}]}),
            "date makes a date, which teams of kind role cannot be",
        ),
        (
            json!({"name": "a", "from": ["birthday"], "to": {"field": "birthday"}, "transform": [{"default": "soon"}]}),
            "is not an ISO 8601 date",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "active"}, "transform": [{"map": {"values": {"x": "perhaps"}}}]}),
            "is neither true nor false",
        ),
        (
            json!({"name": "a", "to": {"field": "photo_url"}, "transform": [{"constant": "ftp://x"}]}),
            "is not an http or https address",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"default": null}]}),
            "a value must be text, a number, true or false",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"default": "\0"}]}),
            "a value contains a NUL character",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": [{"map": {"values": {}}}]}),
            "map has 1 to 1000 values",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"team": "group"}}),
            "teams of kind group come from SCIM Groups",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"team": "My Kind"}}),
            "a kind of team is a lower-case identifier",
        ),
        (
            json!({"name": "position", "from": ["title"], "to": {"team": "role"}}),
            "a rule for teams cannot have the name of a field",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"custom": " "}}),
            "the key of a custom attribute",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": "custom_rest"}),
            "custom_rest has no from and no transform",
        ),
        (
            json!({"name": "a", "to": "custom_rest", "apply": "on_create"}),
            "custom_rest is applied always",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "salary"}}),
            "unknown variant `salary`",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": ["rot13"]}),
            "unknown variant `rot13`",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "apply": "never"}),
            "unknown variant `never`",
        ),
        (
            json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "note": "x"}),
            "unknown field `note`",
        ),
    ] {
        let found = faults(&one(rule.clone()));
        assert!(
            found
                .iter()
                .any(|(name, found)| name == "a" && found.contains(reason)
                    || name == "position" && found.contains(reason)),
            "{rule}: {found:?}"
        );
    }
}

#[test]
fn check_refuses_what_is_wrong_between_rules_and_beside_them() {
    let rule =
        |name: &str, to: Value| json!({"name": name, "from": ["emails[type eq \"home\"].value"], "to": to});
    let two = |a: Value, b: Value| json!({"rules": [rule("a", a), rule("b", b)]});
    let field = |name: &str| json!({ "field": name });
    for (mapping, rule, reason) in [
        (
            two(field("email"), field("email")),
            "b",
            "the rule a fills email already",
        ),
        (
            two(field("emails"), field("email")),
            "b",
            "the rule a fills email already",
        ),
        (
            two(json!({"line": "primary"}), json!({"line": "primary"})),
            "b",
            "the rule a fills the primary line already",
        ),
        (
            two(json!({"custom": "x"}), json!({"custom": "x"})),
            "b",
            "the rule a fills that custom attribute already",
        ),
        (
            json!({"rules": [rule("a", field("email")), rule("a", field("login"))]}),
            "a",
            "another rule has the same name",
        ),
        (
            json!({"rules": [rule("Not a name", field("email"))]}),
            "rules[0]",
            "name must be a lower-case identifier",
        ),
        (json!({"rules": [{"from": []}]}), "rules[0]", "missing field"),
        (
            json!({"rules": [], "teams": {"group": {"create": true}}}),
            "teams.group",
            "come from SCIM Groups",
        ),
        (
            json!({"rules": [], "teams": {"role": {"create": "no"}}}),
            "teams.role",
            "invalid type",
        ),
        (
            json!({"rules": [], "extra": 1}),
            "extra",
            "rules and teams, nothing else",
        ),
        (json!({"teams": {}}), "rules", "rules is missing"),
        (json!({"rules": {}}), "rules", "rules is not an array"),
        (json!([]), "", "a mapping is an object"),
        (
            json!({"rules": vec![rule("a", field("email")); 201]}),
            "rules",
            "more than 200 rules",
        ),
    ] {
        let found = faults(&mapping);
        assert!(
            found
                .iter()
                .any(|(name, found)| name == rule && found.contains(reason)),
            "{reason}: {found:?}"
        );
    }
    let teams = two(json!({"team": "role"}), json!({"team": "role"}));
    assert_eq!(faults(&teams), [], "several rules may name teams of one kind");
}

#[test]
fn check_knows_the_schemas_of_the_tenant() {
    use crate::scim::schema::Definition;
    let definition = json!({"id": "urn:example:Badge", "name": "Badge", "extends": "User", "attributes": [
        {"name": "badge", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "colour", "type": "string"}]},
    ]});
    let schemas = SchemaSet::with(&[Definition::parse("urn:example:Badge", &definition).unwrap()]).unwrap();
    let fault = |path: &str| {
        let mapping = one(json!({"name": "a", "from": [path], "to": {"field": "position"}}));
        let faults = Mapping::read(&mapping)
            .unwrap()
            .check(schemas)
            .err()
            .unwrap_or_default();
        faults.into_iter().map(|fault| fault.reason).collect::<String>()
    };
    assert_eq!(fault("urn:example:Badge:badge[colour eq \"red\"].colour"), "");
    assert!(fault("urn:example:Badge:badge").contains("has sub-attributes"));
    assert!(fault("urn:example:Badge:badge[size eq 1].colour").contains("has no sub-attribute size"));
    assert_eq!(
        fault("urn:example:other:anything"),
        "",
        "of an extension nobody defined"
    );
}

#[test]
fn transforms_do_what_the_manual_says() {
    let position = |steps: Value, title: Value| {
        let mapping =
            one(json!({"name": "a", "from": ["title"], "to": {"field": "position"}, "transform": steps}));
        let projected = project(&mapping, json!({ "title": title }));
        let reason = projected
            .rejections
            .first()
            .map(|rejection| rejection.reason.clone());
        reason.map_or(Ok(projected.fields.position), Err)
    };
    let some = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(position(json!(["trim", "lower"]), json!(" ÄB ")), some("äb"));
    assert_eq!(position(json!(["upper"]), json!("straße")), some("STRASSE"));
    assert_eq!(
        position(json!([{"split": ","}, {"part": 1}]), json!("Berlin, DE")),
        some("Berlin")
    );
    assert_eq!(
        position(json!([{"split": ","}, {"part": -1}]), json!("Berlin, DE")),
        some("DE")
    );
    assert_eq!(
        position(json!([{"split": ","}, {"part": 3}]), json!("Berlin, DE")),
        Ok(None)
    );
    assert_eq!(
        position(json!([{"split": ","}, {"part": -3}]), json!("Berlin, DE")),
        Ok(None)
    );
    assert_eq!(position(json!([{"default": "none"}]), json!("  ")), some("none"));
    assert_eq!(position(json!([{"default": "none"}]), json!(null)), some("none"));
    assert_eq!(position(json!([{"default": "none"}]), json!("x")), some("x"));
    assert_eq!(
        position(json!([{"date": ["%d.%m.%Y", "%m/%d/%y"]}]), json!("28.11.2019")),
        some("2019-11-28")
    );
    assert_eq!(
        position(json!([{"date": ["%d.%m.%Y", "%m/%d/%y"]}]), json!("11/28/19")),
        some("2019-11-28")
    );
    assert_eq!(
        position(json!([{"date": ["%d.%m.%Y"]}]), json!("31.02.2019")),
        Err("title is not a date in a format of its rule".to_owned())
    );
    let map = |others: &str| json!([{"map": {"values": {"7": "seven", "true": "yes"}, "others": others}}]);
    assert_eq!(position(map("keep"), json!(7)), some("seven"));
    assert_eq!(position(map("keep"), json!(true)), some("yes"));
    assert_eq!(position(map("keep"), json!("8")), some("8"));
    assert_eq!(position(map("drop"), json!("8")), Ok(None));
    assert_eq!(
        position(map("reject"), json!("8")),
        Err("title is not among the values of its rule".to_owned())
    );
    let constant = one(json!({"name": "a", "to": {"field": "position"}, "transform": [{"constant": "x"}]}));
    assert_eq!(
        project(&constant, json!({})).fields.position.as_deref(),
        Some("x")
    );
}

#[test]
fn targets_take_what_paths_lead_to() {
    let mapping = json!({"rules": [
        {"name": "private", "from": ["emails[type eq \"home\"].value", "emails.value"], "to": {"field": "email"}},
        {"name": "others", "from": ["emails.value"], "to": {"field": "further_emails"}, "transform": ["lower"]},
        {"name": "skills", "from": ["urn:example:hr:skills"], "to": {"team": "skill"}, "transform": [{"split": ";"}]},
        {"name": "roles", "from": ["roles.value"], "to": {"team": "skill"}},
        {"name": "boss", "from": ["urn:example:hr:lead.mail"], "to": {"line": "primary"}},
        {"name": "dotted", "from": ["urn:example:hr:lead.mail"], "to": {"line": "additional"}, "transform": [{"split": "@"}]},
        {"name": "shirt", "from": ["urn:example:hr:Shirt size v1.2"], "to": {"custom": "shirt"}},
        {"name": "phones", "from": ["phoneNumbers.value"], "to": {"custom": "phone"}},
        {"name": "list", "from": ["nickName"], "to": {"custom": "nicks"}, "transform": [{"split": ","}]},
        {"name": "rest", "to": "custom_rest"},
    ]});
    let projected = project(
        &mapping,
        json!({
            "emails": [{"value": "A@work", "type": "work", "primary": true}, {"value": "A@home", "type": "home"}],
            "roles": [{"value": "cook"}], "nickName": "a, b",
            "phoneNumbers": [{"value": "1"}, {"value": "2"}],
            "urn:example:hr": {"skills": ["Rust; SQL", "rust"], "lead": {"mail": "b@x"}, "Shirt size v1.2": {"eu": 38}, "kept": 1},
            "shirt": "hidden by the rule",
        }),
    );
    assert_eq!(projected.rejections, []);
    assert_eq!(projected.fields.email.as_deref(), Some("A@home"));
    assert_eq!(projected.fields.further_emails, ["a@work", "a@home"]);
    let teams: Vec<(&str, &str)> = projected
        .teams
        .iter()
        .map(|team| (&*team.rule, &*team.name))
        .collect();
    assert_eq!(teams, [("skills", "Rust"), ("skills", "SQL"), ("roles", "cook")]);
    assert_eq!(projected.references.manager.as_deref(), Some("b@x"));
    assert_eq!(projected.references.manager_asserted, Asserted::Document);
    assert_eq!(
        projected.references.additional,
        [(0, "b".to_owned()), (1, "x".to_owned())]
    );
    assert_eq!(
        Value::Object(projected.fields.custom),
        json!({"shirt": {"eu": 38}, "phone": "1", "nicks": ["a", "b"], "kept": 1})
    );
    assert_eq!(projected.active, Some(true), "without a rule everybody is active");
}

#[test]
fn project_a_rejected_value_names_the_path_that_had_it() {
    let mapping = one(json!({
        "name": "born", "from": ["urn:example:hr:born", "birthday"], "to": {"field": "birthday"}}));
    let projected = project(&mapping, json!({"birthday": "yesterday"}));
    assert_eq!(projected.rejections[0].reason, "birthday is not an ISO 8601 date");
    let projected = project(
        &mapping,
        json!({"urn:example:hr": {"born": "x"}, "birthday": "2000-01-01"}),
    );
    assert_eq!(
        projected.rejections[0].reason,
        "urn:example:hr:born is not an ISO 8601 date"
    );
    assert_eq!(&*projected.rejections[0].rule, "born");
}

#[test]
fn creates_only_kinds_that_are_not_switched_off() {
    let mapping = json!({"rules": [], "teams": {"division": {"create": false}}});
    let compiled = Mapping::read(&mapping)
        .unwrap()
        .check(SchemaSet::default())
        .unwrap();
    assert!(!compiled.creates("division") && compiled.creates("department"));
}
