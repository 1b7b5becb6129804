//! Paths that rules read from.

use super::get;
use crate::scim::filter::Filter;
use crate::scim::schema::{self, Attribute, SchemaSet, Type};
use crate::scim::{self, Object, ResourceType, Rules};
use serde_json::Value;

/// Which change a reference counts as asserted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asserted {
    /// The last one that asserted the enterprise extension's `manager`.
    Manager,
    /// The last one that asserted `additionalManagers` of Rollcall's extension.
    AdditionalManagers,
    /// The last one that changed the document.
    #[default]
    Document,
}

/// A path into the document of a User.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    /// As written.
    pub(super) text: String,
    /// The extension; `None` for what lies at the top.
    pub(super) urn: Option<String>,
    pub(super) name: String,
    pub(super) sub: Option<String>,
    filter: Option<Filter>,
    /// What is said of the attribute by the built-in schemas.
    pub(super) definition: Option<&'static Attribute>,
}

impl Path {
    /// Read a path by the built-in schemas alone, so that a compiled mapping means the same whatever
    /// extensions the tenant defines or forgets.
    pub(super) fn parse(text: &str) -> Result<Path, String> {
        let schemas = SchemaSet::default();
        let rules = Rules {
            schemas,
            ..Rules::default()
        };
        let parsed = scim::Path::parse(rules, text).map_err(|error| format!("{text}: {}", error.detail))?;
        let attribute = parsed.attribute;
        if attribute.name.is_empty() {
            return Err(format!("{text} names a schema, not an attribute"));
        }
        let core = schema::core(ResourceType::User);
        let same = |name: &str| attribute.name.eq_ignore_ascii_case(name);
        let urn = match attribute.urn {
            Some(urn) if urn.eq_ignore_ascii_case(core.id) => None,
            // Stored where they belong, wherever they were sent.
            None if same("manager") => Some(schema::ENTERPRISE_USER.to_owned()),
            None if same("additionalManagers") => Some(schema::ROLLCALL_USER.to_owned()),
            urn => urn,
        };
        let definition = match &urn {
            None => core
                .attribute(&attribute.name)
                .or_else(|| schema::common(&attribute.name)),
            Some(urn) => schemas
                .by_urn(urn)
                .and_then(|schema| schema.attribute(&attribute.name)),
        };
        Ok(Path {
            text: text.to_owned(),
            urn,
            name: definition.map_or(attribute.name, |definition| definition.name.to_owned()),
            sub: attribute.sub,
            filter: parsed.filter,
            definition,
        })
    }

    pub(super) fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// How rejections name it: without the schemas that everybody knows.
    pub(crate) fn label(&self) -> String {
        for urn in [schema::ENTERPRISE_USER, schema::ROLLCALL_USER] {
            if let Some(rest) = self.text.strip_prefix(urn) {
                return rest.trim_start_matches(':').to_owned();
            }
        }
        self.text.clone()
    }

    pub(crate) fn asserted(&self) -> Asserted {
        match self.urn.as_deref() {
            Some(schema::ENTERPRISE_USER) if self.name == "manager" => Asserted::Manager,
            Some(schema::ROLLCALL_USER) if self.name == "additionalManagers" => Asserted::AdditionalManagers,
            _ => Asserted::Document,
        }
    }

    /// The attributes it may read: where no built-in schema tells whether a dot is part of the name,
    /// both.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let head = self
            .name
            .split_once('.')
            .filter(|_| self.urn.is_some() && self.definition.is_none());
        [self.name.as_str()].into_iter().chain(head.map(|(head, _)| head))
    }

    /// The value of the attribute as a whole, if the path ends there.
    pub(super) fn whole(&self) -> bool {
        self.filter.is_none() && self.sub.is_none()
    }

    /// The one value the path leads to: of several elements the first.
    pub(crate) fn first<'a>(&self, document: &'a Object) -> Option<&'a Value> {
        let found = self.attribute(document)?;
        if self.whole() {
            return Some(found);
        }
        let first = match found {
            Value::Array(elements) if self.many() => elements.iter().find(|element| self.selects(element))?,
            single => Some(single).filter(|single| self.selects(single))?,
        };
        self.inner(first)
    }

    /// Every value the path leads to, lists flattened.
    pub(crate) fn all<'a>(&self, document: &'a Object) -> Vec<&'a Value> {
        let elements = match self.attribute(document) {
            None => return vec![],
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let mut all = vec![];
        for element in elements.iter().filter(|element| self.selects(element)) {
            match self.inner(element) {
                Some(Value::Array(values)) => all.extend(values),
                found => all.extend(found),
            }
        }
        all
    }

    fn attribute<'a>(&self, document: &'a Object) -> Option<&'a Value> {
        let Some(urn) = &self.urn else {
            return get(document, &self.name);
        };
        let extension = get(document, urn)?.as_object()?;
        get(extension, &self.name).or_else(|| {
            // No built-in schema tells whether the dot is part of the name.
            let (name, sub) = self.name.split_once('.').filter(|_| self.definition.is_none())?;
            let found = match get(extension, name)? {
                Value::Array(elements) => elements.first()?,
                single => single,
            };
            get(found.as_object()?, sub)
        })
    }

    fn many(&self) -> bool {
        self.definition
            .is_none_or(|definition| definition.multi_valued || definition.kind != Type::Complex)
    }

    fn selects(&self, element: &Value) -> bool {
        let attributes = self
            .definition
            .map_or(&[][..], |definition| definition.sub_attributes);
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches_as(Rules::default(), element, attributes))
    }

    fn inner<'a>(&self, element: &'a Value) -> Option<&'a Value> {
        let Some(sub) = &self.sub else {
            return Some(element).filter(|element| !element.is_null());
        };
        match element {
            Value::Object(object) => get(object, sub),
            // A plain element is its own `value`.
            plain if sub.eq_ignore_ascii_case("value") => Some(plain).filter(|plain| !plain.is_null()),
            _ => None,
        }
    }
}
