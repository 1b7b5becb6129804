use super::*;
use serde_json::{Value, json};

fn project(document: Value) -> ProjectedPerson {
    let Value::Object(document) = document else {
        panic!("a document is an object");
    };
    project_person(&Document(document))
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
        .map(|rejection| rejection.rule)
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
fn keep_knows_every_rule_a_projection_can_reject() {
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
    let mut fields = bad.fields;
    for rejection in &bad.rejections {
        fields.keep(rejection.rule, &last.fields);
    }
    assert_eq!(fields, last.fields);
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
