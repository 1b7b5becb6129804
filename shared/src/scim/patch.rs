//! PATCH (RFC 7644 §3.5.2).

use super::edit::{Editor, Op, Origin, with_urns_as_defined};
use super::filter::{AttributePath, Filter};
use super::place::{Place, locate};
use super::validate::validate;
use super::value::{coerce_one, refuse_nul};
use super::{Assertions, Document, Member, Object, Path, ResourceType, Rules, ScimError, schema};
use super::{declared, immutable, specified};
use serde_json::Value;

/// The most operations in one request.
const MAX_OPERATIONS: usize = 1_000;

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A parsed PATCH request.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    rules: Rules,
    kind: ResourceType,
    operations: Vec<PatchOperation>,
}

#[derive(Debug, Clone, PartialEq)]
struct PatchOperation {
    op: Op,
    path: Option<Path>,
    value: Option<Value>,
}

/// What a PATCH makes of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    pub document: Document,
    /// Changes of a Group's members, in order.
    pub members: Vec<MemberOp>,
    pub asserted: Assertions,
}

/// One change of a group's members.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberOp {
    Add(Vec<Member>),
    /// Remove the members asserted with these values.
    Remove(Vec<String>),
    /// Remove the members that satisfy the filter.
    RemoveWhere(Filter),
    /// The members from now on; empty clears.
    Replace(Vec<Member>),
}

impl Patch {
    /// Read a PATCH request. A body without `Operations` asserts the attributes it names, as
    /// Leapsome's clients send it; in a Group `members` are added unless `replaceMembers` is true.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for a body that is no PATCH request, `invalidPath` and
    /// `invalidFilter` for paths.
    pub fn parse(rules: Rules, kind: ResourceType, body: Value) -> Result<Patch, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(ScimError::invalid_syntax("the body is no JSON object"));
        };
        refuse_nul(&body)?;
        declared::message(rules.dialect, &body, PATCH_OP)?;
        let operations = match take(&mut body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            Some(_) => {
                return Err(ScimError::invalid_syntax(
                    "Operations must be an array of operations",
                ));
            }
            None if rules.dialect.takes_plain_patch() => return Patch::plain(rules, kind, body),
            None => return Err(ScimError::invalid_syntax("Operations is missing")),
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(ScimError::invalid_syntax(format!(
                "there are more than {MAX_OPERATIONS} Operations"
            )));
        }
        let operations = operations.into_iter().enumerate();
        let operations = operations.map(|(index, operation)| {
            operation_of(rules, operation).map_err(|error| ScimError {
                detail: format!("Operations[{index}]: {}", error.detail),
                ..error
            })
        });
        Ok(Patch {
            rules,
            kind,
            operations: operations.collect::<Result<_, _>>()?,
        })
    }

    fn plain(rules: Rules, kind: ResourceType, mut body: Object) -> Result<Patch, ScimError> {
        let schemas = take(&mut body, "schemas").unwrap_or_default();
        let schemas = schemas.as_array().map_or(&[][..], Vec::as_slice);
        let is_patch_op = |schema: &Value| {
            schema
                .as_str()
                .is_some_and(|schema| schema.eq_ignore_ascii_case(PATCH_OP))
        };
        if body.is_empty() || schemas.iter().any(is_patch_op) {
            return Err(ScimError::invalid_syntax("Operations is missing"));
        }
        let mut operations = Vec::new();
        if kind == ResourceType::Group {
            let replace = match take(&mut body, "replaceMembers") {
                Some(value) => boolean(rules, "replaceMembers", value)?,
                None => false,
            };
            if let Some(members) = take(&mut body, "members") {
                operations.push(PatchOperation {
                    op: if replace { Op::Replace } else { Op::Add },
                    path: Some(Path::parse(rules, "members")?),
                    value: Some(members),
                });
            }
        }
        operations.push(PatchOperation {
            op: Op::Replace,
            path: None,
            value: Some(Value::Object(body)),
        });
        Ok(Patch {
            rules,
            kind,
            operations,
        })
    }

    /// Apply all operations or none; `current` stays as it is.
    ///
    /// # Errors
    /// 400 `noTarget`, `invalidPath`, `mutability` or `invalidValue`.
    pub fn apply(&self, current: &Document) -> Result<Patched, ScimError> {
        let current = &*with_urns_as_defined(self.rules, current);
        let mut editor = Editor::new(self.rules, self.kind, current.clone());
        for operation in &self.operations {
            match (&operation.path, &operation.value) {
                (Some(path), value) => editor.operate(operation.op, path, value.clone())?,
                (None, Some(Value::Object(values))) => {
                    editor.merge(operation.op, Origin::Value, None, values.clone())?;
                }
                (None, _) => {
                    return Err(ScimError::invalid_value(
                        "an operation without path needs an object as value",
                    ));
                }
            }
        }
        let members = std::mem::take(&mut editor.members);
        let asserted = editor.asserted;
        let document = editor.document();
        immutable::check(self.rules, self.kind, current, &document)?;
        validate(self.rules, self.kind, &document, Some(current))?;
        Ok(Patched {
            document,
            members,
            asserted,
        })
    }
}

fn operation_of(rules: Rules, operation: Value) -> Result<PatchOperation, ScimError> {
    let Value::Object(mut operation) = operation else {
        return Err(ScimError::invalid_syntax("an operation is no object"));
    };
    let folds = rules.dialect.folds_op();
    let is = |op: &str, name: &str| op == name || (folds && op.eq_ignore_ascii_case(name));
    let op = match take(&mut operation, "op") {
        Some(Value::String(op)) if is(&op, "add") => Op::Add,
        Some(Value::String(op)) if is(&op, "replace") => Op::Replace,
        Some(Value::String(op)) if is(&op, "remove") => Op::Remove,
        _ => return Err(ScimError::invalid_syntax("op must be add, replace or remove")),
    };
    let path = match take(&mut operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() && rules.dialect.bends_operations() => None,
        Some(Value::String(path)) => Some(Path::parse(rules, &path)?),
        Some(_) => return Err(ScimError::invalid_path("path must be a string")),
    };
    if op == Op::Remove && path.is_none() {
        return Err(ScimError::no_target("remove needs a path"));
    }
    Ok(PatchOperation {
        op,
        path,
        value: take(&mut operation, "value"),
    })
}

/// Take the value of a key, whatever its case.
fn take(object: &mut Object, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.remove(&key)
}

fn boolean(rules: Rules, name: &'static str, value: Value) -> Result<bool, ScimError> {
    let definition = schema::core(ResourceType::User).attribute("active");
    let value = match definition {
        Some(definition) => coerce_one(rules.dialect, definition, name, value)?,
        None => None,
    };
    Ok(value == Some(Value::Bool(true)))
}

impl Patch {
    /// The attributes that only a request returns and that the operations name: the answer
    /// shows them (RFC 7643 §7).
    pub fn specified(&self) -> Vec<AttributePath> {
        let schemas = self.rules.schemas;
        let mut found = Vec::new();
        for operation in &self.operations {
            match (&operation.path, &operation.value) {
                (Some(path), value) => {
                    specified::in_value(schemas, &path.attribute, value.as_ref(), &mut found);
                }
                (None, Some(Value::Object(values))) => found.extend(specified::in_values(schemas, values)),
                (None, _) => {}
            }
        }
        found
    }

    /// How many values the operations carry, an array counting by its elements: what applying
    /// the request may cost.
    pub fn value_count(&self) -> usize {
        let count = |operation: &PatchOperation| match &operation.value {
            Some(Value::Array(values)) => values.len(),
            _ => 1,
        };
        self.operations.iter().map(count).sum()
    }

    /// Whether the request names nothing but members, so that the document need not be read.
    pub fn only_members(&self) -> bool {
        self.operations.iter().all(|operation| {
            let path = operation.path.as_ref();
            path.is_some_and(|path| {
                matches!(
                    locate(self.rules, self.kind, &path.attribute),
                    Place::Members { .. }
                )
            })
        })
    }
}

#[cfg(test)]
#[path = "patch_properties.rs"]
mod properties;

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
