//! What the directory must hold once a company has been sent and applied.
//!
//! Worked out from the company alone, on purpose without any code of the product.

mod links;
mod people;
pub(crate) mod teams;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::company::Company;
use crate::send::Ids;

/// Rows by a name that both sides can work out; columns by name.
pub(crate) type Rows<V> = BTreeMap<String, BTreeMap<String, V>>;

/// One wanted value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Want {
    Is(Value),
    /// The first of these to be accepted, which only the server knows.
    OneOf(Vec<Value>),
}

/// The tables of the directory. People go by externalId, attribute teams by kind and folded
/// name, groups by externalId or name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Directory<V> {
    pub(crate) people: Rows<V>,
    pub(crate) teams: Rows<V>,
    pub(crate) memberships: Rows<V>,
    pub(crate) lines: Rows<V>,
    pub(crate) waiters: Rows<V>,
}

impl<V> Directory<V> {
    pub(crate) fn tables(&self) -> [(&'static str, &Rows<V>); 5] {
        [
            ("person", &self.people),
            ("team", &self.teams),
            ("membership", &self.memberships),
            ("reporting line", &self.lines),
            ("waiting link", &self.waiters),
        ]
    }
}

/// The directory that `company` must become, given the ids the server handed out.
pub(crate) fn directory(company: &Company, ids: &Ids) -> Directory<Want> {
    let (lines, waiters) = links::rows(company);
    let (teams, memberships) = teams::rows(company, ids);
    Directory {
        people: people::rows(company, ids),
        teams,
        memberships,
        lines,
        waiters,
    }
}

/// The form under which names of teams count as the same. The demo's names need no more than
/// this of Unicode's case folding.
fn folded_name(name: &str) -> String {
    collapsed(name).to_lowercase()
}

pub(crate) fn collapsed(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Keys of rows, the same for what is expected and for what is found.
pub(crate) mod keys {
    pub(crate) fn team(kind: &str, identity: &str) -> String {
        format!("{kind} '{identity}'")
    }

    pub(crate) fn membership(person: &str, team: &str, source: &str) -> String {
        format!("{person} in {team} by {source}")
    }

    pub(crate) fn link(person: &str, slot: i64, place: &str) -> String {
        let slot = match slot {
            1 => "manager".to_owned(),
            2 => "additional manager".to_owned(),
            3 => "member".to_owned(),
            other => format!("slot {other}"),
        };
        format!("{slot} {place} of {person}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::Fate;

    fn sent(company: &Company) -> Ids {
        let id = |index| (index, uuid::Uuid::from_u128(index as u128 + 1));
        Ids {
            people: (0..company.people.len()).map(id).collect(),
            groups: (0..company.groups.len()).map(id).collect(),
        }
    }

    #[test]
    fn directory_of_two_thousand_has_a_row_for_everybody_and_links_for_those_who_stay() {
        let company = Company::generate(2_000, 1);
        let directory = directory(&company, &sent(&company));
        assert_eq!(directory.people.len(), 2_000);
        let leavers = company.people.iter().filter(|p| p.fate == Fate::Leaves).count();
        let primary = directory
            .lines
            .keys()
            .filter(|key| key.starts_with("manager"))
            .count();
        let waiting = directory
            .waiters
            .keys()
            .filter(|key| key.starts_with("manager"))
            .count();
        assert_eq!(primary + waiting, 2_000 - leavers);
        assert!(waiting > 0);
    }

    #[test]
    fn directory_spellings_of_one_department_are_one_team() {
        let company = Company::generate(2_000, 1);
        let directory = directory(&company, &sent(&company));
        let spelled = directory
            .teams
            .values()
            .filter(|row| matches!(row.get("name"), Some(Want::OneOf(names)) if names.len() > 1));
        assert!(spelled.count() >= 5);
        assert!(directory.teams.keys().all(|key| !key.contains("  ")));
    }

    #[test]
    fn directory_leavers_have_no_memberships_and_no_lines() {
        let company = Company::generate(2_000, 1);
        let directory = directory(&company, &sent(&company));
        for person in company.people.iter().filter(|p| p.fate == Fate::Leaves) {
            let theirs = format!("{} in ", person.external_id);
            assert!(!directory.memberships.keys().any(|key| key.starts_with(&theirs)));
            let theirs = format!(" of {}", person.external_id);
            assert!(!directory.lines.keys().any(|key| key.ends_with(&theirs)));
        }
    }
}
