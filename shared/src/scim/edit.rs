//! Assigning attributes of a document one by one: what bodies and PATCH operations have in common.

use super::filter::AttributePath;
use super::place::{Located, Place, locate};
use super::schema::{self, Type};
use super::value::{assigned, coerce, coerce_one, wrong_type};
use super::{
    Assertions, Document, MemberOp, Object, Path, ResourceType, Rules, ScimError, elements, managers, members,
};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
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
    pub(super) fn merge(&mut self, op: Op, urn: Option<&str>, values: Object) -> Result<(), ScimError> {
        for (key, value) in values {
            let path = self.path_of_key(urn, &key, &value);
            let place = locate(self.rules.schemas, self.kind, &path.attribute);
            self.assign(op, &place, &path, Some(value), false)?;
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
        let place = locate(self.rules.schemas, self.kind, &path.attribute);
        self.assign(op, &place, &path, value, true)
    }

    /// Whether `urn:a:b` is the extension of that name and not the attribute `b` of `urn:a`.
    fn names_extension(&self, path: &AttributePath, text: &str, value: Option<&Value>) -> bool {
        let within = path
            .urn
            .as_deref()
            .is_some_and(|urn| self.object.contains_key(urn));
        self.object.contains_key(text) || (!within && value.is_some_and(Value::is_object))
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
        if urn.is_none() && is_urn {
            return match Path::parse(self.rules, key) {
                Ok(path) => {
                    let custom = path
                        .attribute
                        .urn
                        .as_deref()
                        .is_some_and(|urn| self.rules.schemas.by_urn(urn).is_none());
                    match custom && self.names_extension(&path.attribute, key, Some(value)) {
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
                | Place::Members { .. } = locate(self.rules.schemas, self.kind, &path.attribute)
            {
                return path;
            }
        }
        plain(literal(urn))
    }

    fn assign(
        &mut self,
        op: Op,
        place: &Place,
        path: &Path,
        value: Option<Value>,
        explicit: bool,
    ) -> Result<(), ScimError> {
        match place {
            Place::Core => match value {
                Some(Value::Object(values)) if op != Op::Remove => self.merge(op, None, values),
                _ => Err(ScimError::no_target("the path names a schema, not an attribute")),
            },
            Place::Extension(urn) => self.assign_extension(op, urn, value),
            Place::Dropped { name, read_only } => match explicit && *read_only {
                true => Err(ScimError::mutability(name)),
                false => Ok(()),
            },
            Place::Members { sub: Some(_) } => Err(ScimError::mutability("a sub-attribute of members")),
            Place::Members { sub: None } => members::operate(op, Some(path), value, &mut self.members),
            Place::Attribute(located) => self.assign_attribute(op, located, path, value, explicit),
        }
    }

    fn assign_extension(&mut self, op: Op, urn: &str, value: Option<Value>) -> Result<(), ScimError> {
        match (op, value) {
            (Op::Add | Op::Replace, Some(Value::Object(values))) => return self.merge(op, Some(urn), values),
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
        place: &Located,
        path: &Path,
        value: Option<Value>,
        explicit: bool,
    ) -> Result<(), ScimError> {
        let label = place.label();
        if explicit {
            self.check_explicit(op, place, value.is_some())?;
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
            elements::edit(op, place, path.filter.as_ref(), current, value)?
        } else if path.filter.is_some() {
            return Err(ScimError::invalid_path(format!("{label} has only one value")));
        } else {
            single(op, place, current, value)?
        };
        self.put(place, next);
        Ok(())
    }

    fn check_explicit(&self, op: Op, place: &Located, has_value: bool) -> Result<(), ScimError> {
        let label = place.label();
        if place.is_read_only() {
            return Err(ScimError::mutability(&label));
        }
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
            return match place.urn.is_some() || also_at_top || self.object.contains_key(&place.name) {
                true => Ok(()),
                false => Err(ScimError::invalid_path(format!(
                    "{label} is no attribute of {}",
                    self.kind.name()
                ))),
            };
        };
        if op == Op::Remove && definition.required && place.sub.is_none() {
            return Err(ScimError::bad_request(
                super::ScimType::Mutability,
                format!("{label} is required and cannot be removed"),
            ));
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

fn whole(urn: String) -> AttributePath {
    AttributePath {
        urn: Some(urn),
        name: String::new(),
        sub: None,
    }
}

/// The next value of an attribute that has one.
fn single(
    op: Op,
    place: &Located,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    let label = place.label();
    if place.is_manager() && place.sub.as_deref().is_none_or(|sub| sub == "value") {
        let next = match op {
            Op::Remove => return Ok(None),
            _ => managers::manager(&label, value.unwrap_or_default())?,
        };
        return Ok(next.or(if op == Op::Add { current } else { None }));
    }
    let Some(sub) = &place.sub else {
        return whole_value(op, place, current, value);
    };
    let mut object = match current {
        Some(Value::Object(object)) => object,
        None => Object::new(),
        Some(_) => return Err(ScimError::invalid_path(format!("{label} has no sub-attributes"))),
    };
    set_sub(op, place, sub, &mut object, value)?;
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

fn whole_value(
    op: Op,
    place: &Located,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, ScimError> {
    if op == Op::Remove {
        return Ok(None);
    }
    let value = value.unwrap_or_default();
    let kept = if op == Op::Add { current.clone() } else { None };
    let Some(definition) = place.definition else {
        return Ok(assigned(value).or(kept));
    };
    if definition.kind != Type::Complex {
        return Ok(coerce(definition, definition.name, unwrap_single(value))?.or(kept));
    }
    // A complex value is merged: sub-attributes it does not name stay (RFC 7644 §3.5.2.3).
    let values = match unwrap_single(value) {
        Value::Null => return Ok(kept),
        Value::Object(values) => values,
        _ => return Err(wrong_type(definition.name, "an object")),
    };
    let mut object = match current {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    };
    for (key, value) in values {
        let sub = definition.sub_attribute(&key);
        let place = Located {
            sub_definition: sub,
            sub: Some(sub.map_or(&*key, |sub| sub.name).to_owned()),
            ..place.clone()
        };
        let sub = place.sub.clone().unwrap_or_default();
        set_sub(op, &place, &sub, &mut object, Some(value))?;
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// Set or remove one sub-attribute of a complex value.
pub(super) fn set_sub(
    op: Op,
    place: &Located,
    sub: &str,
    object: &mut Object,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let label = format!("{}.{sub}", place.label());
    let next = match (op, place.sub_definition) {
        (Op::Remove, _) => None,
        (_, Some(definition)) => coerce_one(definition, &label, unwrap_single(value.unwrap_or_default()))?,
        (_, None)
            if place
                .definition
                .is_some_and(|definition| definition.kind != Type::Complex) =>
        {
            return Err(ScimError::invalid_path(format!(
                "{} has no sub-attributes",
                place.label()
            )));
        }
        (_, None) => assigned(value.unwrap_or_default()),
    };
    match next {
        Some(next) => {
            object.insert(sub.to_owned(), next);
        }
        None if op == Op::Add => {}
        None => {
            object.remove(sub);
        }
    }
    Ok(())
}

/// `[{"value": x}]` and `[x]` for x: how Entra's older dialect writes single values.
fn unwrap_single(value: Value) -> Value {
    let Value::Array(mut elements) = value else {
        return value;
    };
    match elements.pop() {
        Some(Value::Object(mut object)) if elements.is_empty() && object.contains_key("value") => {
            object.remove("value").unwrap_or_default()
        }
        Some(only) if elements.is_empty() => only,
        Some(last) => {
            elements.push(last);
            Value::Array(elements)
        }
        None => Value::Null,
    }
}
