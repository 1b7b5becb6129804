//! What an attribute in a filter of resources is, by the schema.

use super::AttributePath;
use crate::scim::place::{Place, locate};
use crate::scim::schema::{self, Attribute, Returned, Type};
use crate::scim::{Dialect, ResourceType, Rules, ScimError};

/// What a filter of resources looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Id,
    Created,
    LastModified,
    Version,
    ResourceType,
    Schemas,
    /// `members` of a Group, which are kept apart from the document.
    Members(&'static Attribute),
    /// `groups` of a User, which follow from the members of groups.
    Groups(&'static Attribute),
    /// An attribute of the document.
    Attribute {
        urn: Option<String>,
        name: String,
        /// `None` for attributes of extensions no schema describes.
        definition: Option<&'static Attribute>,
    },
}

/// Find what `path` names, without its sub-attribute.
///
/// # Errors
/// 400 `invalidFilter` for an attribute the resource type does not have or that cannot be
/// filtered by.
pub fn target(rules: Rules, kind: ResourceType, path: &AttributePath) -> Result<Target, ScimError> {
    let schemas = rules.schemas;
    let unknown = || ScimError::invalid_filter(format!("{path} is no attribute of {}", kind.name()));
    let sub = path.sub.as_deref();
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    if path.urn.as_deref().is_some_and(|urn| {
        let extends = schemas.extensions(kind).any(|extension| extension.id == urn);
        schemas.by_urn(urn).is_some() && urn != kind.schema_urn() && !extends
    }) {
        return Err(unknown());
    }
    match locate(rules, kind, path) {
        Place::Core | Place::Extension(_) => Err(unknown()),
        Place::Members { .. } => schema::core(kind)
            .attribute("members")
            .map(Target::Members)
            .ok_or_else(unknown),
        Place::Dropped { name, .. } => match (name, sub) {
            ("id", None) => Ok(Target::Id),
            ("schemas", None) => Ok(Target::Schemas),
            ("groups", _) => schema::core(kind)
                .attribute("groups")
                .map(Target::Groups)
                .ok_or_else(unknown),
            ("meta", Some(sub)) if is(sub, "created") => Ok(Target::Created),
            ("meta", Some(sub)) if is(sub, "lastModified") => Ok(Target::LastModified),
            ("meta", Some(sub)) if is(sub, "version") => Ok(Target::Version),
            ("meta", Some(sub)) if is(sub, "resourceType") => Ok(Target::ResourceType),
            _ => Err(ScimError::invalid_filter(format!("{path} cannot be filtered by"))),
        },
        // Clients leave the URN of an extension out; the name decides.
        Place::Attribute(located) if located.definition.is_none() && located.urn.is_none() => {
            if !rules.dialect.takes_names_anywhere() {
                return Err(unknown());
            }
            let mut extensions = schemas.extensions(kind);
            let found = extensions.find_map(|schema| Some((schema.id, schema.attribute(&path.name)?)));
            let (urn, definition) = found.ok_or_else(unknown)?;
            filterable(path, definition)?;
            Ok(Target::Attribute {
                urn: Some(urn.to_owned()),
                name: definition.name.to_owned(),
                definition: Some(definition),
            })
        }
        Place::Attribute(located) => {
            if let Some(definition) = located.definition {
                filterable(path, definition)?;
            }
            Ok(Target::Attribute {
                urn: located.urn,
                name: located.name,
                definition: located.definition,
            })
        }
    }
}

/// The sub-attribute of `definition` that a comparison looks at: the one named, else `value`
/// of a complex attribute; `None` for one that is not complex.
///
/// # Errors
/// 400 `invalidFilter` for a sub-attribute that does not exist, or that must be named.
pub fn compared(
    dialect: Dialect,
    path: &AttributePath,
    definition: &'static Attribute,
    sub: Option<&str>,
) -> Result<Option<&'static Attribute>, ScimError> {
    match (definition.kind == Type::Complex, sub) {
        (false, None) => Ok(None),
        (true, None) if !definition.multi_valued && !dialect.means_value_of_complex() => {
            Err(ScimError::invalid_filter(format!(
                "{path} is complex: one of its sub-attributes is to be named"
            )))
        }
        (true, sub) => match definition.sub_attribute(sub.unwrap_or("value")) {
            Some(sub) => {
                filterable(path, sub)?;
                Ok(Some(sub))
            }
            None => Err(ScimError::invalid_filter(format!("{path} cannot be compared"))),
        },
        (false, Some(_)) => Err(ScimError::invalid_filter(format!("{path} has no sub-attributes"))),
    }
}

/// What is never returned cannot be found out by asking for it either (RFC 7643 §7).
fn filterable(path: &AttributePath, definition: &Attribute) -> Result<(), ScimError> {
    match definition.returned {
        Returned::Never => Err(ScimError::invalid_filter(format!("{path} cannot be filtered by"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(path: &str) -> Result<Target, ScimError> {
        target(Rules::default(), ResourceType::User, &parsed(path))
    }

    fn parsed(path: &str) -> AttributePath {
        AttributePath::parse(Rules::default().schemas, path).unwrap()
    }

    #[test]
    fn target_attributes_of_the_server_and_of_the_document() {
        assert_eq!(user("ID"), Ok(Target::Id));
        assert_eq!(user("meta.lastmodified"), Ok(Target::LastModified));
        assert!(matches!(user("groups.value"), Ok(Target::Groups(_))));
        let Ok(Target::Attribute { urn, name, .. }) = user("Manager") else {
            panic!("no attribute")
        };
        assert_eq!(
            (urn.as_deref(), name.as_str()),
            (Some(schema::ENTERPRISE_USER), "manager")
        );
    }

    #[test]
    fn target_of_a_strict_filter_has_the_urn_of_its_extension() {
        let rules = Rules {
            dialect: Dialect::Strict,
            ..Rules::default()
        };
        let user = |path: &str| target(rules, ResourceType::User, &parsed(path));
        for path in ["manager.value", "department", "additionalManagers", "level"] {
            let error = user(path).expect_err(path);
            assert_eq!(error.scim_type, Some(crate::scim::ScimType::InvalidFilter));
            assert!(error.detail.contains(path), "{error:?}");
        }
        assert!(user(&format!("{}:manager.value", schema::ENTERPRISE_USER)).is_ok());
        assert!(user("name.familyName").is_ok() && user("groups.value").is_ok());
    }

    #[test]
    fn compared_without_a_sub_attribute_is_the_value_of_one_of_many() {
        let compare = |dialect, name: &str| {
            let core = schema::core(ResourceType::User).attribute(name);
            let definition = core.or_else(|| {
                Rules::default()
                    .schemas
                    .by_urn(schema::ENTERPRISE_USER)?
                    .attribute(name)
            });
            compared(dialect, &parsed(name), definition.unwrap(), None).map(|sub| sub.map(|sub| sub.name))
        };
        for dialect in [Dialect::Tolerant, Dialect::Strict] {
            assert_eq!(compare(dialect, "emails"), Ok(Some("value")));
            assert_eq!(compare(dialect, "title"), Ok(None));
            assert!(compare(dialect, "name").is_err());
        }
        assert_eq!(compare(Dialect::Tolerant, "manager"), Ok(Some("value")));
        assert!(compare(Dialect::Strict, "manager").is_err());
    }

    #[test]
    fn target_unknown_attribute_of_the_core_schema_is_invalid_filter() {
        for path in [
            "nonsense",
            "password",
            "meta",
            "meta.location",
            "members",
            schema::GROUP,
        ] {
            let error = user(path).expect_err(path);
            assert_eq!(
                error.scim_type,
                Some(crate::scim::ScimType::InvalidFilter),
                "{path}"
            );
        }
        assert!(user(&format!("{}:displayName", schema::GROUP)).is_err());
        assert!(user(&format!("{}:Shirt", schema::ENTERPRISE_USER)).is_ok());
    }
}
