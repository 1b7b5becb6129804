//! What clients look resources up by: answered by an index.

use super::filter::Compiler;
use crate::directory::{KeyAttribute, fold};
use crate::scim::filter::{Filter, Literal, Operator, Target, fold_text, target};
use crate::scim::schema::ENTERPRISE_USER;
use crate::scim::{ResourceType, Rules, normalise};

impl Compiler<'_> {
    /// Equality that an index answers; `false` when none does (nothing is pushed).
    pub(super) fn hot(
        &mut self,
        urn: Option<&str>,
        name: &str,
        sub: Option<&str>,
        literal: &Literal,
    ) -> bool {
        if let (None, "active", None, ResourceType::User, Some(active)) =
            (urn, name, sub, self.kind, literal.boolean(self.rules.dialect))
        {
            self.query
                .push("(r.active is not null and r.active = ")
                .push_bind(active)
                .push(")");
            return true;
        }
        let Some((attribute, text)) = sought(self.kind, urn, name, sub, literal) else {
            return false;
        };
        self.query
            .push("r.id = any(array(select k.resource_id from scim_keys k where k.to_seq is null and k.tenant_id = ")
            .push_bind(self.tenant.0)
            .push(" and k.kind = ")
            .push_bind(self.kind as i16);
        match attribute {
            KeyAttribute::PrimaryEmail => self.query.push(format!(
                " and k.attribute in ({}, {}) and k.folded = ",
                KeyAttribute::PrimaryEmail as i16,
                KeyAttribute::OtherEmail as i16
            )),
            KeyAttribute::EmployeeNumber => self
                .query
                .push(format!(" and k.attribute = {} and k.folded = ", attribute as i16)),
            // Its names may be shared: found among all values, not among claims.
            KeyAttribute::DisplayName => self
                .query
                .push(" and k.folded = ")
                .push_bind(fold(text))
                .push(format!(" and k.attribute = {} and k.value = ", attribute as i16)),
            _ => self.query.push(format!(
                " and k.is_unique and k.attribute = {} and k.value = ",
                attribute as i16
            )),
        };
        self.query.push_bind(normalise(attribute, text)).push("))");
        true
    }

    /// Groups that name this member, by the index on members.
    pub(super) fn member(&mut self, literal: &Literal) -> bool {
        let Some(text) = literal.text() else { return false };
        self.query
            .push("r.id = any(array(select m.group_id from scim_members m where m.tenant_id = ")
            .push_bind(self.tenant.0)
            .push(" and m.member = ")
            .push_bind(fold(text))
            .push("))");
        true
    }
}

/// The attribute whose keys have the answer to an equality, and the text that is looked for; `None` when
/// no keys have it.
fn sought<'l>(
    kind: ResourceType,
    urn: Option<&str>,
    name: &str,
    sub: Option<&str>,
    literal: &'l Literal,
) -> Option<(KeyAttribute, &'l str)> {
    let whole = sub.is_none();
    let is_value = sub.is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
    let user = kind == ResourceType::User;
    let attribute = match (urn, name) {
        (None, "userName") if user && whole => KeyAttribute::UserName,
        (None, "externalId") if whole => KeyAttribute::ExternalId,
        (None, "displayName") if !user && whole => KeyAttribute::DisplayName,
        (None, "emails") if user && is_value => KeyAttribute::PrimaryEmail,
        (Some(ENTERPRISE_USER), "employeeNumber") if whole => KeyAttribute::EmployeeNumber,
        _ => return None,
    };
    let text = literal.text().filter(|text| !text.trim().is_empty())?;
    Some((attribute, text))
}

/// A value that resources claim for themselves: of a userName there is one holder, of an externalId
/// one for each source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    pub(super) attribute: KeyAttribute,
    /// Normalised.
    pub(super) value: String,
}

/// The claim whose holders are all that a filter of this kind of resource matches; `None` for a filter
/// that asks for anything else.
pub fn claim(rules: Rules, kind: ResourceType, filter: &Filter) -> Option<Claim> {
    let Filter::Compare {
        path,
        operator: Operator::Eq,
        value,
    } = filter
    else {
        return None;
    };
    let Ok(Target::Attribute { urn, name, .. }) = target(rules, kind, path) else {
        return None;
    };
    match sought(kind, urn.as_deref(), &name, path.sub.as_deref(), value)? {
        (attribute @ (KeyAttribute::UserName | KeyAttribute::ExternalId), text) => Some(Claim {
            attribute,
            value: normalise(attribute, text),
        }),
        _ => None,
    }
}

/// Characters of a displayName that its column holds.
const DISPLAY_NAME: usize = 200;

/// The end of the range of texts with this beginning, in code point order.
fn end_of(beginning: &str) -> String {
    format!("{beginning}{}", char::MAX)
}

impl Compiler<'_> {
    /// A condition that an index answers and that holds wherever the comparison does; `false`
    /// when there is none (nothing is pushed).
    pub(super) fn hint(
        &mut self,
        urn: Option<&str>,
        name: &str,
        sub: Option<&str>,
        operator: Operator,
        literal: &Literal,
    ) -> bool {
        if urn.is_some() || sub.is_some() {
            return false;
        }
        match (name, operator) {
            ("displayName", Operator::Eq | Operator::Sw) => {
                let Some(text) = literal.text().filter(|text| !text.is_empty()) else {
                    return false;
                };
                let text: String = fold_text(text).chars().take(DISPLAY_NAME).collect();
                self.query.push("r.display_name is not null and r.display_name");
                if operator == Operator::Eq {
                    self.query.push(" = ").push_bind(text);
                } else {
                    let end = end_of(&text);
                    self.query
                        .push(" between ")
                        .push_bind(text)
                        .push(" and ")
                        .push_bind(end);
                }
            }
            ("userName", Operator::Sw) if self.kind == ResourceType::User => {
                let Some(text) = literal.text().map(fold).filter(|text| !text.is_empty()) else {
                    return false;
                };
                let end = end_of(&text);
                self.query
                    .push("r.id = any(array(select k.resource_id from scim_keys k where k.to_seq is null and k.is_unique")
                    .push(" and k.tenant_id = ")
                    .push_bind(self.tenant.0)
                    .push(" and k.kind = ")
                    .push_bind(self.kind as i16)
                    .push(format!(" and k.attribute = {} and k.value between ", KeyAttribute::UserName as i16))
                    .push_bind(text)
                    .push(" and ")
                    .push_bind(end)
                    .push("))");
            }
            _ => return false,
        }
        true
    }
}

/// The literal that `value` must equal for the filter to hold.
pub(super) fn value_equality(filter: &Filter) -> Option<&Literal> {
    match filter {
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } if path.urn.is_none() && path.sub.is_none() && path.name.eq_ignore_ascii_case("value") => {
            Some(value)
        }
        Filter::And(all) => all.iter().find_map(value_equality),
        _ => None,
    }
}
