//! The fields of a person that rules may fill.

use serde::{Deserialize, Serialize};

/// A field of a person, named as in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Whether the person is active; decides the status.
    Active,
    Login,
    /// Both `email` and `further_emails`: the address marked primary, else the first, and all others.
    Emails,
    Email,
    FurtherEmails,
    ExternalId,
    EmployeeNumber,
    FirstName,
    LastName,
    DisplayName,
    Position,
    Level,
    Location,
    Gender,
    StartDate,
    EndDate,
    Birthday,
    EmploymentType,
    PhotoUrl,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Text,
    Texts,
    Emails,
    Date,
    WebAddress,
}

impl Field {
    pub const ALL: [Field; 19] = [
        Field::Active,
        Field::Login,
        Field::Emails,
        Field::Email,
        Field::FurtherEmails,
        Field::ExternalId,
        Field::EmployeeNumber,
        Field::FirstName,
        Field::LastName,
        Field::DisplayName,
        Field::Position,
        Field::Level,
        Field::Location,
        Field::Gender,
        Field::StartDate,
        Field::EndDate,
        Field::Birthday,
        Field::EmploymentType,
        Field::PhotoUrl,
    ];

    pub(crate) fn kind(self) -> Kind {
        match self {
            Field::Active => Kind::Boolean,
            Field::Emails => Kind::Emails,
            Field::FurtherEmails => Kind::Texts,
            Field::StartDate | Field::EndDate | Field::Birthday => Kind::Date,
            Field::PhotoUrl => Kind::WebAddress,
            Field::Login
            | Field::Email
            | Field::ExternalId
            | Field::EmployeeNumber
            | Field::FirstName
            | Field::LastName
            | Field::DisplayName
            | Field::Position
            | Field::Level
            | Field::Location
            | Field::Gender
            | Field::EmploymentType => Kind::Text,
        }
    }

    /// The name that rules use.
    pub fn name(self) -> &'static str {
        match self {
            Field::Active => "active",
            Field::Login => "login",
            Field::Emails => "emails",
            Field::Email => "email",
            Field::FurtherEmails => "further_emails",
            Field::ExternalId => "external_id",
            Field::EmployeeNumber => "employee_number",
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::DisplayName => "display_name",
            Field::Position => "position",
            Field::Level => "level",
            Field::Location => "location",
            Field::Gender => "gender",
            Field::StartDate => "start_date",
            Field::EndDate => "end_date",
            Field::Birthday => "birthday",
            Field::EmploymentType => "employment_type",
            Field::PhotoUrl => "photo_url",
        }
    }

    /// Whether filling both would fill one column twice.
    pub(crate) fn overlaps(self, other: Field) -> bool {
        let in_emails = |field| matches!(field, Field::Email | Field::FurtherEmails);
        self == other
            || (self == Field::Emails && in_emails(other))
            || (other == Field::Emails && in_emails(self))
    }
}
