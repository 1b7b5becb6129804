//! People as they are shown, with what the client wants beside them.

use crate::error::Failure;
use crate::extract::Asked;
use crate::openapi::described;
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::people::{Brief, Person};
use rollcall_shared::store::{PgConnection, StoreError, content};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

described!(
    /// A person as the directory shows them: what `fields` selects, and what `include` adds.
    ColleagueForm, {
        "id?": "uuid: in the directory",
        "scimId?": "uuid: of the SCIM User last applied",
        "active?": "boolean",
        "login?": "string?",
        "email?": "string?",
        "furtherEmails?": ["string"],
        "externalId?": "string?",
        "employeeNumber?": "string?",
        "firstName?": "string?",
        "lastName?": "string?",
        "displayName?": "string?",
        "position?": "string?",
        "level?": "string?",
        "location?": "string?",
        "gender?": "string?",
        "startDate?": "date?",
        "endDate?": "date?",
        "birthday?": "date?",
        "employmentType?": "string?",
        "photoUrl?": "string?",
        "custom?": "object: the company's own attributes, by key",
        "createdAt?": "time",
        "updatedAt?": "time",
        "managers?": [{ "id": "uuid", "displayName": "string?", "primary": "boolean: the manager; the others are additional ones" }],
        "teams?": [{ "id": "uuid", "kind": "string", "name": "string" }],
        "waiting?": "integer: links to people or teams that are not there yet",
    }
);

/// The members of a person, of which `fields` may select.
const FIELDS: [&str; 23] = [
    "id",
    "scimId",
    "active",
    "login",
    "email",
    "furtherEmails",
    "externalId",
    "employeeNumber",
    "firstName",
    "lastName",
    "displayName",
    "position",
    "level",
    "location",
    "gender",
    "startDate",
    "endDate",
    "birthday",
    "employmentType",
    "photoUrl",
    "custom",
    "createdAt",
    "updatedAt",
];
const INCLUDES: [&str; 3] = ["managers", "teams", "waiting"];

/// Which parts of people the client wants.
pub(super) struct Parts<'a> {
    fields: Option<Vec<&'a str>>,
    include: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// `fields` and `include`, lists of names with commas.
    ///
    /// # Errors
    /// 400 naming one there is not.
    pub(super) fn of(asked: &'a Asked) -> Result<Parts<'a>, Failure> {
        let names = |parameter: &'static str, known: &[&'static str]| {
            let Some(text) = asked.text(parameter) else {
                return Ok(None);
            };
            let names: Vec<&str> = text
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect();
            match names.iter().all(|name| known.contains(name)) {
                true => Ok(Some(names)),
                false => Err(Failure::new(
                    StatusCode::BAD_REQUEST,
                    format!("{parameter} may name {}", known.join(", ")),
                )),
            }
        };
        Ok(Parts {
            fields: names("fields", &FIELDS)?,
            include: names("include", &INCLUDES)?.unwrap_or_default(),
        })
    }

    /// Whether only a person's own fields are wanted.
    pub(super) fn are_own(&self) -> bool {
        self.include.is_empty()
    }

    /// People as they are shown, in this order.
    ///
    /// # Errors
    /// When a statement fails.
    pub(super) async fn show(
        &self,
        connection: &mut PgConnection,
        tenant: TenantId,
        people: &[Person],
    ) -> Result<Vec<Value>, StoreError> {
        let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        let wants = |part| self.include.contains(&part);
        let mut managers = match wants("managers") {
            true => Some(content::managers(connection, tenant, &ids).await?),
            false => None,
        };
        let mut teams = match wants("teams") {
            true => Some(content::teams(connection, tenant, &ids).await?),
            false => None,
        };
        let waiting = match wants("waiting") {
            true => Some(content::waiting(connection, tenant, &ids).await?),
            false => None,
        };
        let shown = people.iter().map(|person| {
            let mut shown = self.fields(person);
            if let Some(managers) = &mut managers {
                shown.insert("managers".to_owned(), taken(managers, person.id));
            }
            if let Some(teams) = &mut teams {
                shown.insert("teams".to_owned(), taken(teams, person.id));
            }
            if let Some(waiting) = &waiting {
                let waiting = waiting.get(&person.id).copied().unwrap_or_default();
                shown.insert("waiting".to_owned(), json!(waiting));
            }
            Value::Object(shown)
        });
        Ok(shown.collect())
    }

    fn fields(&self, person: &Person) -> Map<String, Value> {
        let Value::Object(mut own) = json!(person) else {
            return Map::new();
        };
        own.insert("active".to_owned(), json!(person.status == "active"));
        own.insert("scimId".to_owned(), json!(person.resource_id));
        let mut shown = Map::new();
        for field in FIELDS {
            if self.fields.as_ref().is_none_or(|fields| fields.contains(&field)) {
                shown.insert(field.to_owned(), own.remove(field).unwrap_or_default());
            }
        }
        shown
    }
}

fn taken<T: serde::Serialize>(lists: &mut HashMap<Uuid, Vec<T>>, id: Uuid) -> Value {
    json!(lists.remove(&id).unwrap_or_default())
}

/// As much of a person as tells who it is.
pub(super) fn brief(person: &Brief) -> Value {
    json!({
        "id": person.id,
        "scimId": person.resource_id,
        "active": person.status == "active",
        "login": person.login,
        "email": person.email,
        "displayName": person.display_name,
    })
}
