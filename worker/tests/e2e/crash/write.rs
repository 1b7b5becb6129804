//! One write: how it goes over the wire and what it does to the state it meets.

use super::company::{ENTERPRISE, Link, ROLLCALL};
use super::model::{Effect, Group, Inapplicable, User};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(super) enum Write {
    User(usize, UserWrite),
    Group(usize, GroupWrite),
}

#[derive(Debug, Clone)]
pub(super) enum UserWrite {
    Create(User),
    Replace(User),
    Patch {
        changes: Vec<UserChange>,
        without_path: bool,
    },
    Delete,
}

#[derive(Debug, Clone)]
pub(super) enum UserChange {
    Stamp(String),
    Active(bool),
    Department(Option<String>),
    Division(Option<String>),
    CostCenter(Option<String>),
    Manager(Option<Link>),
    Additional(Vec<Link>),
}

#[derive(Debug, Clone)]
pub(super) enum GroupWrite {
    Create(Group),
    Replace { group: Group, with_members: bool },
    Patch(Vec<GroupChange>),
    Delete,
}

#[derive(Debug, Clone)]
pub(super) enum GroupChange {
    Rename(String),
    Add(Vec<Link>),
    /// With the member's value as it reads back.
    Remove(Link, String),
    ReplaceMembers(Vec<Link>),
}

impl Write {
    pub(super) fn is_create(&self) -> bool {
        matches!(
            self,
            Write::User(_, UserWrite::Create(_)) | Write::Group(_, GroupWrite::Create(_))
        )
    }

    pub(super) fn method(&self) -> Method {
        match self {
            Write::User(_, UserWrite::Create(_)) | Write::Group(_, GroupWrite::Create(_)) => Method::POST,
            Write::User(_, UserWrite::Replace(_)) | Write::Group(_, GroupWrite::Replace { .. }) => {
                Method::PUT
            }
            Write::User(_, UserWrite::Patch { .. }) | Write::Group(_, GroupWrite::Patch(_)) => Method::PATCH,
            Write::User(_, UserWrite::Delete) | Write::Group(_, GroupWrite::Delete) => Method::DELETE,
        }
    }

    /// The path below the base URL; `id` of the resource, which a create has not.
    pub(super) fn path(&self, id: Option<Uuid>) -> String {
        let endpoint = match self {
            Write::User(..) => "/Users",
            Write::Group(..) => "/Groups",
        };
        match id {
            Some(id) if !self.is_create() => format!("{endpoint}/{id}"),
            _ => endpoint.to_owned(),
        }
    }

    /// The `bulkId` of a create in a bulk request.
    pub(super) fn bulk_id(&self) -> String {
        match self {
            Write::User(user, _) => format!("u{user}"),
            Write::Group(group, _) => format!("g{group}"),
        }
    }

    pub(super) fn body(&self) -> Option<Value> {
        match self {
            Write::User(user, UserWrite::Create(state) | UserWrite::Replace(state)) => {
                Some(state.body(*user))
            }
            Write::User(
                _,
                UserWrite::Patch {
                    changes,
                    without_path,
                },
            ) => Some(patch_body(if *without_path {
                at_once(changes)
            } else {
                one_by_one(changes)
            })),
            Write::Group(group, GroupWrite::Create(state)) => Some(state.body(*group, true)),
            Write::Group(
                group,
                GroupWrite::Replace {
                    group: state,
                    with_members,
                },
            ) => Some(state.body(*group, *with_members)),
            Write::Group(group, GroupWrite::Patch(changes)) => Some(patch_body(
                changes.iter().map(|change| change.operation(*group)).collect(),
            )),
            Write::User(_, UserWrite::Delete) | Write::Group(_, GroupWrite::Delete) => None,
        }
    }

    /// Method, body and number, for the journal.
    pub(super) fn described(&self) -> String {
        let body = self.body().map(|body| body.to_string()).unwrap_or_default();
        format!("{} {body}", self.method())
    }
}

impl UserWrite {
    pub(super) fn effect(&self) -> Box<Effect<User>> {
        match self.clone() {
            UserWrite::Create(user) => Box::new(move |state| created(state, &user)),
            UserWrite::Replace(user) => Box::new(move |state| existing(state).map(|_| Some(user.clone()))),
            UserWrite::Delete => Box::new(|state| existing(state).map(|_| None)),
            UserWrite::Patch { changes, .. } => Box::new(move |state| {
                let mut user = existing(state)?.clone();
                for change in changes.clone() {
                    match change {
                        UserChange::Stamp(stamp) => user.stamp = stamp,
                        UserChange::Active(active) => user.active = active,
                        UserChange::Department(name) => user.department = name,
                        UserChange::Division(name) => user.division = name,
                        UserChange::CostCenter(name) => user.cost_center = name,
                        UserChange::Manager(manager) => user.manager = manager,
                        UserChange::Additional(additional) => user.additional = additional,
                    }
                }
                Ok(Some(user))
            }),
        }
    }
}

impl GroupWrite {
    pub(super) fn effect(&self) -> Box<Effect<Group>> {
        match self.clone() {
            GroupWrite::Create(group) => Box::new(move |state| created(state, &group)),
            GroupWrite::Delete => Box::new(|state| existing(state).map(|_| None)),
            GroupWrite::Replace { group, with_members } => Box::new(move |state| {
                let kept = existing(state)?.members.clone();
                let mut group = group.clone();
                if !with_members {
                    group.members = kept;
                }
                Ok(Some(group))
            }),
            GroupWrite::Patch(changes) => Box::new(move |state| {
                let mut group = existing(state)?.clone();
                for change in changes.clone() {
                    match change {
                        GroupChange::Rename(stamp) => group.stamp = stamp,
                        GroupChange::Add(links) => {
                            for link in links {
                                group.members.entry(link.member_key()).or_insert(link);
                            }
                        }
                        GroupChange::Remove(link, _) => {
                            group.members.remove(&link.member_key());
                        }
                        GroupChange::ReplaceMembers(links) => {
                            group.members = links.into_iter().map(|link| (link.member_key(), link)).collect();
                        }
                    }
                }
                Ok(Some(group))
            }),
        }
    }
}

fn created<T: Clone>(state: &Option<T>, new: &T) -> Result<Option<T>, Inapplicable> {
    match state {
        None => Ok(Some(new.clone())),
        Some(_) => Err(Inapplicable),
    }
}

fn existing<T>(state: &Option<T>) -> Result<&T, Inapplicable> {
    state.as_ref().ok_or(Inapplicable)
}

fn patch_body(operations: Vec<Value>) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

impl UserChange {
    /// Path and value; null where the value is taken away.
    fn asserted(&self) -> (String, Value) {
        match self {
            UserChange::Stamp(stamp) => ("title".to_owned(), json!(stamp)),
            UserChange::Active(active) => ("active".to_owned(), json!(active)),
            UserChange::Department(name) => (format!("{ENTERPRISE}:department"), json!(name)),
            UserChange::Division(name) => (format!("{ENTERPRISE}:division"), json!(name)),
            UserChange::CostCenter(name) => (format!("{ENTERPRISE}:costCenter"), json!(name)),
            UserChange::Manager(manager) => (
                format!("{ENTERPRISE}:manager"),
                manager.as_ref().map_or(Value::Null, Link::sent),
            ),
            UserChange::Additional(links) if links.is_empty() => {
                (format!("{ROLLCALL}:additionalManagers"), Value::Null)
            }
            UserChange::Additional(links) => (
                format!("{ROLLCALL}:additionalManagers"),
                links.iter().map(Link::sent).collect(),
            ),
        }
    }
}

fn one_by_one(changes: &[UserChange]) -> Vec<Value> {
    changes
        .iter()
        .map(|change| match change.asserted() {
            (path, Value::Null) => json!({ "op": "remove", "path": path }),
            (path, value) => json!({ "op": "replace", "path": path, "value": value }),
        })
        .collect()
}

/// One operation with all values, as Entra sends it; what is taken away has its own.
fn at_once(changes: &[UserChange]) -> Vec<Value> {
    let (gone, set): (Vec<_>, Vec<_>) = changes
        .iter()
        .map(UserChange::asserted)
        .partition(|(_, value)| value.is_null());
    let values: Map<String, Value> = set.into_iter().collect();
    let mut operations = vec![json!({ "op": "Replace", "value": values })];
    operations.extend(
        gone.into_iter()
            .map(|(path, _)| json!({ "op": "Remove", "path": path })),
    );
    operations
}

impl GroupChange {
    fn operation(&self, group: usize) -> Value {
        match self {
            GroupChange::Rename(stamp) => {
                let name = format!("Team {group} / {stamp}");
                json!({ "op": "replace", "path": "displayName", "value": name })
            }
            GroupChange::Add(links) => {
                let values: Vec<Value> = links.iter().map(Link::sent).collect();
                json!({ "op": "add", "path": "members", "value": values })
            }
            GroupChange::Remove(_, value) => {
                json!({ "op": "remove", "path": format!("members[value eq \"{value}\"]") })
            }
            GroupChange::ReplaceMembers(links) => {
                let values: Vec<Value> = links.iter().map(Link::sent).collect();
                json!({ "op": "replace", "path": "members", "value": values })
            }
        }
    }
}
