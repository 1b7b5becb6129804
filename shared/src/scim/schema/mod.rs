//! The table of schemas and attributes (RFC 7643 §7) that drives validation, canonical names,
//! filter typing, PATCH, projection and `/Schemas`: what is advertised is what happens.

mod attribute;
pub mod definition;
mod extension;
mod group;
mod intern;
mod set;
mod user;

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness};
pub use definition::Definition;
pub use intern::NoRoom;
pub use set::{SchemaSet, TenantSchema};

use super::ResourceType;

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const ROLLCALL_USER: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";

/// A schema: a set of attributes under a URN.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of this name, whatever its case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

/// The core schema of a resource type.
pub fn core(kind: ResourceType) -> &'static Schema {
    match kind {
        ResourceType::User => &user::SCHEMA,
        ResourceType::Group => &group::SCHEMA,
    }
}

/// The attribute of this name among these, whatever its case.
pub fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// An attribute that every resource has (RFC 7643 §3.1); not listed by `/Schemas`.
pub fn common(name: &str) -> Option<&'static Attribute> {
    find(attribute::COMMON, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_urn_other_case_finds_the_schema() {
        assert_eq!(
            SchemaSet::default()
                .by_urn(&USER.to_uppercase())
                .map(|schema| schema.name),
            Some("User")
        );
        assert!(SchemaSet::default().by_urn("urn:example:unknown").is_none());
    }

    #[test]
    fn attributes_of_every_schema_have_distinct_names() {
        fn check(attributes: &[Attribute]) {
            for (index, attribute) in attributes.iter().enumerate() {
                let twin = attributes[..index]
                    .iter()
                    .find(|other| other.name.eq_ignore_ascii_case(attribute.name));
                assert_eq!(twin, None);
                assert_eq!(
                    attribute.kind == Type::Complex,
                    !attribute.sub_attributes.is_empty()
                );
                check(attribute.sub_attributes);
            }
        }
        for schema in SchemaSet::default().all() {
            check(schema.attributes);
        }
    }
}
