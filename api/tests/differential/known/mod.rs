//! Where both differ and Rollcall is right: at most [`MOST`] differences, each with the words of
//! the RFC that say so, what recognises it, and a test that shows it on the smallest example.

mod examples;

use crate::both::{ENTERPRISE, TAKEN, USER};
use crate::compare::{Found, Outcome};
use crate::generate::Leaf;
use serde_json::Value;

/// More would mean that the other server is no second opinion.
const MOST: usize = 20;

struct Patch {
    name: &'static str,
    is: fn(&Value, &Value, &Outcome, &Outcome) -> bool,
}

struct Filter {
    name: &'static str,
    is: fn(&Leaf, &Found, &Found) -> bool,
}

const PATCHES: &[Patch] = &[
    // RFC 7644 §3.12, table 9, noTarget: "The specified "path" did not yield an attribute or
    // attribute value that could be operated on. This occurs when the "path" value contains a
    // filter that yields no match."
    Patch {
        name: NOTHING_TO_REMOVE,
        is: |before, operation, ours, theirs| {
            operation["op"] == "remove"
                && path(operation).contains('[')
                && ours.refused_as("noTarget")
                && theirs.done()
                && ours.document == *before
                && theirs.document == *before
        },
    },
    // RFC 7644 §3.5.2.1: "If the target location does not exist, the attribute and value are
    // added." §3.5.2.3: "the service provider SHALL treat the operation as an "add"."
    Patch {
        name: SUB_ATTRIBUTE_OF_NOTHING,
        is: |before, operation, ours, theirs| {
            let added = attribute(operation, &ours.document);
            operation["op"] != "remove"
                && !path(operation).contains('[')
                && path(operation).contains('.')
                && theirs.done()
                && theirs.document == *before
                && added.is_some_and(|(name, values)| {
                    let one = values.as_array().map_or(&[][..], Vec::as_slice);
                    let is_value = |one: &Value| {
                        let subs = one.as_object();
                        subs.is_some_and(|subs| {
                            subs.len() == 1 && subs.values().all(|sub| *sub == operation["value"])
                        })
                    };
                    before.get(name).is_none()
                        && one.len() == 1
                        && one.iter().all(is_value)
                        && without(&ours.document, name) == *before
                })
        },
    },
    // RFC 7644 §3.5.2.3: "If the target location is a multi-valued attribute and a value selection
    // ("valuePath") filter is specified that matches one or more values of the multi-valued
    // attribute, then all matching record values SHALL be replaced."
    Patch {
        name: SELECTED_VALUES_REPLACED,
        is: |_, operation, ours, theirs| {
            operation["op"] == "replace"
                && path(operation).ends_with(']')
                && ours.done()
                && theirs.done()
                && attribute(operation, &ours.document).is_some_and(|(name, values)| {
                    let (ours, theirs) = (&ours.document, &theirs.document);
                    // Each value is ours, or that with what else it had.
                    without(ours, name) == without(theirs, name) && contain(&theirs[name], values)
                })
        },
    },
    // RFC 7644 §3.5.2.1: "If the target location already contains the value specified, no changes
    // SHOULD be made to the resource, and a success response SHOULD be returned."
    Patch {
        name: ALREADY_CONTAINED,
        is: |_, operation, ours, theirs| {
            operation["op"] == "add"
                && ours.done()
                && theirs.done()
                && theirs.document.as_object().is_some_and(|attributes| {
                    attributes.iter().all(|(name, theirs)| {
                        let ours = &ours.document[name];
                        ours == theirs || said_by_another(ours, theirs)
                    })
                })
        },
    },
    // RFC 7644 §3.5.2: "a PATCH operation that sets a value's "primary" sub-attribute to "true" SHALL
    // cause the server to automatically set "primary" to "false" for any other values in the array."
    Patch {
        name: PRIMARY_OF_SEVERAL,
        is: |_, operation, ours, theirs| {
            let set = &operation["value"];
            path(operation).contains(['[', '.'])
                && (*set == true || set["primary"] == true)
                && ours.done()
                && theirs.refused_as("invalidValue")
                && attribute(operation, &ours.document).is_some_and(|(_, values)| {
                    let values = values.as_array().into_iter().flatten();
                    values.filter(|one| one["primary"] == true).count() == 1
                })
        },
    },
    // RFC 7643 §2.5: "Unassigned attributes, the null value, or an empty array (in the case of a
    // multi-valued attribute) SHALL be considered to be equivalent in "state"."
    Patch {
        name: EXTENSION_UNASSIGNED,
        is: |before, operation, ours, theirs| {
            operation["op"] == "replace"
                && path(operation) == ENTERPRISE
                && operation["value"].is_null()
                && ours.done()
                && theirs.refused_as("invalidValue")
                && ours.document == without(before, ENTERPRISE)
        },
    },
    // RFC 7644 §3.12, table 9, uniqueness: "One or more of the attribute values are already in use
    // or are reserved." RFC 7643 §3.1: externalId is "scoped to the provisioning domain".
    Patch {
        name: EXTERNAL_ID_IN_USE,
        is: |before, operation, ours, theirs| {
            operation["op"] != "remove"
                && operation["value"] == TAKEN
                && (ours.status, ours.scim_type.as_deref()) == (409, Some("uniqueness"))
                && theirs.done()
                && ours.document == *before
        },
    },
];

const FILTERS: &[Filter] = &[
    // RFC 7644 §3.4.2.2: "For complex attributes, a fully qualified sub-attribute MUST be specified
    // using standard attribute notation".
    Filter {
        name: COMPLEX_WITHOUT_SUB_ATTRIBUTE,
        is: |leaf, ours, _| {
            leaf.text
                .to_lowercase()
                .starts_with(&format!("{ENTERPRISE}:manager ").to_lowercase())
                && *ours
                    == Found::Refused {
                        status: 400,
                        scim_type: "invalidFilter".to_owned(),
                    }
        },
    },
    // RFC 7644 §3.4.2.2: "If the specified attribute in a filter expression is a multi-valued
    // attribute, the filter matches if any of the values of the specified attribute match the
    // specified criterion".
    Filter {
        name: ANY_VALUE_DIFFERS,
        is: |leaf, ours, theirs| {
            let more = ours.names().zip(theirs.names());
            leaf.operator == "ne"
                && leaf.multi_valued
                && more.is_some_and(|(ours, theirs)| theirs.is_subset(ours))
        },
    },
];

const NOTHING_TO_REMOVE: &str = "remove by a filter that matches nothing: noTarget";
const SUB_ATTRIBUTE_OF_NOTHING: &str = "sub-attribute of a multi-valued attribute without values: added";
const SELECTED_VALUES_REPLACED: &str = "replace of selected values: nothing of them stays";
const ALREADY_CONTAINED: &str = "add of a value of which all is there: unchanged";
const PRIMARY_OF_SEVERAL: &str = "primary set on several selected values: one keeps it";
const EXTENSION_UNASSIGNED: &str = "replace of an extension by null: unassigned";
const EXTERNAL_ID_IN_USE: &str = "externalId of another resource: uniqueness";
const COMPLEX_WITHOUT_SUB_ATTRIBUTE: &str = "complex attribute without a sub-attribute: invalidFilter";
const ANY_VALUE_DIFFERS: &str = "ne on a multi-valued attribute: any value";

pub(crate) fn of_patch(
    before: &Value,
    operation: &Value,
    ours: &Outcome,
    theirs: &Outcome,
) -> Option<&'static str> {
    let known = PATCHES
        .iter()
        .find(|known| (known.is)(before, operation, ours, theirs))?;
    Some(known.name)
}

pub(crate) fn of_filter(leaf: &Leaf, ours: &Found, theirs: &Found) -> Option<&'static str> {
    let known = FILTERS.iter().find(|known| (known.is)(leaf, ours, theirs))?;
    Some(known.name)
}

fn path(operation: &Value) -> &str {
    operation["path"].as_str().unwrap_or_default()
}

/// The attribute an operation is about, as the document spells it, and its value there.
fn attribute<'a>(operation: &Value, document: &'a Value) -> Option<(&'a str, &'a Value)> {
    let path = path(operation);
    let path = path.strip_prefix(&format!("{USER}:")).unwrap_or(path);
    let name = path.split(['.', '[']).next()?;
    let mut attributes = document.as_object()?.iter();
    let found = attributes.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some((found.0, found.1))
}

/// Whether each of these values says all that the one of `less` at some place says, and there are
/// as many.
fn contain(values: &Value, less: &Value) -> bool {
    let (Some(values), Some(less)) = (values.as_array(), less.as_array()) else {
        return false;
    };
    values.len() == less.len() && less.iter().all(|one| values.iter().any(|value| says(value, one)))
}

/// Whether a value has every sub-attribute that `one` has; texts whose case does not count.
fn says(value: &Value, one: &Value) -> bool {
    let same = |value: &Value, one: &Value| match (value.as_str(), one.as_str()) {
        (Some(value), Some(one)) => value.eq_ignore_ascii_case(one),
        _ => value == one,
    };
    let subs = one.as_object().into_iter().flatten();
    value.is_object()
        && subs
            .clone()
            .all(|(sub, is)| value.get(sub).is_some_and(|value| same(value, is)))
}

/// Whether `more` is `values` and further ones, all of which one of `values` says. A further one
/// may have taken `primary` from another.
fn said_by_another(values: &Value, more: &Value) -> bool {
    let unmarked = |values: &Value| -> Option<Vec<Value>> {
        Some(
            values
                .as_array()?
                .iter()
                .map(|one| without(one, "primary"))
                .collect(),
        )
    };
    let (Some(values), Some(more)) = (unmarked(values), unmarked(more)) else {
        return false;
    };
    let mut further = more.iter().filter(|one| !values.contains(one));
    values.iter().all(|value| more.contains(value))
        && further.all(|one| values.iter().any(|value| says(value, one)))
}

fn without(document: &Value, name: &str) -> Value {
    let mut document = document.clone();
    if let Value::Object(object) = &mut document {
        object.remove(name);
    }
    document
}
