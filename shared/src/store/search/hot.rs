//! Equality on the attributes clients look resources up by: answered from `scim_keys`.

use super::filter::Compiler;
use crate::directory::{KeyAttribute, fold};
use crate::scim::ResourceType;
use crate::scim::filter::{AttributePath, Literal};
use crate::scim::schema::ENTERPRISE_USER;
use unicode_normalization::UnicodeNormalization;

/// How a hot attribute is found.
enum Hot {
    /// Unique: by the normalised value.
    Unique(KeyAttribute, String),
    /// Held by any number: by the folded value, as any of these.
    Shared(&'static [KeyAttribute], String),
}

/// Push the condition when `path eq value` is a hot one; answers whether it was.
pub(super) fn push(
    compiler: &mut Compiler<'_>,
    urn: Option<&str>,
    path: &AttributePath,
    value: &Literal,
) -> bool {
    let Some(text) = value.text() else { return false };
    let name = path.name.to_ascii_lowercase();
    let sub = path.sub.as_deref().map(str::to_ascii_lowercase);
    let hot = match (compiler.kind, urn, name.as_str(), sub.as_deref()) {
        (ResourceType::User, None, "username", None) => Hot::Unique(KeyAttribute::UserName, fold(text)),
        (ResourceType::Group, None, "displayname", None) => {
            Hot::Unique(KeyAttribute::DisplayName, fold(text))
        }
        (_, None, "externalid", None) => Hot::Unique(KeyAttribute::ExternalId, text.nfc().collect()),
        (ResourceType::User, None, "emails", None | Some("value")) => Hot::Shared(
            &[KeyAttribute::PrimaryEmail, KeyAttribute::OtherEmail],
            fold(text),
        ),
        (ResourceType::User, Some(ENTERPRISE_USER), "employeenumber", None) => {
            Hot::Shared(&[KeyAttribute::EmployeeNumber], fold(text))
        }
        _ => return false,
    };
    let (kind, tenant) = (compiler.kind as i16, compiler.tenant.0);
    let query = &mut *compiler.query;
    query
        .push("r.id in (select k.resource_id from scim_keys k where k.tenant_id = ")
        .push_bind(tenant);
    query.push(" and k.to_seq is null and k.kind = ").push_bind(kind);
    match hot {
        Hot::Unique(attribute, value) => {
            query
                .push(" and k.is_unique and k.attribute = ")
                .push_bind(attribute as i16);
            query.push(" and k.value = ").push_bind(value);
        }
        Hot::Shared(attributes, folded) => {
            let attributes: Vec<i16> = attributes.iter().map(|attribute| *attribute as i16).collect();
            query.push(" and k.attribute = any(").push_bind(attributes);
            query.push(") and k.folded = ").push_bind(folded);
        }
    }
    query.push(")");
    true
}
