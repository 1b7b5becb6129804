//! `attributes` and `excludedAttributes` (RFC 7644 §3.9).

use super::filter::AttributePath;
use super::schema::{self, Attribute, Returned, SchemaSet};
use super::{Object, ResourceType, ScimError};
use serde_json::Value;

/// Which attributes a representation has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    schemas: SchemaSet,
    included: Option<Vec<AttributePath>>,
    excluded: Vec<AttributePath>,
    specified: Vec<AttributePath>,
}

impl Selection {
    /// Read the two query parameters: comma-separated attribute names.
    ///
    /// # Errors
    /// 400 when both are given or one is not a list of attribute names.
    pub fn parse(
        schemas: SchemaSet,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Selection, ScimError> {
        let included = attributes
            .map(|list| names(schemas, "attributes", list))
            .transpose()?;
        let excluded = excluded.map_or(Ok(Vec::new()), |list| names(schemas, "excludedAttributes", list))?;
        let included = included.filter(|included| !included.is_empty());
        if included.is_some() && !excluded.is_empty() {
            return Err(ScimError::invalid_value(
                "attributes and excludedAttributes exclude each other",
            ));
        }
        Ok(Selection {
            schemas,
            included,
            excluded,
            specified: Vec::new(),
        })
    }

    /// For the answer to a write: what it specified counts as returned by default, though a
    /// schema says that only a request returns it.
    #[must_use]
    pub fn with_specified(&self, specified: Vec<AttributePath>) -> Selection {
        Selection {
            specified,
            ..self.clone()
        }
    }

    /// Whether a top-level core attribute may be part of the representation; spares reading it.
    pub fn wants(&self, attribute: &str) -> bool {
        let names = |path: &AttributePath| is_core(path) && path.name.eq_ignore_ascii_case(attribute);
        match &self.included {
            Some(included) => included.iter().any(names),
            None => !self.excluded.iter().any(|path| names(path) && path.sub.is_none()),
        }
    }

    /// Leave out of a complete representation what was not asked for, and what the schemas say
    /// is never returned or only on request (RFC 7643 §7, `returned`).
    pub(super) fn project(&self, kind: ResourceType, resource: Object) -> Object {
        let mut projected = Object::new();
        for (key, value) in resource {
            let is_extension = key
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
            let next = if is_extension {
                self.project_extension(&key, value)
            } else {
                let known = schema::core(kind)
                    .attribute(&key)
                    .or_else(|| schema::common(&key));
                self.project_attribute(is_core, known, false, &key, value)
            };
            if let Some(next) = next {
                projected.insert(key, next);
            }
        }
        projected
    }

    /// What was asked for of one of a Group's members.
    pub(super) fn project_member(&self, member: Value) -> Option<Value> {
        self.project_attribute(
            is_core,
            schema::core(ResourceType::Group).attribute("members"),
            false,
            "members",
            member,
        )
    }

    fn project_extension(&self, urn: &str, value: Value) -> Option<Value> {
        let of_extension = |path: &AttributePath| {
            path.urn
                .as_deref()
                .is_some_and(|named| named.eq_ignore_ascii_case(urn))
        };
        // An unknown URN alone reads as an attribute of the URN before its last colon.
        let is_whole = |path: &AttributePath| {
            (of_extension(path) && path.name.is_empty()) || path.to_string().eq_ignore_ascii_case(urn)
        };
        let whole = self.named().iter().any(is_whole);
        let Value::Object(object) = value else {
            return (whole == self.included.is_some()).then_some(value);
        };
        let schema = self.schemas.by_urn(urn);
        let mut projected = Object::new();
        for (key, value) in object {
            let known = schema.and_then(|schema| schema.attribute(&key));
            if let Some(value) = self.project_attribute(of_extension, known, whole, &key, value) {
                projected.insert(key, value);
            }
        }
        (!projected.is_empty()).then_some(Value::Object(projected))
    }

    /// The attributes that the client named, to have or to leave out.
    fn named(&self) -> &[AttributePath] {
        self.included.as_deref().unwrap_or(&self.excluded)
    }

    /// `schema_named`: the client named the extension that the attribute belongs to.
    fn project_attribute(
        &self,
        of_schema: impl Fn(&AttributePath) -> bool,
        definition: Option<&'static Attribute>,
        schema_named: bool,
        name: &str,
        value: Value,
    ) -> Option<Value> {
        let is_it = |path: &&AttributePath| of_schema(path) && path.name.eq_ignore_ascii_case(name);
        let paths: Vec<&AttributePath> = self.named().iter().filter(is_it).collect();
        let whole = paths.iter().any(|path| path.sub.is_none());
        let subs: Vec<&str> = paths.iter().filter_map(|path| path.sub.as_deref()).collect();
        let including = self.included.is_some();
        let specified: Vec<&AttributePath> = self.specified.iter().filter(is_it).collect();
        let returned = match definition.map_or(Returned::Default, |definition| definition.returned) {
            Returned::Request if specified.iter().any(|path| path.sub.is_none()) => Returned::Default,
            returned => returned,
        };
        let choice = match returned {
            Returned::Never => return None,
            Returned::Always => Subs::Default,
            Returned::Request if !including || paths.is_empty() => return None,
            _ if including && (whole || schema_named) => Subs::And(subs),
            _ if including && subs.is_empty() => return None,
            _ if including => Subs::Only(subs),
            _ if whole || schema_named => return None,
            _ => Subs::Without(subs),
        };
        let choice = Choice {
            definition,
            subs: choice,
            specified: specified.iter().filter_map(|path| path.sub.as_deref()).collect(),
        };
        choice.project(value)
    }
}

/// Which sub-attributes of a chosen attribute are returned.
enum Subs<'a> {
    /// Those returned by default.
    Default,
    /// Those returned by default, and these.
    And(Vec<&'a str>),
    Only(Vec<&'a str>),
    Without(Vec<&'a str>),
}

/// What of a chosen attribute is returned.
struct Choice<'a> {
    definition: Option<&'static Attribute>,
    subs: Subs<'a>,
    /// Sub-attributes returned on request that the write specified.
    specified: Vec<&'a str>,
}

impl Choice<'_> {
    fn has(&self, name: &str) -> bool {
        let named = |subs: &[&str]| subs.iter().any(|sub| sub.eq_ignore_ascii_case(name));
        match (self.returned(name), &self.subs) {
            (Returned::Never, _) => false,
            (Returned::Always, _) => true,
            (Returned::Request, Subs::And(subs) | Subs::Only(subs)) => named(subs),
            (Returned::Request, _) => false,
            (Returned::Default, Subs::Only(subs)) => named(subs),
            (Returned::Default, Subs::Without(subs)) => !named(subs),
            (Returned::Default, Subs::Default | Subs::And(_)) => true,
        }
    }

    fn returned(&self, name: &str) -> Returned {
        let sub = self
            .definition
            .and_then(|definition| definition.sub_attribute(name));
        match sub.map_or(Returned::Default, |sub| sub.returned) {
            Returned::Request if self.specified.iter().any(|sub| sub.eq_ignore_ascii_case(name)) => {
                Returned::Default
            }
            returned => returned,
        }
    }

    /// Whether every sub-attribute is returned, so that values need no look.
    fn is_all(&self) -> bool {
        let subs = self
            .definition
            .map_or(&[][..], |definition| definition.sub_attributes);
        let any_special = subs
            .iter()
            .any(|sub| matches!(self.returned(sub.name), Returned::Never | Returned::Request));
        match &self.subs {
            Subs::Default | Subs::And(_) => !any_special,
            Subs::Without(subs) => subs.is_empty() && !any_special,
            Subs::Only(_) => false,
        }
    }

    fn project(&self, value: Value) -> Option<Value> {
        if self.is_all() {
            return Some(value);
        }
        match value {
            Value::Array(elements) => {
                let projected: Vec<Value> = elements
                    .into_iter()
                    .filter_map(|element| self.project(element))
                    .collect();
                (!projected.is_empty()).then_some(Value::Array(projected))
            }
            Value::Object(object) => {
                let projected: Object = object.into_iter().filter(|(key, _)| self.has(key)).collect();
                (!projected.is_empty()).then_some(Value::Object(projected))
            }
            plain => (!matches!(self.subs, Subs::Only(_))).then_some(plain),
        }
    }
}

fn is_core(path: &AttributePath) -> bool {
    match path.urn.as_deref() {
        None => true,
        Some(urn) => urn == schema::USER || urn == schema::GROUP,
    }
}

fn names(schemas: SchemaSet, parameter: &str, list: &str) -> Result<Vec<AttributePath>, ScimError> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names = names.map(|name| {
        AttributePath::parse(schemas, name)
            .ok_or_else(|| ScimError::invalid_value(format!("{parameter} has a name that is no attribute")))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::ENTERPRISE_USER;
    use serde_json::json;

    fn project(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let resource = json!({
            "schemas": [], "id": "1", "userName": "a", "name": {"givenName": "G", "familyName": "F"},
            "emails": [{"value": "v", "type": "work"}], ENTERPRISE_USER: {"department": "D", "costCenter": "C"},
            "urn:x:y": {"b": 1}, "meta": {"version": "1"},
        });
        let selection = Selection::parse(SchemaSet::default(), attributes, excluded).unwrap();
        Value::Object(selection.project(ResourceType::User, resource.as_object().unwrap().clone()))
    }

    #[test]
    fn project_attributes_returns_the_minimum_and_what_was_named() {
        let asked = format!("USERNAME, name.givenname,emails.value,{ENTERPRISE_USER}:department,urn:x:y");
        assert_eq!(
            project(Some(&asked), None),
            json!({
                "schemas": [], "id": "1", "userName": "a", "name": {"givenName": "G"}, "emails": [{"value": "v"}],
                ENTERPRISE_USER: {"department": "D"}, "urn:x:y": {"b": 1},
            })
        );
        assert_eq!(project(Some("nothing"), None), json!({"schemas": [], "id": "1"}));
        assert_eq!(
            project(Some(ENTERPRISE_USER), None)[ENTERPRISE_USER],
            json!({"department": "D", "costCenter": "C"})
        );
    }

    #[test]
    fn project_excluded_attributes_leaves_out_all_but_what_is_always_returned() {
        let asked = format!("id,userName,name.familyName,emails,meta,{ENTERPRISE_USER}:costCenter,urn:x:y");
        assert_eq!(
            project(None, Some(&asked)),
            json!({"schemas": [], "id": "1", "name": {"givenName": "G"}, ENTERPRISE_USER: {"department": "D"}})
        );
    }

    #[test]
    fn wants_members_unless_excluded_or_not_asked_for() {
        let wants = |attributes, excluded| {
            Selection::parse(SchemaSet::default(), attributes, excluded)
                .unwrap()
                .wants("members")
        };
        assert!(
            wants(None, None) && wants(Some("Members.value"), None) && wants(None, Some("members.display"))
        );
        assert!(!wants(Some("displayName"), None) && !wants(None, Some("MEMBERS")));
    }

    #[test]
    fn parse_both_parameters_or_no_name_is_refused() {
        assert!(Selection::parse(SchemaSet::default(), Some("a"), Some("b")).is_err());
        assert!(Selection::parse(SchemaSet::default(), Some("a b"), None).is_err());
        assert_eq!(
            Selection::parse(SchemaSet::default(), Some(""), Some("")),
            Ok(Selection::default())
        );
    }
}
