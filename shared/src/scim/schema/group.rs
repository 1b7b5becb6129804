//! The core Group (RFC 7643 §4.2).

use super::attribute::{Attribute, Mutability};
use super::{GROUP, Schema};

const MEMBERS: &[Attribute] = &[
    Attribute::string(
        "value",
        "The member: an id, or another reference to a user (externalId, userName, e-mail, employeeNumber).",
    )
    .mutability(Mutability::Immutable),
    Attribute::reference("$ref", "The URL of the member.", &["User", "Group"])
        .mutability(Mutability::Immutable),
    Attribute::string("type", "The kind of member.")
        .canonical(&["User", "Group"])
        .mutability(Mutability::Immutable),
    Attribute::string("display", "The member's name for display.").mutability(Mutability::Immutable),
];

pub(super) static SCHEMA: Schema = Schema {
    id: GROUP,
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::string("displayName", "The unique name of the group.")
            .required()
            .unique(),
        Attribute::complex("members", "The members of the group.", MEMBERS).multi_valued(),
    ],
};
