//! The enterprise extension (RFC 7643 §4.3) and Rollcall's own.

use super::attribute::{Attribute, Mutability};
use super::{ENTERPRISE_USER, ROLLCALL_USER, Schema};

const MANAGER: &[Attribute] = &[
    Attribute::string(
        "value",
        "The manager: an id, or another reference to a user (externalId, userName, e-mail, employeeNumber).",
    ),
    Attribute::reference("$ref", "The URL of the manager.", &["User"]),
    Attribute::string("displayName", "The manager's name for display.").mutability(Mutability::ReadOnly),
];

/// Unlike the enterprise manager's, the `$ref` is never kept as sent: it is the server's.
const ADDITIONAL_MANAGER: &[Attribute] = &[
    Attribute::string(
        "value",
        "The manager: an id, or another reference to a user (externalId, userName, e-mail, employeeNumber).",
    ),
    Attribute::reference("$ref", "The URL of the manager.", &["User"]).mutability(Mutability::ReadOnly),
    Attribute::string("displayName", "The manager's name for display.").mutability(Mutability::ReadOnly),
];

pub(super) static ENTERPRISE: Schema = Schema {
    id: ENTERPRISE_USER,
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::string("employeeNumber", "The number the organisation gave the person."),
        Attribute::string("costCenter", "The name of the cost center."),
        Attribute::string("organization", "The name of the organisation."),
        Attribute::string("division", "The name of the division."),
        Attribute::string("department", "The name of the department."),
        Attribute::complex("manager", "The user's manager.", MANAGER),
    ],
};

pub(super) static ROLLCALL: Schema = Schema {
    id: ROLLCALL_USER,
    name: "RollcallUser",
    description: "Fields of Rollcall's directory that the other schemas lack",
    attributes: &[
        Attribute::string("level", "The person's level."),
        Attribute::string("location", "Where the person works."),
        Attribute::string("gender", "The person's gender."),
        Attribute::string("startDate", "The first day of employment, an ISO 8601 date."),
        Attribute::string("endDate", "The last day of employment, an ISO 8601 date."),
        Attribute::string("birthday", "The day of birth, an ISO 8601 date."),
        Attribute::string("employmentType", "The kind of employment."),
        Attribute::complex(
            "additionalManagers",
            "Further managers, in order.",
            ADDITIONAL_MANAGER,
        )
        .multi_valued(),
    ],
};
