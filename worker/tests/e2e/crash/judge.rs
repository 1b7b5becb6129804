//! What SCIM reads must show, and which directory follows from it.

use super::company::{Ids, Reference, comes_and_goes, employee_number, external_id, mail, user_name};
use super::directory::{Directory, Line, Membership, Person, Waiting};
use super::model::{Group, User, read_user};
use super::traffic::Client;
use crate::harness::Scim;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The desired state as read, told in the oracle's terms.
pub(super) struct Truth {
    users: BTreeMap<usize, (Uuid, User)>,
    groups: BTreeMap<usize, (Uuid, Group, Vec<Member>)>,
    /// Users that existed for certain at some time, and those that may have.
    existed: BTreeSet<usize>,
    may_have_existed: BTreeSet<usize>,
}

/// A member as the API shows it, and whom it names.
struct Member {
    value: String,
    target: usize,
    by_id: bool,
}

/// Read everything back and hold it against the oracle; every difference becomes a line.
pub(super) async fn read_back(
    scim: &Scim,
    clients: &[Client],
    ids: &Ids,
    differences: &mut Vec<String>,
) -> Truth {
    let mut users = by_external_id(scim.list("/Users").await, differences);
    for &user in clients.iter().flat_map(|client| client.users.keys()) {
        if let Some(resource) = users.get(&external_id(user)) {
            ids.learn(user, id_of(resource));
        }
    }
    let mut truth = Truth {
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        existed: BTreeSet::new(),
        may_have_existed: BTreeSet::new(),
    };
    for (&user, slot) in clients.iter().flat_map(|client| &client.users) {
        let resource = users.remove(&external_id(user));
        let possible = &slot.possible;
        if possible.existed {
            truth.existed.insert(user);
        }
        if possible.existed || !possible.journal.is_empty() {
            truth.may_have_existed.insert(user);
        }
        let found = possible.states.iter().find(|state| match (state, &resource) {
            (None, None) => true,
            (Some(state), Some(resource)) => state.reading(ids) == Some(read_user(resource)),
            _ => false,
        });
        match (found, resource) {
            (Some(Some(state)), Some(resource)) => {
                truth.users.insert(user, (id_of(&resource), state.clone()));
            }
            (Some(_), _) => {}
            (None, resource) => differences.push(format!(
                "user {user} reads {:?}, possible is {:#?} after {:#?}",
                resource.as_ref().map(read_user),
                possible.states,
                possible.journal
            )),
        }
    }
    differences.extend(users.keys().map(|name| format!("a user nobody sent: {name}")));
    read_back_groups(scim, clients, ids, &mut truth, differences).await;
    truth
}

async fn read_back_groups(
    scim: &Scim,
    clients: &[Client],
    ids: &Ids,
    truth: &mut Truth,
    differences: &mut Vec<String>,
) {
    let mut groups = by_external_id(scim.list("/Groups").await, differences);
    for (&group, slot) in clients.iter().flat_map(|client| &client.groups) {
        let possible = &slot.possible;
        let resource = groups.remove(&super::company::group_external_id(group));
        let found = possible.states.iter().find_map(|state| match (state, &resource) {
            (None, None) => Some(None),
            (Some(state), Some(resource)) => {
                let members = same_group(group, state, resource, truth, ids)?;
                Some(Some((id_of(resource), state.clone(), members)))
            }
            _ => None,
        });
        match found {
            Some(Some(found)) => {
                truth.groups.insert(group, found);
            }
            Some(None) => {}
            None => differences.push(format!(
                "group {group} reads {resource:?}, possible is {:#?} after {:#?}",
                possible.states, possible.journal
            )),
        }
    }
    differences.extend(groups.keys().map(|name| format!("a group nobody sent: {name}")));
}

/// The members of `resource`, if it is what `state` says. A member named by an id leaves its
/// groups when the resource of that id is deleted, so it may be missing if that is gone.
fn same_group(
    group: usize,
    state: &Group,
    resource: &Value,
    truth: &Truth,
    ids: &Ids,
) -> Option<Vec<Member>> {
    if resource["displayName"] != state.display_name(group) {
        return None;
    }
    let read: Vec<String> = resource["members"]
        .as_array()
        .map(|members| {
            members
                .iter()
                .filter_map(|member| member["value"].as_str())
                .collect::<Vec<_>>()
        })
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut unseen: BTreeMap<String, String> = read
        .into_iter()
        .map(|value| (value.to_lowercase(), value))
        .collect();
    let mut members = vec![];
    for link in state.members.values() {
        let text = link.text(ids)?;
        match unseen.remove(&text.to_lowercase()) {
            Some(value) => {
                let by_id = !matches!(link.reference, Reference::Value(_));
                members.push(Member {
                    value,
                    target: link.target,
                    by_id,
                });
            }
            None => {
                let live = truth.users.get(&link.target).map(|(id, _)| *id);
                match link.reference {
                    Reference::Id(id) if comes_and_goes(link.target) && live != Some(id) => {}
                    _ => return None,
                }
            }
        }
    }
    unseen.is_empty().then_some(members)
}

fn by_external_id(resources: Vec<Value>, differences: &mut Vec<String>) -> BTreeMap<String, Value> {
    let mut named = BTreeMap::new();
    for resource in resources {
        let name = resource["externalId"].as_str().unwrap_or_default().to_owned();
        if let Some(other) = named.insert(name, resource) {
            differences.push(format!("listed twice: {other}"));
        }
    }
    named
}

fn id_of(resource: &Value) -> Uuid {
    let id = resource["id"].as_str().and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("no id in {resource}"))
}

impl Truth {
    /// The directory that the desired state calls for.
    pub(super) fn directory(&self) -> Directory {
        let mut directory = Directory::default();
        for (&user, (_, state)) in &self.users {
            directory.people.insert(external_id(user), person(user, state));
            self.add_teams(&mut directory, user, state);
            self.add_lines(&mut directory, user, state);
        }
        for (&group, (id, state, members)) in &self.groups {
            directory.groups.insert(*id, state.display_name(group));
            for member in members {
                self.add_member(&mut directory, *id, member);
            }
        }
        directory
    }

    /// Whether the directory must show this person as gone, may, or must not know them.
    pub(super) fn left(&self, user: usize) -> (bool, bool) {
        let gone = !self.users.contains_key(&user);
        (
            gone && self.existed.contains(&user),
            gone && self.may_have_existed.contains(&user),
        )
    }

    fn add_teams(&self, directory: &mut Directory, user: usize, state: &User) {
        let named = [
            ("department", &state.department),
            ("division", &state.division),
            ("cost_center", &state.cost_center),
        ];
        for (kind, name) in named {
            if let Some(name) = name {
                directory.memberships.insert(Membership {
                    team: format!("{kind} {name}"),
                    person: external_id(user),
                    source: kind.to_owned(),
                });
            }
        }
    }

    fn add_lines(&self, directory: &mut Directory, user: usize, state: &User) {
        let primary = state.manager.iter().map(|link| (1, 0, link));
        let additional = state
            .additional
            .iter()
            .enumerate()
            .map(|(place, link)| (2, place, link));
        for (slot, place, link) in primary.chain(additional) {
            if self.users.contains_key(&link.target) {
                directory.lines.insert(Line {
                    person: external_id(user),
                    slot,
                    ordinal: i16::try_from(place).expect("a short list"),
                    manager: external_id(link.target),
                });
            } else {
                let reference = match &link.reference {
                    Reference::Value(text) => text.clone(),
                    // Only those who stay are named by id here, and they are there.
                    other => format!("{other:?}"),
                };
                directory.waiting.insert(Waiting {
                    subject: external_id(user),
                    slot,
                    reference,
                });
            }
        }
    }

    fn add_member(&self, directory: &mut Directory, group: Uuid, member: &Member) {
        let live = self.users.get(&member.target).map(|(id, _)| id.to_string());
        let there = match member.by_id {
            true => live.as_deref() == Some(&*member.value),
            false => live.is_some(),
        };
        if there {
            directory.memberships.insert(Membership {
                team: format!("group {group}"),
                person: external_id(member.target),
                source: format!("member:{}", member.value.to_lowercase()),
            });
        } else {
            let subject = format!("group {group}");
            directory.waiting.insert(Waiting {
                subject,
                slot: 3,
                reference: member.value.clone(),
            });
        }
    }
}

fn person(user: usize, state: &User) -> Person {
    Person {
        status: if state.active { "active" } else { "deactivated" }.to_owned(),
        login: Some(user_name(user)),
        email: Some(mail(user)),
        employee_number: Some(employee_number(user)),
        first_name: Some(format!("Given {user}")),
        last_name: Some(format!("Fämily {user}")),
        position: Some(state.stamp.clone()),
        badge: Some(state.badge.clone()),
    }
}
