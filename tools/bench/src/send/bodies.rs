//! Documents in the shapes that each client gives them.

use serde_json::{Map, Value, json};

use crate::company::{Client, Person, Place};

pub(super) const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";
const UNKNOWN: &str = "urn:ietf:params:scim:schemas:extension:umbrella-pine:2.0:Colleague";

/// The references a document asserts, as text.
#[derive(Debug, Default)]
pub(super) struct Managers {
    pub(super) manager: Option<String>,
    pub(super) additional: Vec<String>,
}

/// A whole User. `variant` (the person's index) chooses among the shapes one client uses.
pub(super) fn user(person: &Person, managers: Managers, title: &str, variant: usize) -> Map<String, Value> {
    let mut user = Map::new();
    let mut set = |key: &str, value: Value| {
        user.insert(key.to_owned(), value);
    };
    set("schemas", json!([CORE_USER, ENTERPRISE]));
    set("userName", json!(person.login));
    set("externalId", json!(person.external_id));
    set("displayName", json!(person.display_name));
    set("title", json!(title));
    set("name", name(person));
    set("emails", emails(person));
    set("active", json!(true));
    match person.client {
        Client::Entra => {
            set("meta", json!({ "resourceType": "User" }));
            set("roles", json!([]));
            set("preferredLanguage", json!("en-US"));
            set("phoneNumbers", Value::Null);
        }
        Client::Okta => {
            set("locale", json!("en-US"));
            set("groups", json!([]));
            set("password", json!("Tr0ub4dor&3"));
        }
        Client::Roster => {
            set("timezone", json!("Europe/Berlin"));
            set("nickName", json!(person.first_name));
        }
    }
    if let Some(photo) = &person.photo {
        set("photos", json!([{ "value": photo, "type": "photo" }]));
    }
    extend(&mut user, person, managers, variant);
    user
}

fn name(person: &Person) -> Value {
    json!({
        "givenName": person.first_name,
        "familyName": person.last_name,
        "formatted": person.display_name,
    })
}

fn emails(person: &Person) -> Value {
    let mut emails = vec![json!({ "primary": true, "type": "work", "value": person.email })];
    emails.extend(
        person
            .further_emails
            .iter()
            .map(|email| json!({ "type": "other", "value": email })),
    );
    Value::Array(emails)
}

/// Everything outside the core schema.
fn extend(user: &mut Map<String, Value>, person: &Person, managers: Managers, variant: usize) {
    let mut enterprise = Map::new();
    let mut rollcall = Map::new();
    let mut unknown = Map::new();
    enterprise.insert("employeeNumber".to_owned(), json!(person.employee_number));
    for (key, value) in [
        ("department", &person.department),
        ("division", &person.division),
        ("costCenter", &person.cost_center),
    ] {
        if let Some(value) = value {
            enterprise.insert(key.to_owned(), json!(value));
        }
    }
    let carrier = match person.facts.place {
        Place::TopLevel => &mut *user,
        Place::Enterprise => &mut enterprise,
        Place::Extension => &mut rollcall,
    };
    carrier.extend(facts(person));
    for (place, (key, value)) in person.custom.iter().enumerate() {
        let extension = if place % 2 == 0 {
            &mut enterprise
        } else {
            &mut unknown
        };
        extension.insert(key.clone(), value.clone());
    }
    if let Some(manager) = managers.manager {
        let (top_level, value) = manager_shape(person.client, manager, variant);
        let carrier = if top_level { &mut *user } else { &mut enterprise };
        carrier.insert("manager".to_owned(), value);
    }
    if !managers.additional.is_empty() {
        let list = &managers.additional;
        let objects: Vec<Value> = list.iter().map(|value| json!({ "value": value })).collect();
        let (carrier, value) = match variant % 4 {
            0 => (&mut *user, json!(list.join(", "))),
            1 => (&mut enterprise, json!(list)),
            2 => (&mut rollcall, json!(objects)),
            _ => (&mut rollcall, json!(list.join(","))),
        };
        carrier.insert("additionalManagers".to_owned(), value);
    }
    for (urn, extension) in [(ENTERPRISE, enterprise), (ROLLCALL, rollcall), (UNKNOWN, unknown)] {
        if !extension.is_empty() {
            if urn != ENTERPRISE
                && let Some(Value::Array(schemas)) = user.get_mut("schemas")
            {
                schemas.push(json!(urn));
            }
            user.insert(urn.to_owned(), Value::Object(extension));
        }
    }
}

/// Where a client puts the manager (top level or not), and how.
fn manager_shape(client: Client, manager: String, variant: usize) -> (bool, Value) {
    match (client, variant % 5) {
        (Client::Entra, 0..3) => (false, json!(manager)),
        (Client::Entra, _) | (Client::Roster, 0) => (false, json!({ "value": manager })),
        (Client::Okta, _) => (false, json!({ "value": manager, "displayName": "Manager" })),
        (Client::Roster, 1) => (true, json!(manager)),
        (Client::Roster, 2) => (false, json!([{ "value": manager }])),
        (Client::Roster, 3) => (true, json!({ "value": manager })),
        (Client::Roster, _) => (false, json!(manager)),
    }
}

fn facts(person: &Person) -> Map<String, Value> {
    let facts = &person.facts;
    let mut map = Map::new();
    for (key, value) in [
        ("level", Some(&facts.level)),
        ("location", Some(&facts.location)),
        ("gender", facts.gender.as_ref()),
        ("startDate", Some(&facts.start_date)),
        ("endDate", facts.end_date.as_ref()),
        ("birthday", facts.birthday.as_ref()),
        ("employmentType", Some(&facts.employment_type)),
    ] {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    }
    map
}

/// A PatchOp message of one operation, the verb capitalised as Entra does.
pub(super) fn patch(client: Client, verb: &str, path: Option<&str>, value: Value) -> Value {
    let op = match client {
        Client::Entra => format!("{}{}", verb[..1].to_uppercase(), &verb[1..]),
        Client::Okta | Client::Roster => verb.to_owned(),
    };
    let mut operation = json!({ "op": op });
    if let Some(path) = path {
        operation["path"] = json!(path);
    }
    operation["value"] = value;
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] })
}
