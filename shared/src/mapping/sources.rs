//! Which paths lead to something a User may have.

use super::path::Path;
use crate::scim::ResourceType;
use crate::scim::filter::{AttributePath, Filter};
use crate::scim::schema::{self, Attribute, Mutability, SchemaSet, Type};

impl Path {
    /// Why a User of a tenant with these schemas cannot have what the path names.
    pub(super) fn fault(&self, schemas: SchemaSet, takes_complex: bool) -> Option<String> {
        let text = &self.text;
        let mut extensions = schemas.extensions(ResourceType::User);
        let definition = match &self.urn {
            None => {
                if let Some(definition) = self.definition {
                    let kept = definition.mutability == Mutability::ReadWrite && definition.name != "schemas";
                    if !kept {
                        return Some(format!("{text} is not kept with a User"));
                    }
                } else if !extensions.any(|schema| schema.attribute(&self.name).is_some()) {
                    return Some(format!(
                        "{text} is no attribute of a User; one of an extension is named with its URN"
                    ));
                }
                self.definition
            }
            Some(urn) => match schemas.by_urn(urn) {
                Some(known) if !extensions.any(|schema| schema.id == known.id) => {
                    return Some(format!("{text} is of a schema that no User has"));
                }
                Some(known) => known.attribute(&self.name),
                None => None,
            },
        };
        let definition = definition?;
        if let Some(sub) = &self.sub {
            if definition.sub_attribute(sub).is_none() {
                return Some(format!("{text}: {} has no sub-attribute {sub}", definition.name));
            }
        } else if definition.kind == Type::Complex && !takes_complex {
            return Some(format!("{text} has sub-attributes: name one of them"));
        }
        match self.filter() {
            Some(_) if !definition.multi_valued => {
                Some(format!("{text}: {} has one value only", definition.name))
            }
            Some(filter) => unknown_in(filter, definition)
                .map(|unknown| format!("{text}: {} has no sub-attribute {unknown}", definition.name)),
            None => None,
        }
    }
}

/// An attribute the filter compares that the elements do not have.
fn unknown_in<'a>(filter: &'a Filter, definition: &'static Attribute) -> Option<&'a str> {
    let unknown = |path: &'a AttributePath| {
        let known = schema::find(definition.sub_attributes, &path.name).is_some() && path.sub.is_none();
        (!known).then_some(path.name.as_str())
    };
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().find_map(|filter| unknown_in(filter, definition)),
        Filter::Not(filter) => unknown_in(filter, definition),
        Filter::Present(path) | Filter::Compare { path, .. } | Filter::Element { path, .. } => unknown(path),
    }
}
