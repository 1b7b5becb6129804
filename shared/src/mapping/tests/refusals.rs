use super::*;

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
