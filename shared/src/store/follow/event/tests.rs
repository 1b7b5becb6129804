use super::*;

const ID: Uuid = Uuid::from_u128(7);
const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
const C: Uuid = Uuid::from_u128(3);

fn person(fields: Value) -> Vec<Event> {
    of_person(ID, fields.as_object().unwrap())
}

fn team(fields: Value) -> Vec<Event> {
    of_team(ID, fields.as_object().unwrap())
}

#[test]
fn each_event_is_written_with_its_type_and_ids_in_camel_case() {
    let (person_id, team_id, part_id) = (A, B, C);
    let (from, to, fields) = (vec![A], vec![], vec!["email".to_owned()]);
    let active = true;
    let all = [
        Event::PersonCreated { person_id, active },
        Event::PersonUpdated {
            person_id,
            fields: fields.clone(),
        },
        Event::PersonDeactivated { person_id },
        Event::PersonReactivated { person_id },
        Event::PersonRemoved { person_id },
        Event::PersonReturned { person_id, active },
        Event::PersonErased { person_id },
        Event::ManagerChanged {
            person_id,
            from: from.clone(),
            to: to.clone(),
        },
        Event::AdditionalManagersChanged { person_id, from, to },
        Event::TeamCreated { team_id },
        Event::TeamRenamed { team_id },
        Event::TeamUpdated { team_id, fields },
        Event::TeamRemoved { team_id },
        Event::TeamReturned { team_id },
        Event::MemberAdded { team_id, person_id },
        Event::MemberRemoved { team_id, person_id },
        Event::PartAdded { team_id, part_id },
        Event::PartRemoved { team_id, part_id },
    ];
    assert_eq!(all.each_ref().map(Event::name), Event::TYPES);
    for event in &all {
        assert_eq!(json!(event)["type"], event.name());
    }
    assert_eq!(
        json!(all[14]),
        json!({ "type": "team.member_added", "teamId": B, "personId": A })
    );
}

#[test]
fn status_tells_whether_somebody_comes_stays_or_goes() {
    let person_id = ID;
    let active = true;
    for (old, new, told) in [
        (
            json!(null),
            "active",
            Some(Event::PersonCreated { person_id, active }),
        ),
        (
            json!(null),
            "deactivated",
            Some(Event::PersonCreated {
                person_id,
                active: false,
            }),
        ),
        (
            json!("active"),
            "deactivated",
            Some(Event::PersonDeactivated { person_id }),
        ),
        (
            json!("deactivated"),
            "active",
            Some(Event::PersonReactivated { person_id }),
        ),
        (
            json!("deactivated"),
            "deprovisioned",
            Some(Event::PersonRemoved { person_id }),
        ),
        (
            json!("deprovisioned"),
            "active",
            Some(Event::PersonReturned { person_id, active }),
        ),
        // Deleted before the directory ever showed them.
        (json!(null), "deprovisioned", None),
    ] {
        let events = person(json!({ "status": [old, new], "email": [null, "a@example.com"] }));
        let first = events.into_iter().find(|event| event.name() != "person.updated");
        assert_eq!(first, told, "{old} {new}");
    }
}

#[test]
fn update_names_fields_and_custom_attributes_that_differ_without_values() {
    let events = person(json!({
        "further_emails": [[], ["x@example.com"]],
        "resource_id": [A, B],
        "custom": [{ "Badge": "1", "Shoe size": 7 }, { "Badge": "1", "Floor": "2" }],
    }));
    let fields = ["custom.Floor", "custom.Shoe size", "furtherEmails", "scimId"].map(str::to_owned);
    let fields = fields.to_vec();
    assert_eq!(
        events,
        [Event::PersonUpdated {
            person_id: ID,
            fields
        }]
    );
}

#[test]
fn who_comes_or_goes_has_no_update_beside_that() {
    let events = person(json!({ "status": [null, "active"], "login": [null, "ada"], "manager": [null, A] }));
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["person.created", "person.manager_changed"]);
    let events = person(json!({ "status": ["active", "deactivated"], "login": ["ada", "ada2"] }));
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["person.deactivated", "person.updated"]);
}

#[test]
fn other_fields_of_a_person_are_teams_they_left_and_joined() {
    let events = person(json!({ "skills": [[A, B], [B, C]], "department": [A, null] }));
    let person_id = ID;
    assert_eq!(
        events,
        [
            Event::MemberRemoved {
                team_id: A,
                person_id
            },
            Event::MemberAdded {
                team_id: C,
                person_id
            },
        ]
    );
}

#[test]
fn erasure_is_told_and_nothing_else_of_it() {
    let person_id = ID;
    assert_eq!(
        person(json!({ "erased": [false, true] })),
        [Event::PersonErased { person_id }]
    );
}

#[test]
fn team_is_created_renamed_updated_removed_and_returns() {
    let team_id = ID;
    assert_eq!(
        team(json!({ "name": [null, "Ops"], "external_id": [null, "x"] })),
        [Event::TeamCreated { team_id }]
    );
    let fields = vec!["externalId".to_owned()];
    assert_eq!(
        team(json!({ "name": ["Ops", "Operations"], "external_id": [null, "x"] })),
        [
            Event::TeamRenamed { team_id },
            Event::TeamUpdated { team_id, fields }
        ]
    );
    assert_eq!(
        team(json!({ "name": [null, "Ops"], "deleted": [false, true] })),
        [Event::TeamRemoved { team_id }]
    );
    assert_eq!(
        team(json!({ "deleted": [true, false] })),
        [Event::TeamReturned { team_id }]
    );
}

#[test]
fn member_of_a_group_joins_leaves_or_is_a_part() {
    let of = |fields: Value| of_member(ID, fields.as_object().unwrap());
    let team_id = ID;
    assert_eq!(
        of(json!({ "members": [A, B] })),
        [
            Event::MemberRemoved {
                team_id,
                person_id: A
            },
            Event::MemberAdded {
                team_id,
                person_id: B
            }
        ]
    );
    assert_eq!(
        of(json!({ "parts": [null, A] })),
        [Event::PartAdded { team_id, part_id: A }]
    );
}
