//! What no rule reads is kept under its key as sent.

use super::path::Path;
use crate::scim::schema::{self, ENTERPRISE_USER, ROLLCALL_USER};
use crate::scim::{Object, ResourceType};
use serde_json::Value;

/// References are never custom attributes.
const REFERENCES: [&str; 2] = ["manager", "additionalManagers"];

/// What rules read, by where it lies.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Taken {
    top: Vec<String>,
    enterprise: Vec<String>,
    rollcall: Vec<String>,
    /// By URN.
    others: Vec<(String, Vec<String>)>,
}

impl Taken {
    pub(super) fn by<'a>(paths: impl Iterator<Item = &'a Path>) -> Taken {
        let references = || REFERENCES.map(str::to_owned).to_vec();
        let core = schema::core(ResourceType::User);
        let mut taken = Taken {
            top: references(),
            enterprise: references(),
            rollcall: references(),
            others: vec![],
        };
        taken
            .top
            .extend(core.attributes.iter().map(|attribute| attribute.name.to_owned()));
        taken
            .top
            .extend(["schemas", "id", "externalId", "meta", "members"].map(str::to_owned));
        for path in paths {
            let names = path.attributes().map(str::to_owned);
            match path.urn.as_deref() {
                None => taken.top.extend(names),
                Some(urn) if urn.eq_ignore_ascii_case(ENTERPRISE_USER) => taken.enterprise.extend(names),
                Some(urn) if urn.eq_ignore_ascii_case(ROLLCALL_USER) => taken.rollcall.extend(names),
                Some(urn) => match taken
                    .others
                    .iter_mut()
                    .find(|(known, _)| known.eq_ignore_ascii_case(urn))
                {
                    Some((_, known)) => known.extend(names),
                    None => taken.others.push((urn.to_owned(), names.collect())),
                },
            }
        }
        taken
    }

    /// Everything else: of every extension, then what is unknown beside the core attributes. Of two
    /// with one key the first wins, in the order Rollcall's extension, enterprise, the others by
    /// URN, top level.
    pub(super) fn rest(&self, document: &Object) -> Object {
        let mut extensions: Vec<(&String, &Object)> = document
            .iter()
            .filter_map(|(key, value)| is_extension(key).then_some((key, value.as_object()?)))
            .collect();
        extensions.sort_by_key(|(urn, _)| {
            (
                !urn.eq_ignore_ascii_case(ROLLCALL_USER),
                !urn.eq_ignore_ascii_case(ENTERPRISE_USER),
                *urn,
            )
        });
        let mut rest = Object::new();
        for (urn, object) in extensions {
            keep(&mut rest, object.iter(), self.of(urn));
        }
        let top = document
            .iter()
            .filter(|(key, value)| !(is_extension(key) && value.is_object()));
        keep(&mut rest, top, &self.top);
        rest
    }

    fn of(&self, urn: &str) -> &[String] {
        if urn.eq_ignore_ascii_case(ROLLCALL_USER) {
            return &self.rollcall;
        }
        if urn.eq_ignore_ascii_case(ENTERPRISE_USER) {
            return &self.enterprise;
        }
        self.others
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(urn))
            .map_or(&[], |(_, names)| names)
    }
}

fn keep<'a>(rest: &mut Object, attributes: impl Iterator<Item = (&'a String, &'a Value)>, taken: &[String]) {
    for (key, value) in attributes {
        let is_taken = taken.iter().any(|name| name.eq_ignore_ascii_case(key));
        if !is_taken && !value.is_null() && !rest.contains_key(key) {
            rest.insert(key.clone(), value.clone());
        }
    }
}

fn is_extension(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}
