//! PATCH operations over all forms of paths (RFC 7644 §3.5.2, figure 7).

use super::filter::selecting;
use super::values::{
    ENTERPRISE_TEXTS, Kind, MULTI_VALUED, NAME, TEXTS, attributes, element, elements, enterprise,
    external_id, object, person, pick, referring, sub_value, subs, text,
};
use crate::both::{ENTERPRISE, TAKEN};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// The operations of one request.
pub(crate) fn operations(rng: &mut StdRng, kind: Kind) -> Vec<Value> {
    let count = *[1, 1, 1, 2, 3].get(rng.random_range(0..5)).expect("one of five");
    let mut operations: Vec<Value> = (0..count).map(|_| operation(rng, kind)).collect();
    if rng.random_bool(0.1) {
        // Refused: what was done before it is undone.
        let path = pick(rng, &["id", "meta.created"]);
        operations.push(json!({ "op": "replace", "path": path, "value": "2024-05-13T00:00:00Z" }));
    }
    operations
}

fn operation(rng: &mut StdRng, kind: Kind) -> Value {
    let op = pick(rng, &["add", "replace", "remove"]);
    if op != "remove" && rng.random_bool(0.15) {
        return json!({ "op": op, "value": attributes(rng, kind, 3) });
    }
    let (path, value) = match kind {
        Kind::Group => of_group(rng, op),
        Kind::User => of_user(rng, op),
    };
    if op == "remove" {
        return json!({ "op": op, "path": path });
    }
    let unassigns = op == "replace" && rng.random_bool(0.05);
    let value = if unassigns { Value::Null } else { value };
    json!({ "op": op, "path": path, "value": value })
}

fn of_group(rng: &mut StdRng, op: &str) -> (String, Value) {
    let (path, value) = match rng.random_range(0..10) {
        0 => ("externalId".to_owned(), external_id(rng)),
        1 => ("displayName".to_owned(), external_id(rng)),
        2..4 if op == "remove" => (format!("members[value eq \"{}\"]", person(rng)), Value::Null),
        _ => ("members".to_owned(), elements(rng, "members")),
    };
    (written(rng, Kind::Group, path), value)
}

fn of_user(rng: &mut StdRng, op: &str) -> (String, Value) {
    let urn = |sub: &str| format!("{ENTERPRISE}:{sub}");
    let (path, value) = match rng.random_range(0..24) {
        22 if rng.random_bool(0.5) => ("externalId".to_owned(), json!(TAKEN)),
        23 => ("externalId".to_owned(), external_id(rng)),
        0..3 => (pick(rng, TEXTS).to_owned(), json!(text(rng))),
        3 => ("active".to_owned(), json!(rng.random_bool(0.5))),
        4 => ("name".to_owned(), object(rng, NAME)),
        5..7 => (format!("name.{}", pick(rng, NAME)), json!(text(rng))),
        7 => return (ENTERPRISE.to_owned(), enterprise(rng)),
        8 => return (urn(pick(rng, ENTERPRISE_TEXTS)), json!(text(rng))),
        9 => return (urn("manager"), referring(rng)),
        10 => return (urn("manager.value"), json!(person(rng))),
        _ => of_multi_valued(rng, op),
    };
    (written(rng, Kind::User, path), value)
}

fn of_multi_valued(rng: &mut StdRng, op: &str) -> (String, Value) {
    let attribute = pick(rng, MULTI_VALUED);
    let sub = pick(rng, subs(attribute));
    match rng.random_range(0..8) {
        0..2 if op == "add" => (attribute.to_owned(), json!([element(rng, attribute)])),
        0..2 => (attribute.to_owned(), elements(rng, attribute)),
        2 => (attribute.to_owned(), elements(rng, attribute)),
        3 => (format!("{attribute}.{sub}"), sub_value(rng, attribute, sub)),
        4..6 => {
            let filter = selecting(rng, attribute);
            (format!("{attribute}[{filter}]"), element(rng, attribute))
        }
        _ => {
            let filter = selecting(rng, attribute);
            (
                format!("{attribute}[{filter}].{sub}"),
                sub_value(rng, attribute, sub),
            )
        }
    }
}

/// The path as it is, in other case, or with the URN of its schema.
fn written(rng: &mut StdRng, kind: Kind, path: String) -> String {
    match rng.random_range(0..10) {
        0 => format!("{}:{path}", kind.urn()),
        1 if !path.contains('[') => path.to_uppercase(),
        _ => path,
    }
}
