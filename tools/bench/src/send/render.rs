//! From planned operations to writes.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::bodies::{self, CORE_GROUP, ENTERPRISE, Managers};
use super::{Ids, Operation};
use crate::company::{By, Client as Software, Company, Link};

/// The body of a single POST for a person, as its client shapes it.
pub(crate) fn create_body(company: &Company, person: usize) -> Result<Value> {
    let write = single(&Operation::CreatePerson(person), company, &Ids::default())?;
    write.data.context("a creation has a body")
}

/// The body of one `/Bulk` request.
pub(crate) fn bulk_body(operations: &[Operation], company: &Company) -> Result<Value> {
    Ok(bulk(operations, company, &Ids::default())?.1)
}

/// The write of one operation that is sent by itself.
pub(super) fn single(operation: &Operation, company: &Company, ids: &Ids) -> Result<Write> {
    Scope {
        company,
        ids,
        together: HashSet::new(),
    }
    .write(operation)
}

/// The writes of one bulk request, and its body.
pub(super) fn bulk(operations: &[Operation], company: &Company, ids: &Ids) -> Result<(Vec<Write>, Value)> {
    let created = operations.iter().filter_map(|operation| match operation {
        Operation::CreatePerson(person) => Some(*person),
        _ => None,
    });
    let scope = Scope {
        company,
        ids,
        together: created.collect(),
    };
    let writes: Vec<Write> = operations
        .iter()
        .map(|operation| scope.write(operation))
        .collect::<Result<_>>()?;
    let rendered: Vec<Value> = writes
        .iter()
        .map(|write| {
            let mut rendered = json!({ "method": write.method, "path": write.path });
            if let Some(bulk_id) = &write.bulk_id {
                rendered["bulkId"] = json!(bulk_id);
            }
            if let Some(data) = &write.data {
                rendered["data"] = data.clone();
            }
            rendered
        })
        .collect();
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    Ok((writes, json!({ "schemas": schemas, "Operations": rendered })))
}

/// One write, by itself or as an operation of a bulk request.
pub(super) struct Write {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) bulk_id: Option<String>,
    pub(super) data: Option<Value>,
}

/// What the writes of one request can refer to.
struct Scope<'a> {
    company: &'a Company,
    ids: &'a Ids,
    /// People created by the same bulk request.
    together: HashSet<usize>,
}

impl Scope<'_> {
    fn write(&self, operation: &Operation) -> Result<Write> {
        let people = &self.company.people;
        Ok(match operation {
            Operation::CreatePerson(person) => {
                let title = people[*person]
                    .first_title
                    .as_ref()
                    .unwrap_or(&people[*person].title);
                let data = self.user(*person, title)?;
                create("/Users", format!("p{person}"), Value::Object(data))
            }
            Operation::ReplacePerson(person) => {
                let mut data = self.user(*person, &people[*person].title)?;
                data.insert("id".to_owned(), json!(self.person_id(*person)?));
                change("PUT", self.user_path(*person)?, Value::Object(data))
            }
            Operation::SetManager(person) => {
                let software = people[*person].client;
                let manager = people[*person].manager.context("only links that exist are set")?;
                let value = json!(self.person_id(manager.to)?);
                let path = format!("{ENTERPRISE}:manager");
                let patch = match software {
                    Software::Entra => bodies::patch(software, "add", Some(&path), value),
                    Software::Okta | Software::Roster => {
                        bodies::patch(software, "replace", Some(&path), json!({ "value": value }))
                    }
                };
                change("PATCH", self.user_path(*person)?, patch)
            }
            Operation::Deactivate(person) => {
                let software = people[*person].client;
                let patch = match software {
                    Software::Entra => bodies::patch(software, "replace", Some("active"), json!("False")),
                    _ => bodies::patch(software, "replace", None, json!({ "active": false })),
                };
                change("PATCH", self.user_path(*person)?, patch)
            }
            Operation::DeletePerson(person) => delete(self.user_path(*person)?),
            Operation::DeleteGroup(group) => delete(self.group_path(*group)?),
            Operation::CreateGroup { group, members } => {
                create("/Groups", format!("g{group}"), self.group(*group, members)?)
            }
            Operation::AddMembers { group, members } => {
                let software = self.company.groups[*group].client;
                let patch = bodies::patch(software, "add", Some("members"), self.members(*group, members)?);
                change("PATCH", self.group_path(*group)?, patch)
            }
            Operation::RenameGroup(group) => {
                let known = &self.company.groups[*group];
                let patch = match known.client {
                    Software::Okta => {
                        let id = self.ids.groups.get(group).context("the group was not created")?;
                        let value = json!({ "id": id, "displayName": known.name });
                        bodies::patch(known.client, "replace", None, value)
                    }
                    _ => bodies::patch(known.client, "replace", Some("displayName"), json!(known.name)),
                };
                change("PATCH", self.group_path(*group)?, patch)
            }
        })
    }

    fn user(&self, index: usize, title: &str) -> Result<Map<String, Value>> {
        let person = &self.company.people[index];
        let managers = Managers {
            manager: person
                .manager
                .map(|link| self.reference(link))
                .transpose()?
                .flatten(),
            additional: (person.additional_managers.iter())
                .filter_map(|link| self.reference(*link).transpose())
                .collect::<Result<_>>()?,
        };
        Ok(bodies::user(person, managers, title, index))
    }

    fn group(&self, index: usize, members: &[usize]) -> Result<Value> {
        let group = &self.company.groups[index];
        let name = group.first_name.as_ref().unwrap_or(&group.name);
        let mut body = json!({ "schemas": [CORE_GROUP], "displayName": name });
        if let Some(external_id) = &group.external_id {
            body["externalId"] = json!(external_id);
        }
        if !members.is_empty() {
            body["members"] = self.members(index, members)?;
        }
        Ok(body)
    }

    fn members(&self, group: usize, members: &[usize]) -> Result<Value> {
        let group = &self.company.groups[group];
        let mut values = Vec::with_capacity(members.len());
        for member in members {
            let link = group.members[*member];
            let value = self.reference(link)?.context("a member's id is not known yet")?;
            values.push(match group.client {
                Software::Okta => json!({ "value": value, "display": self.company.people[link.to].login }),
                _ => json!({ "value": value }),
            });
        }
        Ok(Value::Array(values))
    }

    /// The text that names a person; `None` for a SCIM id that cannot be known yet.
    fn reference(&self, link: Link) -> Result<Option<String>> {
        Ok(match link.by {
            By::Id if self.together.contains(&link.to) => Some(format!("bulkId:p{}", link.to)),
            By::Id => self.ids.people.get(&link.to).map(Uuid::to_string),
            by => self.company.people[link.to].reference(by),
        })
    }

    fn person_id(&self, person: usize) -> Result<Uuid> {
        self.ids
            .people
            .get(&person)
            .copied()
            .with_context(|| format!("person {person} was not created"))
    }

    fn user_path(&self, person: usize) -> Result<String> {
        Ok(format!("/Users/{}", self.person_id(person)?))
    }

    fn group_path(&self, group: usize) -> Result<String> {
        let id = self
            .ids
            .groups
            .get(&group)
            .with_context(|| format!("group {group} was not created"))?;
        Ok(format!("/Groups/{id}"))
    }
}

fn create(path: &str, bulk_id: String, data: Value) -> Write {
    Write {
        method: "POST",
        path: path.to_owned(),
        bulk_id: Some(bulk_id),
        data: Some(data),
    }
}

fn change(method: &'static str, path: String, data: Value) -> Write {
    Write {
        method,
        path,
        bulk_id: None,
        data: Some(data),
    }
}

fn delete(path: String) -> Write {
    Write {
        method: "DELETE",
        path,
        bulk_id: None,
        data: None,
    }
}
