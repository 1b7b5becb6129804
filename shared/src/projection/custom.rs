//! What the directory has no field for is kept under its key as sent.

use super::{ENTERPRISE, Object, ROLLCALL};

/// Attributes of the core User schema and of every resource (RFC 7643 §3, §4.1).
const CORE: [&str; 26] = [
    "schemas",
    "id",
    "externalId",
    "meta",
    "userName",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "active",
    "password",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "members",
];
/// Taken from the enterprise extension only.
const OF_ENTERPRISE: [&str; 4] = ["employeeNumber", "department", "division", "costCenter"];
/// Taken from wherever they are sent.
const ANYWHERE: [&str; 9] = [
    "manager",
    "additionalManagers",
    "level",
    "location",
    "gender",
    "startDate",
    "endDate",
    "birthday",
    "employmentType",
];

/// Custom attributes: everything unmapped of every extension, then unknown attributes beside the
/// core ones. Of two with one key the first wins, in the order Rollcall's extension, enterprise,
/// the others by URN, top level.
pub(super) fn custom(document: &Object) -> Object {
    let mut extensions: Vec<(&String, &Object)> = document
        .iter()
        .filter_map(|(key, value)| is_extension(key).then_some((key, value.as_object()?)))
        .collect();
    extensions.sort_by_key(|(urn, _)| {
        (
            !urn.eq_ignore_ascii_case(ROLLCALL),
            !urn.eq_ignore_ascii_case(ENTERPRISE),
            *urn,
        )
    });
    let mut custom = Object::new();
    let mut keep = |object: &Object, taken: &[&[&str]]| {
        for (key, value) in object {
            let mapped = taken
                .iter()
                .any(|names| names.iter().any(|name| name.eq_ignore_ascii_case(key)));
            if !mapped && !value.is_null() && !custom.contains_key(key) {
                custom.insert(key.clone(), value.clone());
            }
        }
    };
    for (urn, object) in extensions {
        if urn.eq_ignore_ascii_case(ROLLCALL) {
            keep(object, &[&ANYWHERE]);
        } else if urn.eq_ignore_ascii_case(ENTERPRISE) {
            keep(object, &[&ANYWHERE, &OF_ENTERPRISE]);
        } else {
            keep(object, &[]);
        }
    }
    let unknown: Object = document
        .iter()
        .filter(|(key, value)| !(is_extension(key) && value.is_object()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    keep(&unknown, &[&CORE, &ANYWHERE]);
    custom
}

fn is_extension(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}
