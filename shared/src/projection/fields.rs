use super::Object;
use crate::mapping::Field;
use chrono::NaiveDate;
use serde::Serialize;

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

impl PersonFields {
    /// The column of a field of one text; `None` for the others.
    pub(super) fn text_mut(&mut self, field: Field) -> Option<&mut Option<String>> {
        Some(match field {
            Field::Login => &mut self.login,
            Field::Email => &mut self.email,
            Field::ExternalId => &mut self.external_id,
            Field::EmployeeNumber => &mut self.employee_number,
            Field::FirstName => &mut self.first_name,
            Field::LastName => &mut self.last_name,
            Field::DisplayName => &mut self.display_name,
            Field::Position => &mut self.position,
            Field::Level => &mut self.level,
            Field::Location => &mut self.location,
            Field::Gender => &mut self.gender,
            Field::EmploymentType => &mut self.employment_type,
            Field::PhotoUrl => &mut self.photo_url,
            Field::Active
            | Field::Emails
            | Field::FurtherEmails
            | Field::StartDate
            | Field::EndDate
            | Field::Birthday => return None,
        })
    }

    /// The column of a date; `None` for the others.
    pub(super) fn date_mut(&mut self, field: Field) -> Option<&mut Option<NaiveDate>> {
        match field {
            Field::StartDate => Some(&mut self.start_date),
            Field::EndDate => Some(&mut self.end_date),
            Field::Birthday => Some(&mut self.birthday),
            _ => None,
        }
    }

    /// Take a field from what was applied last.
    pub(super) fn keep(&mut self, field: Field, last: &PersonFields) {
        match field {
            Field::Active => {}
            Field::Login => self.login.clone_from(&last.login),
            Field::Emails => {
                self.email.clone_from(&last.email);
                self.further_emails.clone_from(&last.further_emails);
            }
            Field::Email => self.email.clone_from(&last.email),
            Field::FurtherEmails => self.further_emails.clone_from(&last.further_emails),
            Field::ExternalId => self.external_id.clone_from(&last.external_id),
            Field::EmployeeNumber => self.employee_number.clone_from(&last.employee_number),
            Field::FirstName => self.first_name.clone_from(&last.first_name),
            Field::LastName => self.last_name.clone_from(&last.last_name),
            Field::DisplayName => self.display_name.clone_from(&last.display_name),
            Field::Position => self.position.clone_from(&last.position),
            Field::Level => self.level.clone_from(&last.level),
            Field::Location => self.location.clone_from(&last.location),
            Field::Gender => self.gender.clone_from(&last.gender),
            Field::StartDate => self.start_date = last.start_date,
            Field::EndDate => self.end_date = last.end_date,
            Field::Birthday => self.birthday = last.birthday,
            Field::EmploymentType => self.employment_type.clone_from(&last.employment_type),
            Field::PhotoUrl => self.photo_url.clone_from(&last.photo_url),
        }
    }

    /// Whether the directory has nothing there.
    pub(super) fn is_empty(&self, field: Field) -> bool {
        match field {
            Field::Active => false,
            Field::Login => self.login.is_none(),
            Field::Emails => self.email.is_none() && self.further_emails.is_empty(),
            Field::Email => self.email.is_none(),
            Field::FurtherEmails => self.further_emails.is_empty(),
            Field::ExternalId => self.external_id.is_none(),
            Field::EmployeeNumber => self.employee_number.is_none(),
            Field::FirstName => self.first_name.is_none(),
            Field::LastName => self.last_name.is_none(),
            Field::DisplayName => self.display_name.is_none(),
            Field::Position => self.position.is_none(),
            Field::Level => self.level.is_none(),
            Field::Location => self.location.is_none(),
            Field::Gender => self.gender.is_none(),
            Field::StartDate => self.start_date.is_none(),
            Field::EndDate => self.end_date.is_none(),
            Field::Birthday => self.birthday.is_none(),
            Field::EmploymentType => self.employment_type.is_none(),
            Field::PhotoUrl => self.photo_url.is_none(),
        }
    }
}
