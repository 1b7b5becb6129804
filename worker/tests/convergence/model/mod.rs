//! The directory as a single-threaded reading of the accept order makes it.
//!
//! Written from the rules, not from the code: it replays events one after the other and binds
//! each reference at the first moment at which exactly one person is its best holder.

mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What a User document of these tests says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct User {
    pub(crate) user_name: String,
    pub(crate) external_id: Option<String>,
    /// The first is the primary one.
    pub(crate) emails: Vec<String>,
    pub(crate) employee_number: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) division: Option<String>,
    pub(crate) active: bool,
    pub(crate) manager: Option<String>,
    pub(crate) additional: Vec<String>,
}

/// One accepted, changing write.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    User {
        resource: Uuid,
        document: User,
        manager: bool,
        additional: bool,
    },
    UserGone {
        resource: Uuid,
    },
    Group {
        resource: Uuid,
        name: String,
    },
    Members {
        resource: Uuid,
        edit: Edit,
    },
    GroupGone {
        resource: Uuid,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Add(Vec<String>),
    Remove(Vec<String>),
    Replace(Vec<String>),
}

type Person = usize;

/// What a reference is bound to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Person(Person),
    /// A group, which only a member can name, by its id.
    Group(Uuid),
}

#[derive(Debug, Clone)]
struct Assertion {
    reference: String,
    bound: Option<Target>,
}

#[derive(Default)]
struct Account {
    document: User,
    person: Person,
    live: bool,
    seq: i64,
    manager: Option<Assertion>,
    additional: Vec<Assertion>,
}

#[derive(Default)]
struct Group {
    name: String,
    live: bool,
    /// Folded value → as asserted.
    members: BTreeMap<String, Assertion>,
}

#[derive(Default)]
pub(crate) struct Model {
    accounts: BTreeMap<Uuid, Account>,
    groups: BTreeMap<Uuid, Group>,
    people: usize,
    /// externalId → who held it last, and whether that ended with a deletion.
    last_holder: HashMap<String, (Person, bool)>,
    spellings: BTreeMap<(&'static str, String), String>,
    /// How often each rule was exercised.
    pub(crate) paths: BTreeMap<&'static str, u64>,
}

/// Comparable rows, one line of text each: what must be in the directory, no more and no less.
pub(crate) type Rows = BTreeSet<String>;

pub(crate) fn fold(value: &str) -> String {
    value.to_lowercase()
}

impl Model {
    fn hit(&mut self, path: &'static str) {
        *self.paths.entry(path).or_default() += 1;
    }

    pub(crate) fn apply(&mut self, seq: i64, event: &Event) {
        match event {
            Event::User {
                resource,
                document,
                manager,
                additional,
            } => {
                self.user(seq, *resource, document, *manager, *additional);
            }
            Event::UserGone { resource } => self.user_gone(seq, *resource),
            Event::Group { resource, name } => {
                let group = self.groups.entry(*resource).or_default();
                group.live = true;
                group.name.clone_from(name);
            }
            Event::Members { resource, edit } => self.members(*resource, edit),
            Event::GroupGone { resource } => {
                if let Some(group) = self.groups.get_mut(resource) {
                    group.live = false;
                    group.members.clear();
                }
            }
        }
        self.bind();
    }

    fn user(&mut self, seq: i64, resource: Uuid, document: &User, manager: bool, additional: bool) {
        if !self.accounts.contains_key(&resource) {
            let former = document
                .external_id
                .as_ref()
                .and_then(|id| self.last_holder.get(id))
                .copied();
            let person = match former {
                Some((person, true)) => {
                    self.hit("rehire");
                    person
                }
                _ => {
                    self.people += 1;
                    self.people
                }
            };
            self.accounts.insert(
                resource,
                Account {
                    person,
                    ..Account::default()
                },
            );
        }
        let fresh = |reference: &String| Assertion {
            reference: reference.clone(),
            bound: None,
        };
        let account = self.accounts.get_mut(&resource).expect("inserted above");
        let before = account.document.external_id.clone();
        account.live = true;
        account.seq = seq;
        account.document = document.clone();
        if manager || document.manager.is_none() {
            account.manager = document.manager.as_ref().map(fresh);
        }
        if additional || document.additional.is_empty() {
            account.additional = document.additional.iter().map(fresh).collect();
        }
        let person = account.person;
        if before != document.external_id {
            if let Some(before) = before {
                self.last_holder.insert(before, (person, false));
            }
            if let Some(now) = &document.external_id {
                self.last_holder.insert(now.clone(), (person, false));
            }
        }
        for (kind, name) in [
            ("department", &document.department),
            ("division", &document.division),
        ] {
            if let Some(name) = name {
                self.spellings
                    .entry((kind, fold(name)))
                    .or_insert_with(|| name.clone());
            }
        }
    }

    fn user_gone(&mut self, seq: i64, resource: Uuid) {
        let Some(account) = self.accounts.get_mut(&resource) else {
            return;
        };
        account.live = false;
        account.seq = seq;
        if let Some(external_id) = account.document.external_id.clone() {
            self.last_holder.insert(external_id, (account.person, true));
        }
        let id = resource.to_string();
        for group in self.groups.values_mut() {
            group.members.remove(&id);
        }
    }

    fn members(&mut self, resource: Uuid, edit: &Edit) {
        let Some(group) = self.groups.get_mut(&resource) else {
            return;
        };
        let add = |group: &mut Group, value: &String| {
            let known = group
                .members
                .get(&fold(value))
                .is_some_and(|member| member.reference == *value);
            if !known {
                group.members.insert(
                    fold(value),
                    Assertion {
                        reference: value.clone(),
                        bound: None,
                    },
                );
            }
        };
        match edit {
            Edit::Add(values) => values.iter().for_each(|value| add(group, value)),
            Edit::Remove(values) => values.iter().for_each(|value| {
                group.members.remove(&fold(value));
            }),
            Edit::Replace(values) => {
                let wanted: BTreeSet<String> = values.iter().map(|value| fold(value)).collect();
                group.members.retain(|member, _| wanted.contains(member));
                values.iter().for_each(|value| add(group, value));
            }
        }
    }

    /// Bind every reference that has exactly one best holder now.
    fn bind(&mut self) {
        let mut holders: HashMap<String, (u8, BTreeSet<Person>)> = HashMap::new();
        for (resource, account) in self.accounts.iter().filter(|(_, account)| account.live) {
            let document = &account.document;
            let mut values = vec![(0, resource.to_string()), (2, document.user_name.clone())];
            values.extend(document.external_id.iter().map(|value| (1, value.clone())));
            values.extend(
                document
                    .emails
                    .iter()
                    .enumerate()
                    .map(|(place, value)| (3 + (place > 0) as u8, value.clone())),
            );
            values.extend(document.employee_number.iter().map(|value| (5, value.clone())));
            for (rank, value) in values {
                let best = holders.entry(fold(&value)).or_insert((rank, BTreeSet::new()));
                if rank < best.0 {
                    *best = (rank, BTreeSet::new());
                }
                if rank == best.0 {
                    best.1.insert(account.person);
                }
            }
        }
        let live_groups: HashMap<String, Uuid> = self
            .groups
            .iter()
            .filter(|(_, group)| group.live)
            .map(|(resource, _)| (resource.to_string(), *resource))
            .collect();
        let mut ambiguous = 0;
        let mut bind = |assertion: &mut Assertion| {
            if assertion.bound.is_none()
                && let Some((_, people)) = holders.get(&fold(&assertion.reference))
            {
                match people.len() {
                    1 => assertion.bound = people.first().copied().map(Target::Person),
                    _ => ambiguous += 1,
                }
            }
        };
        for account in self.accounts.values_mut().filter(|account| account.live) {
            account
                .manager
                .iter_mut()
                .chain(&mut account.additional)
                .for_each(&mut bind);
        }
        for group in self.groups.values_mut() {
            for assertion in group.members.values_mut() {
                match live_groups.get(&fold(&assertion.reference)) {
                    Some(inner) if assertion.bound.is_none() => assertion.bound = Some(Target::Group(*inner)),
                    _ => bind(assertion),
                }
            }
        }
        if ambiguous > 0 {
            self.hit("ambiguous");
        }
    }

    /// The people, by number, each with the account that describes them: the live one, else the
    /// one that went last.
    fn described(&self) -> BTreeMap<Person, (&Uuid, &Account)> {
        let mut described: BTreeMap<Person, (&Uuid, &Account)> = BTreeMap::new();
        for (resource, account) in &self.accounts {
            let best = described.entry(account.person).or_insert((resource, account));
            if (account.live, account.seq) > (best.1.live, best.1.seq) {
                *best = (resource, account);
            }
        }
        described
    }
}
