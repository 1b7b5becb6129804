//! Extension schemas as operators define them, in the representation of RFC 7643 §7, checked.

use super::{Mutability, Returned, SchemaSet, Type};
use crate::scim::{Object, ResourceType, ScimError};
use serde_json::Value;

/// Bounds on what one tenant may define: every process keeps each definition it has seen.
pub const MAX_SCHEMAS: usize = 20;
/// Longest definition as JSON, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
const MAX_ATTRIBUTES: usize = 100;
const MAX_URN: usize = 255;
const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 1_000;
const MAX_VALUES: usize = 100;

/// What RFC 7643 §3.1 says every resource has is no extension's to define again.
const RESERVED: [&str; 4] = ["schemas", "id", "externalId", "meta"];
/// The only part of the IETF's namespace in which clients' vendors put extensions of their own.
const IETF_EXTENSIONS: &str = "urn:ietf:params:scim:schemas:extension:";

/// An extension schema that was checked but is not yet part of a [`SchemaSet`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Definition {
    pub extends: ResourceType,
    pub(super) urn: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) attributes: Vec<AttributeDefinition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AttributeDefinition {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) multi_valued: bool,
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) case_exact: bool,
    pub(super) mutability: Mutability,
    pub(super) returned: Returned,
    pub(super) canonical_values: Vec<String>,
    pub(super) reference_types: Vec<String>,
    pub(super) sub_attributes: Vec<AttributeDefinition>,
}

impl Definition {
    /// Read a definition of the schema `urn`. Beside what RFC 7643 §7 knows, the body may say
    /// which resource type is extended (`extends`); without it the end of the URN does.
    ///
    /// # Errors
    /// 400 naming the attribute whose definition cannot be meant.
    pub fn parse(urn: &str, body: &Value) -> Result<Definition, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::invalid_syntax("a schema is a JSON object"));
        };
        check_urn(urn)?;
        if serde_json::to_vec(body).map_or(usize::MAX, |json| json.len()) > MAX_BYTES {
            return Err(ScimError::too_large(format!(
                "the schema is larger than {MAX_BYTES} bytes"
            )));
        }
        let id = text(body, "id", "id", MAX_URN)?;
        if id.is_some_and(|id| !id.eq_ignore_ascii_case(urn)) {
            return Err(ScimError::invalid_value("id is not the URN in the path"));
        }
        let attributes = match body.get("attributes") {
            Some(Value::Array(attributes)) if !attributes.is_empty() => attributes,
            _ => {
                return Err(ScimError::invalid_value(
                    "attributes must be an array with attributes",
                ));
            }
        };
        let attributes = list("attributes", attributes, None)?;
        let defined = attributes
            .iter()
            .map(|one| 1 + one.sub_attributes.len())
            .sum::<usize>();
        if defined > MAX_ATTRIBUTES {
            return Err(ScimError::invalid_value(format!(
                "the schema has more than {MAX_ATTRIBUTES} attributes and sub-attributes"
            )));
        }
        let default_name = || urn.rsplit(':').next().unwrap_or(urn).to_owned();
        Ok(Definition {
            extends: extends(urn, body)?,
            urn: urn.to_owned(),
            name: text(body, "name", "name", MAX_NAME)?.map_or_else(default_name, str::to_owned),
            description: text(body, "description", "description", MAX_TEXT)?
                .unwrap_or_default()
                .to_owned(),
            attributes,
        })
    }

    pub fn urn(&self) -> &str {
        &self.urn
    }

    /// Refuse a URN that reads as an attribute of another of the tenant's schemas, or the
    /// other way round: paths could not tell them apart.
    ///
    /// # Errors
    /// 409 naming the other schema.
    pub fn check_beside(&self, others: SchemaSet) -> Result<(), ScimError> {
        let begins = |long: &str, short: &str| {
            long.len() > short.len()
                && long[..short.len()].eq_ignore_ascii_case(short)
                && long.as_bytes()[short.len()] == b':'
        };
        match others
            .all()
            .find(|other| begins(&self.urn, other.id) || begins(other.id, &self.urn))
        {
            Some(other) => Err(ScimError::conflict(format!(
                "the URN cannot be told from an attribute beside the schema {}",
                other.id
            ))),
            None => Ok(()),
        }
    }
}

fn check_urn(urn: &str) -> Result<(), ScimError> {
    let segments: Vec<&str> = urn.split(':').collect();
    let is_segment = |segment: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !segment.is_empty() && segment.bytes().all(allowed)
    };
    let well_formed = segments.len() >= 3
        && segments[0].eq_ignore_ascii_case("urn")
        && segments.iter().all(is_segment)
        && urn.len() <= MAX_URN;
    if !well_formed {
        return Err(ScimError::invalid_value(format!(
            "the id must be a URN (urn:…:…) of letters, digits, '.', '_' and '-', at most {MAX_URN} long"
        )));
    }
    let within = |prefix: &str| {
        let start = urn.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let built_in = SchemaSet::default().leading(urn).is_some();
    if built_in || (within("urn:ietf:") && !within(IETF_EXTENSIONS)) {
        return Err(ScimError::invalid_value("the id is a URN that is reserved"));
    }
    Ok(())
}

fn extends(urn: &str, body: &Object) -> Result<ResourceType, ScimError> {
    let named = match text(body, "extends", "extends", MAX_NAME)? {
        Some(named) => named,
        None => urn.rsplit(':').next().unwrap_or(urn),
    };
    let mut kinds = ResourceType::ALL.into_iter();
    kinds
        .find(|kind| kind.name().eq_ignore_ascii_case(named))
        .ok_or_else(|| {
            ScimError::invalid_value(
                "extends must say what the schema extends, User or Group, where its URN does not",
            )
        })
}

/// Definitions of attributes, or of the sub-attributes of `parent`.
fn list(
    label: &str,
    definitions: &[Value],
    parent: Option<&str>,
) -> Result<Vec<AttributeDefinition>, ScimError> {
    let mut list: Vec<AttributeDefinition> = Vec::with_capacity(definitions.len());
    for (index, definition) in definitions.iter().enumerate() {
        let Value::Object(definition) = definition else {
            return Err(ScimError::invalid_value(format!(
                "{label}[{index}] must be an object"
            )));
        };
        let Some(name) = text(definition, "name", &format!("{label}[{index}].name"), MAX_NAME)? else {
            return Err(ScimError::invalid_value(format!("{label}[{index}] has no name")));
        };
        let label = match parent {
            Some(parent) => format!("{parent}.{name}"),
            None => name.to_owned(),
        };
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '_'));
        let is_reference = parent.is_some() && name == "$ref";
        if !is_name && !is_reference {
            return Err(ScimError::invalid_value(format!(
                "{label}: a name begins with a letter and has letters, digits, '-' and '_'"
            )));
        }
        if parent.is_none()
            && RESERVED
                .iter()
                .any(|reserved| reserved.eq_ignore_ascii_case(name))
        {
            return Err(ScimError::invalid_value(format!(
                "{label} is an attribute of every resource"
            )));
        }
        if list.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(ScimError::invalid_value(format!("{label} is defined twice")));
        }
        list.push(attribute(&label, name, definition, parent.is_some())?);
    }
    Ok(list)
}

fn attribute(
    label: &str,
    name: &str,
    definition: &Object,
    is_sub: bool,
) -> Result<AttributeDefinition, ScimError> {
    let kind = one_of(definition, "type", label, Type::ALL, Type::name)?.unwrap_or(Type::String);
    let mutability = one_of(definition, "mutability", label, Mutability::ALL, Mutability::name)?;
    let mutability = mutability.unwrap_or(Mutability::ReadWrite);
    let write_only = mutability == Mutability::WriteOnly;
    let returned = one_of(definition, "returned", label, Returned::ALL, Returned::name)?;
    let returned = returned.unwrap_or(if write_only {
        Returned::Never
    } else {
        Returned::Default
    });
    let attribute = AttributeDefinition {
        name: name.to_owned(),
        kind,
        multi_valued: flag(definition, "multiValued", label)?,
        description: text(
            definition,
            "description",
            &format!("description of {label}"),
            MAX_TEXT,
        )?
        .unwrap_or_default()
        .to_owned(),
        required: flag(definition, "required", label)?,
        // References and binary values are exact whatever a definition says (RFC 7643 §2.3.6, §2.3.7).
        case_exact: flag(definition, "caseExact", label)? || matches!(kind, Type::Reference | Type::Binary),
        mutability,
        returned,
        canonical_values: texts(definition, "canonicalValues", label)?,
        reference_types: texts(definition, "referenceTypes", label)?,
        sub_attributes: match definition.get("subAttributes") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(_)) if is_sub => {
                return Err(refused(label, "a sub-attribute has no sub-attributes"));
            }
            Some(Value::Array(subs)) => list("subAttributes", subs, Some(label))?,
            Some(_) => return Err(refused(label, "subAttributes must be an array")),
        },
    };
    check_sense(label, &attribute, definition, is_sub)?;
    Ok(attribute)
}

/// Characteristics that contradict each other or that this server cannot keep.
fn check_sense(
    label: &str,
    attribute: &AttributeDefinition,
    definition: &Object,
    is_sub: bool,
) -> Result<(), ScimError> {
    let textual = matches!(attribute.kind, Type::String | Type::Reference | Type::Binary);
    let read_only = attribute.mutability == Mutability::ReadOnly;
    let write_only = attribute.mutability == Mutability::WriteOnly;
    let never = attribute.returned == Returned::Never;
    let known_reference = |kind: &String| ["User", "Group", "external", "uri"].contains(&kind.as_str());
    let complaint = if is_sub && attribute.kind == Type::Complex {
        "a sub-attribute cannot be complex"
    } else if attribute.kind == Type::Complex && attribute.sub_attributes.is_empty() {
        "a complex attribute has subAttributes"
    } else if attribute.kind != Type::Complex && !attribute.sub_attributes.is_empty() {
        "only a complex attribute has subAttributes"
    } else if attribute.kind == Type::Reference && attribute.reference_types.is_empty() {
        "a reference has referenceTypes"
    } else if attribute.kind != Type::Reference && !attribute.reference_types.is_empty() {
        "only a reference has referenceTypes"
    } else if !attribute.reference_types.iter().all(known_reference) {
        "referenceTypes are User, Group, external or uri"
    } else if attribute.case_exact && !textual {
        "caseExact is for texts"
    } else if !attribute.canonical_values.is_empty() && !textual {
        "canonicalValues are for texts"
    } else if write_only && !never {
        "what is writeOnly is returned never"
    } else if read_only && never {
        "what is readOnly and returned never would be of no use"
    } else if read_only && attribute.required {
        "what is readOnly cannot be required of clients"
    } else if definition
        .get("uniqueness")
        .is_some_and(|uniqueness| !uniqueness.is_null() && uniqueness != "none")
    {
        "uniqueness must be none: values of extensions are not kept unique"
    } else {
        return Ok(());
    };
    Err(refused(label, complaint))
}

fn refused(label: &str, complaint: &str) -> ScimError {
    ScimError::invalid_value(format!("{label}: {complaint}"))
}

fn text<'a>(object: &'a Object, key: &str, label: &str, most: usize) -> Result<Option<&'a str>, ScimError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > most => Err(ScimError::invalid_value(format!(
            "{label} is longer than {most} bytes"
        ))),
        Some(Value::String(text)) if text.contains('\0') => Err(ScimError::invalid_value(format!(
            "{label} contains a NUL character"
        ))),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ScimError::invalid_value(format!("{label} must be a string"))),
    }
}

fn texts(object: &Object, key: &str, label: &str) -> Result<Vec<String>, ScimError> {
    let values = match object.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() <= MAX_VALUES => values,
        Some(Value::Array(_)) => {
            return Err(refused(
                label,
                &format!("{key} has more than {MAX_VALUES} values"),
            ));
        }
        Some(_) => return Err(refused(label, &format!("{key} must be an array of strings"))),
    };
    let mut texts: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        match value.as_str() {
            Some(text) if text.len() <= MAX_NAME && !text.contains('\0') => texts.push(text.to_owned()),
            _ => {
                return Err(refused(
                    label,
                    &format!("{key} must hold strings of at most {MAX_NAME} bytes"),
                ));
            }
        }
    }
    Ok(texts)
}

fn flag(object: &Object, key: &str, label: &str) -> Result<bool, ScimError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(refused(label, &format!("{key} must be true or false"))),
    }
}

fn one_of<T: Copy, const N: usize>(
    object: &Object,
    key: &str,
    label: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, ScimError> {
    let wanted = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(wanted) => wanted.as_str().unwrap_or_default(),
    };
    let names = || all.map(name).join(", ");
    let found = all.into_iter().find(|one| name(*one) == wanted);
    found
        .map(Some)
        .ok_or_else(|| refused(label, &format!("{key} must be one of {}", names())))
}
