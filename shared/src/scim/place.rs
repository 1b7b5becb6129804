//! Where in a document an attribute lies.

use super::filter::AttributePath;
use super::schema::{self, Attribute, Mutability, SchemaSet};
use super::{ResourceType, Rules};

/// What a path or a key of a body names, canonically.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// The core schema as a whole.
    Core,
    /// An extension as a whole.
    Extension(String),
    /// The server's own (`schemas`, `id`, `meta`, `groups`) or never kept (`password`).
    Dropped {
        name: &'static str,
        read_only: bool,
    },
    /// `members` of a Group: rows, not part of the document.
    Members {
        sub: Option<String>,
    },
    Attribute(Located),
}

/// An attribute of the document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    /// The extension it belongs to.
    pub(super) urn: Option<String>,
    pub(super) name: String,
    /// `None` for attributes no schema describes.
    pub(super) definition: Option<&'static Attribute>,
    pub(super) sub: Option<String>,
    pub(super) sub_definition: Option<&'static Attribute>,
}

impl Located {
    /// The name for errors and for lists of changed attributes.
    pub(super) fn label(&self) -> String {
        match &self.urn {
            Some(urn) if ![schema::ENTERPRISE_USER, schema::ROLLCALL_USER].contains(&urn.as_str()) => {
                format!("{urn}:{}", self.name)
            }
            _ => self.name.clone(),
        }
    }

    pub(super) fn is_manager(&self) -> bool {
        self.urn.as_deref() == Some(schema::ENTERPRISE_USER) && self.name == "manager"
    }

    pub(super) fn is_additional_managers(&self) -> bool {
        self.urn.as_deref() == Some(schema::ROLLCALL_USER) && self.name == "additionalManagers"
    }

    pub(super) fn is_read_only(&self) -> bool {
        let read_only = |definition: Option<&Attribute>| {
            definition.is_some_and(|definition| definition.mutability == Mutability::ReadOnly)
        };
        read_only(self.definition) || read_only(self.sub_definition)
    }
}

/// Find what a path names. `manager` needs no URN, `additionalManagers` may stand anywhere.
pub(super) fn locate(rules: Rules, kind: ResourceType, path: &AttributePath) -> Place {
    let Rules { schemas, dialect } = rules;
    let anywhere = kind == ResourceType::User && dialect.takes_names_anywhere();
    let core = schema::core(kind);
    match path.urn.as_deref() {
        Some(urn) if !urn.eq_ignore_ascii_case(core.id) => {
            if path.name.is_empty() {
                return Place::Extension(urn.to_owned());
            }
            // An extension sent as a value of its own names its schema (scim2).
            let described = schemas.by_urn(urn);
            if path.name.eq_ignore_ascii_case("schemas")
                && described.is_some_and(|schema| schema.attribute("schemas").is_none())
            {
                return Place::Dropped {
                    name: "schemas",
                    read_only: false,
                };
            }
            let user_extension = [schema::ENTERPRISE_USER, schema::ROLLCALL_USER].contains(&urn);
            if user_extension && anywhere && path.name.eq_ignore_ascii_case("additionalManagers") {
                return extension(schemas, schema::ROLLCALL_USER, path);
            }
            return extension(schemas, urn, path);
        }
        _ if path.name.is_empty() => return Place::Core,
        _ => {}
    }
    let name = path.name.as_str();
    if kind == ResourceType::Group && name.eq_ignore_ascii_case("members") {
        return Place::Members {
            sub: path.sub.clone(),
        };
    }
    if anywhere {
        if name.eq_ignore_ascii_case("manager") {
            return extension(schemas, schema::ENTERPRISE_USER, path);
        }
        if name.eq_ignore_ascii_case("additionalManagers") {
            return extension(schemas, schema::ROLLCALL_USER, path);
        }
        if name.eq_ignore_ascii_case("members") {
            return Place::Dropped {
                name: "members",
                read_only: false,
            };
        }
    }
    let definition = core.attribute(name).or_else(|| schema::common(name));
    match definition {
        Some(definition)
            if definition.mutability == Mutability::WriteOnly || definition.name == "schemas" =>
        {
            Place::Dropped {
                name: definition.name,
                read_only: false,
            }
        }
        Some(definition) if definition.mutability == Mutability::ReadOnly => Place::Dropped {
            name: definition.name,
            read_only: true,
        },
        _ => Place::Attribute(located(None, definition, path)),
    }
}

fn extension(schemas: SchemaSet, urn: &str, path: &AttributePath) -> Place {
    let definition = schemas
        .by_urn(urn)
        .and_then(|schema| schema.attribute(&path.name));
    Place::Attribute(located(Some(urn.to_owned()), definition, path))
}

fn located(urn: Option<String>, definition: Option<&'static Attribute>, path: &AttributePath) -> Located {
    let sub_definition = match (&path.sub, definition) {
        (Some(sub), Some(definition)) => definition.sub_attribute(sub),
        _ => None,
    };
    Located {
        urn,
        name: definition
            .map_or(&*path.name, |definition| definition.name)
            .to_owned(),
        definition,
        sub: path.sub.as_ref().map(|sub| match sub_definition {
            Some(definition) => definition.name.to_owned(),
            None => sub.clone(),
        }),
        sub_definition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(path: &str) -> Place {
        let schemas = SchemaSet::default();
        locate(
            Rules::default(),
            ResourceType::User,
            &AttributePath::parse(schemas, path).unwrap(),
        )
    }

    #[test]
    fn locate_manager_at_the_top_lies_in_the_enterprise_extension() {
        let Place::Attribute(manager) = user("Manager.Value") else {
            panic!("no attribute")
        };
        assert!(manager.is_manager());
        assert_eq!(manager.sub.as_deref(), Some("value"));
        let anywhere = format!("{}:additionalmanagers", schema::ENTERPRISE_USER);
        assert!(matches!(user(&anywhere), Place::Attribute(place) if place.is_additional_managers()));
    }

    #[test]
    fn locate_names_become_canonical() {
        let Place::Attribute(place) = user("NAME.givenname") else {
            panic!("no attribute")
        };
        assert_eq!(
            (place.name.as_str(), place.sub.as_deref()),
            ("name", Some("givenName"))
        );
        assert!(matches!(
            user("Groups"),
            Place::Dropped {
                name: "groups",
                read_only: true
            }
        ));
        assert!(matches!(
            user("password"),
            Place::Dropped { read_only: false, .. }
        ));
        assert_eq!(user(schema::USER), Place::Core);
    }
}
