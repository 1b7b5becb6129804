use super::former::{self, Former};
use super::*;
use crate::mapping::Compiled;
use crate::scim::{ResourceType, Rules, parse_resource};
use proptest::prelude::*;
use serde_json::{Value, json};

fn document(document: Value) -> Document {
    match document {
        Value::Object(document) => Document(document),
        _ => panic!("a document is an object"),
    }
}

fn project(user: Value) -> ProjectedPerson {
    project_person(&Compiled::default_mapping(), &document(user))
}

#[test]
fn project_full_document_fills_every_field() {
    let projected = project(json!({
        "userName": "ada@example.com", "externalId": "e1", "displayName": "Ada L", "title": "Engineer",
        "name": {"givenName": "Ada", "familyName": "Lovelace"}, "active": true,
        "emails": [{"value": "old@example.com"}, {"value": "ada@example.com", "primary": true}],
        "photos": [{"value": "https://example.com/a.png"}],
        "gender": "f",
        ENTERPRISE: {"employeeNumber": "7", "department": "R&D", "level": "L3", "manager": {"value": "boss"},
                     "organization": "Acme"},
        ROLLCALL: {"level": "L4", "startDate": "2020-01-31T00:00:00Z", "additionalManagers": [{"value": "x"}]},
        "urn:example:ext": {"Shoe size": 38, "level": "custom here"},
        "5f1a": "raw id",
    }));
    let fields = &projected.fields;
    assert_eq!(projected.rejections, []);
    assert_eq!(projected.active, Some(true));
    assert_eq!(fields.email.as_deref(), Some("ada@example.com"));
    assert_eq!(fields.further_emails, ["old@example.com"]);
    assert_eq!(fields.employee_number.as_deref(), Some("7"));
    assert_eq!(
        fields.level.as_deref(),
        Some("L4"),
        "Rollcall's extension comes first"
    );
    assert_eq!(fields.gender.as_deref(), Some("f"));
    assert_eq!(
        fields.start_date.map(|day| day.to_string()).as_deref(),
        Some("2020-01-31")
    );
    assert_eq!(
        Value::Object(fields.custom.clone()),
        json!({"organization": "Acme", "Shoe size": 38, "level": "custom here", "5f1a": "raw id"})
    );
    assert_eq!(projected.references.manager.as_deref(), Some("boss"));
    assert_eq!(projected.references.additional, [(0, "x".to_owned())]);
}

#[test]
fn project_bad_values_rejects_each_and_projects_the_rest() {
    let projected = project(json!({
        "userName": "a", "title": {"not": "text"}, "birthday": "soon", "active": "maybe",
        "photos": [{"value": "javascript:alert(1)"}],
    }));
    let rules: Vec<_> = projected
        .rejections
        .iter()
        .map(|rejection| &*rejection.rule)
        .collect();
    assert_eq!(rules, ["status", "position", "birthday", "photo_url"]);
    assert_eq!(projected.active, None);
    assert_eq!(projected.fields.login.as_deref(), Some("a"));
    for rejection in &projected.rejections {
        assert!(
            !rejection.reason.contains("soon") && !rejection.reason.contains("maybe"),
            "{rejection:?}"
        );
    }
}

#[test]
fn hold_keeps_every_field_a_projection_can_reject() {
    let long = "x".repeat(2000);
    let bad = project(json!({
        "userName": long, "externalId": long, "displayName": long, "title": long, "emails": [{"value": long}],
        "name": {"givenName": long, "familyName": long}, "photos": [{"value": "x"}], "level": long,
        "location": long, "gender": long, "startDate": "x", "endDate": "x", "birthday": "x",
        "employmentType": long, ENTERPRISE: {"employeeNumber": long},
    }));
    let last = project(json!({
        "userName": "a", "externalId": "a", "displayName": "a", "title": "a", "emails": [{"value": "a"}],
        "name": {"givenName": "a", "familyName": "a"}, "photos": [{"value": "http://a"}], "level": "a",
        "location": "a", "gender": "a", "startDate": "2020-01-01", "endDate": "2020-01-01",
        "birthday": "2020-01-01", "employmentType": "a", ENTERPRISE: {"employeeNumber": "a"},
    }));
    let mut held = bad;
    held.hold(&Compiled::default_mapping(), Some(&last.fields));
    assert_eq!(held.fields, last.fields);
}

#[test]
fn project_display_name_absent_stays_absent() {
    assert_eq!(
        project(json!({"userName": "a", "name": {"givenName": "A"}}))
            .fields
            .display_name,
        None
    );
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!(" ")),
        Just(json!("true")),
        Just(json!("2024-02-29")),
        Just(json!("2024-13-01")),
        Just(json!("https://example.com/a.png")),
        Just(json!("x".repeat(1025))),
        Just(json!("boss@example.com, other@example.com")),
        "[a-zA-Zé ]{1,6}".prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    let element = prop_oneof![
        3 => leaf.clone(),
        2 => (leaf.clone(), prop::option::of(any::<bool>()), prop::sample::select(vec!["work", "home"]))
            .prop_map(|(value, primary, kind)| json!({"value": value, "primary": primary, "type": kind})),
        1 => leaf.clone().prop_map(|value| json!({"givenName": value, "familyName": "x"})),
    ];
    prop_oneof![
        4 => element.clone(),
        2 => prop::collection::vec(element, 0..4).prop_map(Value::from),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let names = [
        "userName",
        "externalId",
        "name",
        "displayName",
        "title",
        "active",
        "emails",
        "photos",
        "level",
        "LOCATION",
        "gender",
        "startDate",
        "endDate",
        "birthday",
        "employmentType",
        "employeeNumber",
        "department",
        "division",
        "costCenter",
        "manager",
        "additionalManagers",
        "organization",
        "nickName",
        "5f1a",
        "Shoe size",
    ];
    prop::collection::vec((prop::sample::select(names.to_vec()), values()), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn project_any_accepted_document_by_the_default_mapping_is_as_it_was(
        top in attributes(), enterprise in attributes(), rollcall in attributes(), other in attributes(),
    ) {
        let accepted = |body: Value| parse_resource(Rules::default(), ResourceType::User, body);
        // One attribute that is refused must not hide what becomes of the others.
        let mut user = document(json!({"userName": "someone"})).0;
        for (name, value) in top {
            if accepted(json!({"userName": "someone", name: value})).is_ok() {
                user.insert(name.to_owned(), value);
            }
        }
        for (urn, attributes) in [(ENTERPRISE, enterprise), (ROLLCALL, rollcall), ("urn:example:ext", other)] {
            let attributes = attributes
                .into_iter()
                .filter(|(name, value)| accepted(json!({"userName": "someone", urn: {*name: value}})).is_ok())
                .map(|(name, value)| (name.to_owned(), value));
            user.insert(urn.to_owned(), attributes.collect());
        }
        let Ok(body) = accepted(Value::Object(user)) else {
            return Ok(());
        };
        let now = project_person(&Compiled::default_mapping(), &body.document);
        let mut rejections: Vec<_> =
            now.rejections.iter().map(|rejection| (&*rejection.rule, rejection.value_hash.clone())).collect();
        rejections.sort();
        let mut former = former::project(&body.document);
        former.rejections.sort();
        let teams = now.teams.iter().map(|team| (&*team.kind, team.folded.clone(), team.name.clone())).collect::<Vec<_>>();
        prop_assert_eq!(&former.teams, &teams);
        prop_assert_eq!(&former.rejections, &rejections);
        let Former { active, fields, manager, additional, .. } = former;
        prop_assert_eq!((active, fields), (now.active, now.fields));
        prop_assert_eq!((manager, additional), (now.references.manager, now.references.additional));
    }
}

#[test]
fn team_names_of_a_user_are_trimmed_and_blank_ones_left_out() {
    let names = |user: Value| -> Vec<(String, String)> {
        let teams = team_names(&Compiled::default_mapping(), &document(user));
        teams
            .into_iter()
            .map(|team| (team.kind.to_string(), team.name))
            .collect()
    };
    let user = json!({ENTERPRISE: {"department": " Sales ", "division": " ", "costCenter": "C1"}});
    let pair = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    assert_eq!(
        names(user),
        [pair("department", "Sales"), pair("cost_center", "C1")]
    );
    assert_eq!(names(json!({})), []);
}

#[test]
fn status_is_active_from_the_first_day_to_the_last_only_where_dates_decide() {
    let day = |text: &str| Some(text.parse().expect("a day"));
    let fields = PersonFields {
        start_date: day("2026-03-02"),
        end_date: day("2026-03-04"),
        ..PersonFields::default()
    };
    for (today, expected) in [
        ("2026-03-01", Status::Deactivated),
        ("2026-03-02", Status::Active),
        ("2026-03-04", Status::Active),
        ("2026-03-05", Status::Deactivated),
    ] {
        assert_eq!(Status::Active.on(day(today), &fields), expected, "{today}");
        for other in [Status::Deactivated, Status::Deprovisioned] {
            assert_eq!(other.on(day(today), &fields), other, "{today}");
        }
    }
    assert_eq!(Status::Active.on(None, &fields), Status::Active);
    assert_eq!(
        Status::Active.on(day("2026-03-01"), &PersonFields::default()),
        Status::Active
    );
    // Whoever is to end before they begin has no day.
    let never = PersonFields {
        start_date: fields.end_date,
        end_date: fields.start_date,
        ..PersonFields::default()
    };
    assert_eq!(Status::Active.on(day("2026-03-03"), &never), Status::Deactivated);
}

#[test]
fn status_whose_active_cannot_be_read_stays_as_it_was() {
    let asserted = |active, last| Status::asserted(true, active, last);
    assert_eq!(asserted(None, Some(Status::Deactivated)), Status::Deactivated);
    assert_eq!(asserted(None, Some(Status::Deprovisioned)), Status::Active);
    assert_eq!(asserted(None, None), Status::Active);
    assert_eq!(asserted(Some(true), Some(Status::Deactivated)), Status::Active);
    assert_eq!(Status::asserted(false, Some(true), None), Status::Deprovisioned);
}
