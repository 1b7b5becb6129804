use super::lookup::{anywhere, extension, get};
use super::values::{Reader, boolean, date, text, web_address};
use super::{Document, ENTERPRISE, Object, ROLLCALL, References, Rejection, references};
use crate::directory::fold_name;
use crate::scim::team_names;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

/// `people.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Deactivated,
    /// The resource is gone; the person is kept, with the fields of the last document.
    Deprovisioned,
}

impl Status {
    /// The text kept in the column.
    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Deactivated => "deactivated",
            Status::Deprovisioned => "deprovisioned",
        }
    }

    /// What the source asserts. Of an `active` that cannot be read the last status remains.
    pub fn asserted(live: bool, active: Option<bool>, last: Option<Status>) -> Status {
        let last = last.filter(|last| *last != Status::Deprovisioned);
        match (live, active) {
            (false, _) => Status::Deprovisioned,
            (true, Some(true)) => Status::Active,
            (true, Some(false)) => Status::Deactivated,
            (true, None) => last.unwrap_or(Status::Active),
        }
    }

    /// This status on a day, where start and end dates decide too: whoever has not begun, or whose
    /// last day is over, is not active. Without a day they decide nothing.
    pub fn on(self, day: Option<NaiveDate>, fields: &PersonFields) -> Status {
        let outside = day.is_some_and(|day| {
            let begins_later = fields.start_date.is_some_and(|start| start > day);
            let is_over = fields.end_date.is_some_and(|end| end < day);
            begins_later || is_over
        });
        match self {
            Status::Active if outside => Status::Deactivated,
            status => status,
        }
    }

    pub fn from_column(name: &str) -> Option<Status> {
        [Status::Active, Status::Deactivated, Status::Deprovisioned]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// The columns of `people` that a document fills; names are those of the columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PersonFields {
    pub login: Option<String>,
    pub email: Option<String>,
    pub further_emails: Vec<String>,
    pub external_id: Option<String>,
    pub employee_number: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub display_name: Option<String>,
    pub position: Option<String>,
    pub level: Option<String>,
    pub location: Option<String>,
    pub gender: Option<String>,
    pub start_date: Option<NaiveDate>,
    pub end_date: Option<NaiveDate>,
    pub birthday: Option<NaiveDate>,
    pub employment_type: Option<String>,
    pub photo_url: Option<String>,
    pub custom: Object,
}

/// What the document of a SCIM User asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectedPerson {
    /// `None`: `active` cannot be read; the person keeps the last status.
    pub active: Option<bool>,
    pub fields: PersonFields,
    /// The attribute teams the person belongs to, one of a kind.
    pub teams: Vec<WantedTeam>,
    pub references: References,
    /// Includes those of the references.
    pub rejections: Vec<Rejection>,
}

/// A team named by a value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTeam {
    /// `department`, `division` or `cost_center`.
    pub kind: &'static str,
    /// What identifies the team among those of its kind.
    pub folded: String,
    pub name: String,
}

/// Project the document of a SCIM User (RFC 7643 §4.1) by the default mapping.
pub fn project_person(document: &Document) -> ProjectedPerson {
    let teams = team_names(document)
        .into_iter()
        .map(|(kind, name)| WantedTeam {
            kind,
            folded: fold_name(&name),
            name,
        })
        .collect();
    let document = &document.0;
    let mut reader = Reader::default();
    let enterprise = extension(document, ENTERPRISE);
    let name = get(document, "name").and_then(Value::as_object);
    let of_name = |part| name.and_then(|name| get(name, part));
    let (email, further_emails) = emails(&mut reader, get(document, "emails"));
    let photo = match get(document, "photos") {
        Some(Value::Array(photos)) => photos.first(),
        other => other,
    };
    let photo = photo.and_then(|photo| photo.as_object().map_or(Some(photo), |photo| get(photo, "value")));
    let active = match get(document, "active") {
        None => Some(true),
        sent => reader.take("status", "active", sent, boolean),
    };
    let fields = PersonFields {
        login: reader.take("login", "userName", get(document, "userName"), text),
        email,
        further_emails,
        external_id: reader.take("external_id", "externalId", get(document, "externalId"), text),
        employee_number: reader.take(
            "employee_number",
            "employeeNumber",
            enterprise.and_then(|enterprise| get(enterprise, "employeeNumber")),
            text,
        ),
        first_name: reader.take("first_name", "name.givenName", of_name("givenName"), text),
        last_name: reader.take("last_name", "name.familyName", of_name("familyName"), text),
        display_name: reader.take("display_name", "displayName", get(document, "displayName"), text),
        position: reader.take("position", "title", get(document, "title"), text),
        level: reader.take("level", "level", anywhere(document, "level"), text),
        location: reader.take("location", "location", anywhere(document, "location"), text),
        gender: reader.take("gender", "gender", anywhere(document, "gender"), text),
        start_date: reader.take("start_date", "startDate", anywhere(document, "startDate"), date),
        end_date: reader.take("end_date", "endDate", anywhere(document, "endDate"), date),
        birthday: reader.take("birthday", "birthday", anywhere(document, "birthday"), date),
        employment_type: reader.take(
            "employment_type",
            "employmentType",
            anywhere(document, "employmentType"),
            text,
        ),
        photo_url: reader.take("photo_url", "photos", photo, web_address),
        custom: super::custom::custom(document),
    };
    let references = references(
        enterprise.and_then(|enterprise| get(enterprise, "manager")),
        extension(document, ROLLCALL).and_then(|rollcall| get(rollcall, "additionalManagers")),
    );
    let mut rejections = reader.rejections;
    rejections.extend(references.rejections.iter().cloned());
    ProjectedPerson {
        active,
        fields,
        teams,
        references,
        rejections,
    }
}

/// The address marked primary, else the first; and all others, in order, each once.
fn emails(reader: &mut Reader, sent: Option<&Value>) -> (Option<String>, Vec<String>) {
    let items = match sent {
        Some(Value::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let mut rejected = false;
    let mut read: Vec<(bool, String)> = Vec::new();
    for item in items {
        let (value, primary) = match item.as_object() {
            Some(email) => (get(email, "value"), get(email, "primary")),
            None => (Some(item), None),
        };
        let primary = primary.is_some_and(|primary| boolean(primary) == Ok(Some(true)));
        match value.map(text) {
            Some(Ok(Some(address))) => read.push((primary, address)),
            Some(Err(complaint)) if !rejected => {
                rejected = true;
                reader.reject("emails", "emails.value", item, complaint);
            }
            _ => {}
        }
    }
    let first = read.iter().position(|(primary, _)| *primary).unwrap_or(0);
    let email = read.get(first).map(|(_, address)| address.clone());
    let mut further: Vec<String> = Vec::new();
    for (_, address) in read {
        if email.as_ref() != Some(&address) && !further.contains(&address) {
            further.push(address);
        }
    }
    (email, further)
}

impl PersonFields {
    /// Take the field a rejection is about from what was applied last.
    pub fn keep(&mut self, rule: &str, last: &PersonFields) {
        match rule {
            "login" => self.login.clone_from(&last.login),
            "emails" => {
                self.email.clone_from(&last.email);
                self.further_emails.clone_from(&last.further_emails);
            }
            "external_id" => self.external_id.clone_from(&last.external_id),
            "employee_number" => self.employee_number.clone_from(&last.employee_number),
            "first_name" => self.first_name.clone_from(&last.first_name),
            "last_name" => self.last_name.clone_from(&last.last_name),
            "display_name" => self.display_name.clone_from(&last.display_name),
            "position" => self.position.clone_from(&last.position),
            "level" => self.level.clone_from(&last.level),
            "location" => self.location.clone_from(&last.location),
            "gender" => self.gender.clone_from(&last.gender),
            "start_date" => self.start_date = last.start_date,
            "end_date" => self.end_date = last.end_date,
            "birthday" => self.birthday = last.birthday,
            "employment_type" => self.employment_type.clone_from(&last.employment_type),
            "photo_url" => self.photo_url.clone_from(&last.photo_url),
            _ => {}
        }
    }
}
