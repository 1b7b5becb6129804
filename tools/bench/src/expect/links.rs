use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Rows, Want, keys};
use crate::company::{Company, Fate, Link};

/// Reporting lines, and the links that wait because their target has left.
pub(super) fn rows(company: &Company) -> (Rows<Want>, Rows<Want>) {
    let mut lines = Rows::new();
    let mut waiters = Rows::new();
    for (index, person) in company.people.iter().enumerate() {
        if person.fate == Fate::Leaves {
            continue;
        }
        let additional = person
            .additional_managers
            .iter()
            .enumerate()
            .map(|(place, link)| (2, place, link));
        for (slot, place, link) in person.manager.iter().map(|link| (1, 0, link)).chain(additional) {
            let key = keys::link(&person.external_id, slot, &place.to_string());
            if company.people[link.to].fate == Fate::Leaves {
                waiters.insert(key, row([("reason", json!("deprovisioned"))]));
            } else {
                lines.insert(key, line(company, index, link));
            }
        }
    }
    (lines, waiters)
}

/// Managers are of higher levels, so nothing but the head's link to themself is flagged.
fn line(company: &Company, person: usize, link: &Link) -> BTreeMap<String, Want> {
    let flag = if link.to == person {
        json!("self")
    } else {
        Value::Null
    };
    row([
        ("manager", json!(company.people[link.to].external_id)),
        ("flag", flag),
    ])
}

fn row<const N: usize>(fields: [(&str, Value); N]) -> BTreeMap<String, Want> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Want::Is(value)))
        .collect()
}
