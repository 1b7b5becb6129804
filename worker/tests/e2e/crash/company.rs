//! Who is in the company: names that identify a person or group for ever, and references to them.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";
pub(super) const BADGES: &str = "urn:example:params:scim:schemas:extension:badges:2.0:User";

pub(super) const DEPARTMENTS: [&str; 5] = ["Sales", "Research", "Küche", "Legal", "People & Culture"];
pub(super) const DIVISIONS: [&str; 3] = ["EMEA", "APAC", "Amériques"];
pub(super) const COST_CENTERS: [&str; 4] = ["100", "200", "300", "400"];

/// Users every client writes, and nobody else.
pub(super) const USERS_EACH: usize = 60;
/// Groups every client writes, and nobody else.
pub(super) const GROUPS_EACH: usize = 8;

pub(super) fn user_name(user: usize) -> String {
    format!("u{user:05}@crash.example")
}

pub(super) fn external_id(user: usize) -> String {
    format!("hr-{user:05}")
}

pub(super) fn mail(user: usize) -> String {
    format!("mail-{user:05}@crash.example")
}

pub(super) fn employee_number(user: usize) -> String {
    format!("E{user:05}")
}

pub(super) fn group_external_id(group: usize) -> String {
    format!("grp-{group:04}")
}

/// Whether this user is deleted and rehired now and then; the others stay once they exist.
pub(super) fn comes_and_goes(user: usize) -> bool {
    user.is_multiple_of(4)
}

/// The ids that answers gave to users: the newest of each.
#[derive(Clone, Default)]
pub(super) struct Ids(Arc<Mutex<HashMap<usize, Uuid>>>);

impl Ids {
    pub(super) fn learn(&self, user: usize, id: Uuid) {
        self.0.lock().unwrap().insert(user, id);
    }

    pub(super) fn of(&self, user: usize) -> Option<Uuid> {
        self.0.lock().unwrap().get(&user).copied()
    }
}

/// How one resource names a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) target: usize,
    pub(super) reference: Reference,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// externalId, userName, e-mail or employee number, in some spelling.
    Value(String),
    /// A SCIM id the target had when the reference was made.
    Id(Uuid),
    /// The id that this very bulk request gives to the target, which never leaves.
    BulkId,
}

impl Link {
    /// As it is written into a request.
    pub(super) fn sent(&self) -> Value {
        json!({ "value": match &self.reference {
            Reference::Value(text) => text.clone(),
            Reference::Id(id) => id.to_string(),
            Reference::BulkId => format!("bulkId:u{}", self.target),
        }})
    }

    /// As it reads back; `None` while nobody knows the id.
    pub(super) fn text(&self, ids: &Ids) -> Option<String> {
        match &self.reference {
            Reference::Value(text) => Some(text.clone()),
            Reference::Id(id) => Some(id.to_string()),
            Reference::BulkId => ids.of(self.target).map(|id| id.to_string()),
        }
    }

    /// What makes two members of a group the same one. Who stays has one id for ever, whether it
    /// was written out or named by bulkId.
    pub(super) fn member_key(&self) -> String {
        match &self.reference {
            Reference::Value(text) => text.to_lowercase(),
            Reference::Id(id) if comes_and_goes(self.target) => id.to_string(),
            Reference::Id(_) | Reference::BulkId => format!("id of u{}", self.target),
        }
    }
}
