use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Rows, Want};
use crate::company::{Company, Fate, Person};
use crate::send::Ids;

pub(super) fn rows(company: &Company, ids: &Ids) -> Rows<Want> {
    (company.people.iter().enumerate())
        .map(|(index, person)| {
            let mut row = fields(person);
            row.insert("resource_id", json!(ids.people.get(&index)));
            let row = row
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Want::Is(value)))
                .collect();
            (person.external_id.clone(), row)
        })
        .collect()
}

/// A leaver keeps the fields of the last document.
fn fields(person: &Person) -> BTreeMap<&'static str, Value> {
    let facts = &person.facts;
    BTreeMap::from([
        ("status", json!(status(person.fate))),
        ("login", json!(person.login)),
        ("email", json!(person.email)),
        ("further_emails", json!(person.further_emails)),
        ("external_id", json!(person.external_id)),
        ("employee_number", json!(person.employee_number)),
        ("first_name", json!(person.first_name)),
        ("last_name", json!(person.last_name)),
        ("display_name", json!(person.display_name)),
        ("position", json!(person.title)),
        ("level", json!(facts.level)),
        ("location", json!(facts.location)),
        ("gender", json!(facts.gender)),
        ("start_date", json!(facts.start_date)),
        ("end_date", json!(facts.end_date)),
        ("birthday", json!(facts.birthday)),
        ("employment_type", json!(facts.employment_type)),
        ("photo_url", json!(person.photo)),
        ("custom", json!(person.custom)),
    ])
}

fn status(fate: Fate) -> &'static str {
    match fate {
        Fate::Stays => "active",
        Fate::Deactivated => "deactivated",
        Fate::Leaves => "deprovisioned",
    }
}
