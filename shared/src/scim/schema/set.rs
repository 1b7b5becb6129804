//! The schemas of one tenant: the built-in ones and those its operators defined.

use super::{Schema, extension, group, user};
use crate::scim::ResourceType;

/// An extension that a tenant's operators defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantSchema {
    pub extends: ResourceType,
    pub schema: &'static Schema,
}

/// Every schema a tenant's resources may have. Small and `Copy`: it is passed to everything that
/// must know attributes. The default has the built-in schemas only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchemaSet {
    pub(super) defined: &'static [TenantSchema],
}

static BUILT_IN: [&Schema; 4] = [
    &user::SCHEMA,
    &group::SCHEMA,
    &extension::ENTERPRISE,
    &extension::ROLLCALL,
];

static USER_EXTENSIONS: [&Schema; 2] = [&extension::ENTERPRISE, &extension::ROLLCALL];

impl SchemaSet {
    /// Every schema, in the order of `/Schemas`.
    pub fn all(self) -> impl Iterator<Item = &'static Schema> {
        let defined = self.defined.iter().map(|defined| defined.schema);
        BUILT_IN.into_iter().chain(defined)
    }

    /// The schemas that extend a resource type; no resource needs to have them.
    pub fn extensions(self, kind: ResourceType) -> impl Iterator<Item = &'static Schema> {
        let built_in: &'static [&'static Schema] = match kind {
            ResourceType::User => &USER_EXTENSIONS,
            ResourceType::Group => &[],
        };
        let defined = self.defined.iter().filter(move |defined| defined.extends == kind);
        built_in
            .iter()
            .copied()
            .chain(defined.map(|defined| defined.schema))
    }

    /// The schema of this URN, whatever its case.
    pub fn by_urn(self, urn: &str) -> Option<&'static Schema> {
        self.all().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The schema whose URN `text` begins with, followed by a colon or nothing; of several the
    /// longest, since one URN may be the beginning of another.
    pub fn leading(self, text: &str) -> Option<&'static Schema> {
        let leads = |schema: &&Schema| {
            let start = text.get(..schema.id.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(schema.id))
                && matches!(text.as_bytes().get(schema.id.len()), None | Some(b':'))
        };
        self.all().filter(leads).max_by_key(|schema| schema.id.len())
    }
}
