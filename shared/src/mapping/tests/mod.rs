mod refusals;

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
    let manual = include_str!("../../../../docs/mapping.md");
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
