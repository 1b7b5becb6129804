use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Rows, Want, collapsed, folded_name, keys};
use crate::company::{Company, Fate, Person};
use crate::send::Ids;

/// Teams and memberships.
pub(super) fn rows(company: &Company, ids: &Ids) -> (Rows<Want>, Rows<Want>) {
    let mut teams = Rows::new();
    let mut memberships = Rows::new();
    attribute_teams(company, &mut teams, &mut memberships);
    for (index, group) in company
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| !group.dissolved)
    {
        let key = group_key(group.external_id.as_deref(), &group.name);
        let row = [
            ("name", json!(group.name)),
            ("external_id", json!(group.external_id)),
            ("resource_id", json!(ids.groups.get(&index))),
        ];
        let row = row
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Want::Is(value)))
            .collect();
        teams.insert(key.clone(), row);
        for link in &group.members {
            let person = &company.people[link.to];
            if person.fate == Fate::Leaves {
                continue;
            }
            let id = || ids.people.get(&link.to).map(ToString::to_string);
            let value = person.reference(link.by).or_else(id).unwrap_or_default();
            let source = format!("member:{}", value.trim().to_lowercase());
            memberships.insert(
                keys::membership(&person.external_id, &key, &source),
                BTreeMap::new(),
            );
        }
    }
    (teams, memberships)
}

/// How a group's team is found again.
pub(crate) fn group_key(external_id: Option<&str>, name: &str) -> String {
    keys::team("group", external_id.unwrap_or(name))
}

fn attribute_teams(company: &Company, teams: &mut Rows<Want>, memberships: &mut Rows<Want>) {
    let mut spellings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut inhabited: BTreeSet<String> = BTreeSet::new();
    for person in &company.people {
        for (kind, name) in named(person) {
            let key = keys::team(kind, &folded_name(name));
            spellings.entry(key.clone()).or_default().insert(collapsed(name));
            if person.fate != Fate::Leaves {
                memberships.insert(keys::membership(&person.external_id, &key, kind), BTreeMap::new());
                inhabited.insert(key);
            }
        }
    }
    for (key, names) in spellings {
        if inhabited.contains(&key) {
            let names = Want::OneOf(names.into_iter().map(|name| json!(name)).collect());
            teams.insert(key, BTreeMap::from([("name".to_owned(), names)]));
        }
    }
}

fn named(person: &Person) -> impl Iterator<Item = (&'static str, &str)> {
    [
        ("department", &person.department),
        ("division", &person.division),
        ("cost_center", &person.cost_center),
    ]
    .into_iter()
    .filter_map(|(kind, name)| Some((kind, name.as_deref()?)))
}
