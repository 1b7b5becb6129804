//! A made-up company: the same seed and size always give the same one.
//!
//! Nothing here knows how it is sent ([`crate::send`]) or what the directory must make of it
//! ([`crate::expect`]).

mod details;
mod groups;
mod hierarchy;
mod names;
mod people;

use std::collections::BTreeMap;

use fake::rand::SeedableRng;
use fake::rand::rngs::StdRng;
use serde_json::Value;

/// Everybody who ever was in the company, with its groups.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Company {
    /// By index; managers have a lower level number, not a lower index.
    pub(crate) people: Vec<Person>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// 1 (the head) to 7.
    pub(crate) depth: usize,
    pub(crate) login: String,
    pub(crate) email: String,
    pub(crate) further_emails: Vec<String>,
    pub(crate) external_id: String,
    pub(crate) employee_number: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) display_name: String,
    pub(crate) title: String,
    /// The title of the first write, where a later one corrects it.
    pub(crate) first_title: Option<String>,
    pub(crate) facts: Facts,
    /// As spelled by this person's record: two records may spell one department differently.
    pub(crate) department: Option<String>,
    pub(crate) division: Option<String>,
    pub(crate) cost_center: Option<String>,
    pub(crate) photo: Option<String>,
    /// Attributes only this company has, by key.
    pub(crate) custom: BTreeMap<String, Value>,
    pub(crate) manager: Option<Link>,
    pub(crate) additional_managers: Vec<Link>,
    pub(crate) client: Client,
    pub(crate) fate: Fate,
}

/// The attributes that clients keep in different places of the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) place: Place,
    pub(crate) level: String,
    pub(crate) location: String,
    pub(crate) gender: Option<String>,
    pub(crate) start_date: String,
    pub(crate) end_date: Option<String>,
    pub(crate) birthday: Option<String>,
    pub(crate) employment_type: String,
}

/// Where a record carries its level, location, dates and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    TopLevel,
    Enterprise,
    Extension,
}

/// One person named by another, or as a member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Index of the person meant.
    pub(crate) to: usize,
    pub(crate) by: By,
}

/// How a link names its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum By {
    /// The SCIM id; the client must have learnt it first, or use a `bulkId`.
    Id,
    ExternalId,
    UserName,
    Email,
    /// The e-mail as people type it: in capitals.
    ShoutedEmail,
    EmployeeNumber,
}

/// The software that keeps a record in step with Rollcall; it decides the shape of the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Client {
    Entra,
    Okta,
    /// A script of the personnel department: a roster through `/Bulk`.
    Roster,
}

/// What becomes of a person before the sending ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    /// PATCH `active: false`: keeps teams and reporting lines.
    Deactivated,
    /// DELETE.
    Leaves,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The name it was created under, where it is renamed later.
    pub(crate) first_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) members: Vec<Link>,
    pub(crate) created: Created,
    pub(crate) client: Client,
    /// Deleted in the end.
    pub(crate) dissolved: bool,
}

/// When a group is created, seen from the people's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// Before anybody is there.
    First,
    /// In the middle of a bulk request, members by `bulkId`.
    WithPeople,
    /// After everybody.
    Last,
}

impl Company {
    /// A company of `size` people (leavers included).
    pub(crate) fn generate(size: usize, seed: u64) -> Company {
        let mut rng = StdRng::seed_from_u64(seed);
        let people = people::generate(size, &mut rng);
        let groups = groups::generate(&people, &mut rng);
        Company { people, groups }
    }

    /// The same people without groups, later corrections and leavers: only records and links.
    pub(crate) fn roster(size: usize, seed: u64) -> Company {
        let mut company = Company::generate(size, seed);
        company.groups.clear();
        for person in &mut company.people {
            person.first_title = None;
            person.fate = Fate::Stays;
            for link in person.manager.iter_mut().chain(&mut person.additional_managers) {
                if link.by == By::Id {
                    link.by = By::ExternalId;
                }
            }
        }
        company
    }

    /// Primary and additional managers asserted, in all.
    pub(crate) fn manager_links(&self) -> usize {
        let of = |person: &Person| usize::from(person.manager.is_some()) + person.additional_managers.len();
        self.people.iter().map(of).sum()
    }
}

impl Person {
    /// The text by which `by` names this person; `None` for the SCIM id, which only the
    /// server knows.
    pub(crate) fn reference(&self, by: By) -> Option<String> {
        match by {
            By::Id => None,
            By::ExternalId => Some(self.external_id.clone()),
            By::UserName => Some(self.login.clone()),
            By::Email => Some(self.email.clone()),
            By::ShoutedEmail => Some(self.email.to_uppercase()),
            By::EmployeeNumber => Some(self.employee_number.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn company_same_seed_is_the_same_and_another_seed_is_not() {
        assert_eq!(Company::generate(300, 7), Company::generate(300, 7));
        assert_ne!(Company::generate(300, 7), Company::generate(300, 8));
    }

    #[test]
    fn company_of_any_size_has_exactly_that_many_people() {
        for size in [0, 1, 2, 3, 7, 8, 50, 199, 2_000] {
            assert_eq!(Company::generate(size, 1).people.len(), size);
        }
    }

    #[test]
    fn company_values_that_must_be_unique_are_so_across_kinds_and_case() {
        let company = Company::generate(2_000, 1);
        let mut seen = BTreeSet::new();
        for person in &company.people {
            let own: BTreeSet<String> = [
                &person.login,
                &person.email,
                &person.external_id,
                &person.employee_number,
            ]
            .into_iter()
            .chain(&person.further_emails)
            .map(|value| value.to_lowercase())
            .collect();
            for value in own {
                assert!(seen.insert(value.clone()), "{value} names two people");
            }
        }
    }

    #[test]
    fn company_of_two_thousand_has_everything_the_demo_promises() {
        let company = Company::generate(2_000, 1);
        let people = &company.people;
        let count = |wanted: &dyn Fn(&Person) -> bool| people.iter().filter(|p| wanted(p)).count();
        let depths: BTreeSet<usize> = people.iter().map(|p| p.depth).collect();
        assert_eq!(depths, (1..=7).collect());
        assert!((55..=65).contains(&company.groups.len()));
        assert!(count(&|p| p.fate == Fate::Leaves) >= 40);
        assert!(count(&|p| p.fate == Fate::Deactivated) >= 20);
        assert!(count(&|p| !p.additional_managers.is_empty()) >= 100);
        assert!(count(&|p| p.additional_managers.len() > 3) == 0);
        assert!(count(&|p| !p.custom.is_empty()) >= 200);
        assert!(count(&|p| !p.display_name.is_ascii()) >= 200);
        assert!(count(&|p| p.photo.is_some()) >= 200);
        assert!(count(&|p| p.first_title.is_some()) >= 10);
        for client in [Client::Entra, Client::Okta, Client::Roster] {
            assert!(count(&|p| p.client == client) >= 60, "{client:?}");
        }
        for by in [
            By::ExternalId,
            By::UserName,
            By::Email,
            By::EmployeeNumber,
            By::Id,
        ] {
            let named = count(&|p| p.manager.is_some_and(|link| link.by == by));
            assert!(named >= 150, "{by:?}: {named}");
        }
    }

    #[test]
    fn company_managers_are_always_of_a_higher_level_save_the_head() {
        let company = Company::generate(2_000, 1);
        for (index, person) in company.people.iter().enumerate() {
            for link in person.manager.iter().chain(&person.additional_managers) {
                let higher = company.people[link.to].depth < person.depth;
                assert!(higher || (link.to == index && person.depth == 1));
            }
        }
        assert!(company.people.iter().all(|p| p.manager.is_some()));
    }

    #[test]
    fn company_some_managers_leave_and_keep_their_reports() {
        let company = Company::generate(2_000, 1);
        let orphans = company.people.iter().filter(|person| {
            person.fate != Fate::Leaves
                && person
                    .manager
                    .is_some_and(|link| company.people[link.to].fate == Fate::Leaves)
        });
        assert!((1..60).contains(&orphans.count()));
    }
}
