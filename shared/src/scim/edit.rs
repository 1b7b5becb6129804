//! Assigning attributes of a document one by one: what bodies and PATCH operations have in common.

use super::filter::AttributePath;
use super::place::{Located, Place, locate};
use super::schema::{self};
use super::value::{unknown, wrong_type};
use super::{
    Assertions, Document, MemberOp, Object, Path, ResourceType, Rules, ScimError, elements, members, single,
};
use serde_json::Value;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

/// Where an assignment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The body of a POST or PUT.
    Body,
    /// The value of a PATCH operation without path.
    Value,
    /// The path of a PATCH operation.
    Path,
}

/// A document being edited. After an error it is to be thrown away.
pub(super) struct Editor {
    rules: Rules,
    kind: ResourceType,
    object: Object,
    pub(super) members: Vec<MemberOp>,
    pub(super) asserted: Assertions,
}

impl Editor {
    pub(super) fn new(rules: Rules, kind: ResourceType, document: Document) -> Editor {
        Editor {
            rules,
            kind,
            object: document.0,
            members: Vec::new(),
            asserted: Assertions::default(),
        }
    }

    pub(super) fn document(self) -> Document {
        Document(self.object)
    }

    /// Assign every attribute of a body, or of the extension `urn`. Keys may be URNs of
    /// extensions, URN-qualified names and paths; what the server owns is passed over.
    pub(super) fn merge(
        &mut self,
        op: Op,
        origin: Origin,
        urn: Option<&str>,
        values: Object,
    ) -> Result<(), ScimError> {
        for (key, value) in values {
            let path = self.path_of_key(urn, &key, &value);
            let place = locate(self.rules, self.kind, &path.attribute);
            self.assign(op, origin, &place, &path, Some(value))?;
        }
        Ok(())
    }

    /// Carry out one PATCH operation with a path.
    pub(super) fn operate(&mut self, op: Op, path: &Path, value: Option<Value>) -> Result<(), ScimError> {
        let mut path = path.clone();
        let urn_text = path.attribute.to_string();
        let custom = path
            .attribute
            .urn
            .as_deref()
            .is_some_and(|urn| self.rules.schemas.by_urn(urn).is_none());
        if custom && path.filter.is_none() && self.names_extension(&path.attribute, &urn_text, value.as_ref())
        {
            path.attribute = whole(urn_text);
        }
        let place = locate(self.rules, self.kind, &path.attribute);
        self.assign(op, Origin::Path, &place, &path, value)
    }

    /// Whether the path `urn:a:b` is the extension of that name and not the attribute `b` of `urn:a`.
    fn names_extension(&self, path: &AttributePath, text: &str, value: Option<&Value>) -> bool {
        let within = path
            .urn
            .as_deref()
            .is_some_and(|urn| self.object.contains_key(urn));
        self.object.contains_key(text) || (!within && value.is_some_and(Value::is_object))
    }

    /// The same for a key of a body, in which an object is an extension: beside `urn:a` there may be
    /// one of the URN `urn:a:b`, in any order.
    fn key_names_extension(&self, key: &str, value: &Value) -> bool {
        value.is_object() || self.object.contains_key(key)
    }

    fn path_of_key(&self, urn: Option<&str>, key: &str, value: &Value) -> Path {
        let literal = |urn: Option<&str>| AttributePath {
            urn: urn.map(str::to_owned),
            name: key.to_owned(),
            sub: None,
        };
        let plain = |attribute| Path {
            attribute,
            filter: None,
        };
        let is_urn = key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        if !self.rules.dialect.takes_paths_as_keys() {
            let extension = match self.rules.schemas.by_urn(key) {
                Some(schema) => Some(schema.id.to_owned()),
                None => (is_urn && value.is_object()).then(|| key.to_owned()),
            };
            return plain(
                extension
                    .filter(|_| urn.is_none())
                    .map_or_else(|| literal(urn), whole),
            );
        }
        if urn.is_none() && is_urn {
            return match Path::parse(self.rules, key) {
                Ok(path) => {
                    let custom = path
                        .attribute
                        .urn
                        .as_deref()
                        .is_some_and(|urn| self.rules.schemas.by_urn(urn).is_none());
                    match custom && self.key_names_extension(key, value) {
                        true => plain(whole(key.to_owned())),
                        false => path,
                    }
                }
                Err(_) => plain(literal(None)),
            };
        }
        if key.contains(['.', '[']) {
            let text = match urn {
                Some(urn) => format!("{urn}:{key}"),
                None => key.to_owned(),
            };
            if let Ok(path) = Path::parse(self.rules, &text)
                && let Place::Attribute(Located {
                    definition: Some(_), ..
                })
                | Place::Members { .. } = locate(self.rules, self.kind, &path.attribute)
            {
                return path;
            }
        }
        plain(literal(urn))
    }

    fn assign(
        &mut self,
        op: Op,
        origin: Origin,
        place: &Place,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        match place {
            Place::Core => match value {
                Some(Value::Object(values)) if op != Op::Remove => self.merge(op, origin, None, values),
                _ => Err(ScimError::no_target("the path names a schema, not an attribute")),
            },
            Place::Extension(urn) => self.assign_extension(op, origin, urn, value),
            Place::Dropped {
                name,
                read_only: true,
            } if !self.passes_over(origin) => Err(ScimError::mutability(name)),
            Place::Dropped { .. } => Ok(()),
            Place::Members { sub: Some(_) } => Err(ScimError::mutability("a sub-attribute of members")),
            Place::Members { sub: None } => {
                members::operate(self.rules.dialect, op, Some(path), value, &mut self.members)
            }
            Place::Attribute(located) => self.assign_attribute(op, origin, located, path, value),
        }
    }

    /// Whether what the server owns is passed over, and not refused.
    fn passes_over(&self, origin: Origin) -> bool {
        match origin {
            Origin::Body => true,
            Origin::Value => self.rules.dialect.passes_over_read_only(),
            Origin::Path => false,
        }
    }

    fn assign_extension(
        &mut self,
        op: Op,
        origin: Origin,
        urn: &str,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        match (op, value) {
            (Op::Add | Op::Replace, Some(Value::Object(values))) => {
                return self.merge(op, origin, Some(urn), values);
            }
            (Op::Add, Some(Value::Null)) => return Ok(()),
            (Op::Replace, Some(Value::Null)) | (Op::Remove, _) => {}
            _ => return Err(wrong_type(urn, "an object")),
        }
        self.object.remove(urn);
        self.asserted.manager |= urn == schema::ENTERPRISE_USER;
        self.asserted.additional_managers |= urn == schema::ROLLCALL_USER;
        Ok(())
    }

    fn assign_attribute(
        &mut self,
        op: Op,
        origin: Origin,
        place: &Located,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let label = place.label();
        if place.is_read_only() {
            return match self.passes_over(origin) {
                true => Ok(()),
                false => Err(ScimError::mutability(&label)),
            };
        }
        if origin == Origin::Path {
            let filtered = path.filter.is_some() && place.sub.is_none();
            self.check_path(op, place, value.is_some(), filtered)?;
        } else if place.definition.is_none() && !self.may_be_unknown(place) {
            return Err(unknown(&label));
        }
        self.asserted.manager |= place.is_manager();
        self.asserted.additional_managers |= place.is_additional_managers();
        let current = match &place.urn {
            None => self.object.remove(&place.name),
            Some(urn) => match self.object.get_mut(urn) {
                Some(Value::Object(extension)) => extension.remove(&place.name),
                _ => None,
            },
        };
        let multi_valued = match place.definition {
            Some(definition) => definition.multi_valued,
            None => path.filter.is_some() || (op != Op::Replace && matches!(current, Some(Value::Array(_)))),
        };
        let next = if multi_valued {
            elements::edit(self.rules, op, place, path.filter.as_ref(), current, value)?
        } else if path.filter.is_some() {
            return Err(ScimError::invalid_path(format!("{label} has only one value")));
        } else {
            single::edit(self.rules, op, place, current, value)?
        };
        if (op == Op::Remove || (op == Op::Replace && origin != Origin::Body))
            && next.is_none()
            && place.definition.is_some_and(|definition| definition.required)
        {
            return Err(required(&label));
        }
        self.put(place, next);
        Ok(())
    }

    /// Whether an attribute without definition may be asserted here: any of an extension nobody
    /// described, and by the dialect those that a schema in use forgot.
    fn may_be_unknown(&self, place: &Located) -> bool {
        let described = match &place.urn {
            Some(urn) => self.rules.schemas.by_urn(urn).is_some(),
            None => true,
        };
        !described || self.rules.dialect.keeps_unknown_attributes()
    }

    fn check_path(&self, op: Op, place: &Located, has_value: bool, filtered: bool) -> Result<(), ScimError> {
        let label = place.label();
        if op != Op::Remove && !has_value {
            return Err(ScimError::invalid_value(format!(
                "the operation on {label} has no value"
            )));
        }
        let Some(definition) = place.definition else {
            let also_at_top = place.urn.is_none()
                && self
                    .rules
                    .schemas
                    .by_urn(schema::ROLLCALL_USER)
                    .is_some_and(|schema| schema.attribute(&place.name).is_some());
            let known = place.urn.is_some() || also_at_top || self.object.contains_key(&place.name);
            return match known && self.may_be_unknown(place) {
                true => Ok(()),
                false => Err(ScimError::invalid_path(format!(
                    "{label} is no attribute of {}",
                    self.kind.name()
                ))),
            };
        };
        let removed = match place.sub {
            None => Some(definition),
            Some(_) => place.sub_definition,
        };
        if op == Op::Remove && !filtered && removed.is_some_and(|removed| removed.required) {
            return Err(required(&label));
        }
        if place.sub.is_some() && place.sub_definition.is_none() {
            let sub = place.sub.as_deref().unwrap_or_default();
            return Err(ScimError::invalid_path(format!(
                "{label} has no sub-attribute {sub}"
            )));
        }
        Ok(())
    }

    fn put(&mut self, place: &Located, next: Option<Value>) {
        let Some(urn) = &place.urn else {
            if let Some(next) = next {
                self.object.insert(place.name.clone(), next);
            }
            return;
        };
        if let Some(next) = next {
            let extension = self
                .object
                .entry(urn.clone())
                .or_insert_with(|| Value::Object(Object::new()));
            match extension {
                Value::Object(extension) => {
                    extension.insert(place.name.clone(), next);
                }
                other => *other = Value::Object(Object::from_iter([(place.name.clone(), next)])),
            }
        } else if self
            .object
            .get(urn)
            .is_some_and(|extension| extension.as_object().is_some_and(Object::is_empty))
        {
            self.object.remove(urn);
        }
    }
}

/// The extensions a stored document has, under the URNs as their schemas spell them: it may be
/// older than the schema.
pub(super) fn with_urns_as_defined(rules: Rules, document: &Document) -> Cow<'_, Document> {
    let object = &document.0;
    let other_spelling = |key: &String| {
        let schema = rules.schemas.by_urn(key)?;
        (schema.id != key).then_some(schema.id)
    };
    if object.keys().all(|key| other_spelling(key).is_none()) {
        return Cow::Borrowed(document);
    }
    let renamed = object.iter().map(|(key, value)| {
        let key = other_spelling(key).unwrap_or(key.as_str());
        (key.to_owned(), value.clone())
    });
    Cow::Owned(Document(renamed.collect()))
}

fn required(label: &str) -> ScimError {
    ScimError::bad_request(
        super::ScimType::Mutability,
        format!("{label} is required and cannot be removed"),
    )
}

fn whole(urn: String) -> AttributePath {
    AttributePath {
        urn: Some(urn),
        name: String::new(),
        sub: None,
    }
}
