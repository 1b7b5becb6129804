//! The members of groups: kept beside the document, changed by operations of their own.

use super::edit::Op;
use super::filter::Filter;
use super::value::{unknown, wrong_type};
use super::{Dialect, Member, MemberOp, Object, Path, ScimError, schema};
use crate::directory::fold;
use serde_json::Value;
use std::collections::HashSet;

/// Longest folded value of a member, in bytes.
const MAX_BYTES: usize = 512;

/// Members as asserted, each once: an array of objects or texts, or a single one.
pub(super) fn parse_members(dialect: Dialect, value: Value) -> Result<Vec<Member>, ScimError> {
    let elements = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(elements) => elements,
        value @ (Value::Object(_) | Value::String(_)) if dialect.takes_bare_references() => vec![value],
        _ => return Err(wrong_type("members", "an array")),
    };
    let mut seen = HashSet::with_capacity(elements.len());
    let mut members = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(member) = parse_member(dialect, element)? else {
            continue;
        };
        let folded = fold(&member.value);
        if folded.len() > MAX_BYTES {
            return Err(ScimError::invalid_value(format!(
                "members.value is longer than {MAX_BYTES} bytes"
            )));
        }
        if seen.insert(folded) {
            members.push(member);
        }
    }
    Ok(members)
}

fn parse_member(dialect: Dialect, element: Value) -> Result<Option<Member>, ScimError> {
    let object = match element {
        Value::Null => return Ok(None),
        Value::String(text) if dialect.takes_bare_references() => {
            Object::from_iter([("value".to_owned(), Value::String(text))])
        }
        Value::Object(object) => object,
        _ => return Err(wrong_type("members", "an array of objects")),
    };
    let sub_attributes = schema::core(super::ResourceType::Group)
        .attribute("members")
        .map_or(&[][..], |members| members.sub_attributes);
    let mut text = None;
    let mut attributes = Object::new();
    for (key, value) in object {
        let known = schema::find(sub_attributes, &key);
        match (known.map(|known| known.name), value) {
            (_, Value::Null) => {}
            (Some("value"), Value::String(value)) => text = Some(value),
            (Some("value"), Value::Number(number)) if dialect.takes_bare_references() => {
                text = Some(number.to_string())
            }
            (Some(name), value) if name == "value" || !value.is_string() => {
                return Err(wrong_type(&format!("members.{name}"), "a string"));
            }
            (Some(name), value) => {
                attributes.insert(name.to_owned(), value);
            }
            (None, _) if !dialect.keeps_unknown_attributes() => {
                return Err(unknown(&format!("members.{key}")));
            }
            (None, value) => {
                attributes.insert(key, value);
            }
        }
    }
    match text {
        Some(value) if !value.trim().is_empty() => Ok(Some(Member {
            value,
            attributes: (!attributes.is_empty()).then_some(attributes),
        })),
        _ => Err(ScimError::invalid_value("members.value is missing")),
    }
}

/// What one PATCH operation on `members` does to them.
pub(super) fn operate(
    dialect: Dialect,
    op: Op,
    path: Option<&Path>,
    value: Option<Value>,
    operations: &mut Vec<MemberOp>,
) -> Result<(), ScimError> {
    let filter = path.and_then(|path| path.filter.as_ref());
    match (op, filter, value) {
        (Op::Add, None, Some(value)) => operations.push(MemberOp::Add(parse_members(dialect, value)?)),
        (Op::Replace, None, Some(value)) => {
            operations.push(MemberOp::Replace(parse_members(dialect, value)?))
        }
        (Op::Remove, None, None | Some(Value::Null)) => operations.push(MemberOp::Replace(Vec::new())),
        (Op::Remove, None, Some(_)) if !dialect.bends_operations() => {
            return Err(ScimError::invalid_value(
                "remove takes no value; name members by a filter in its path",
            ));
        }
        (Op::Remove, None, Some(value)) => {
            let values = parse_members(dialect, value)?
                .into_iter()
                .map(|member| member.value)
                .collect();
            operations.push(MemberOp::Remove(values));
        }
        (Op::Remove, Some(filter), _) => operations.push(remove_where(filter)),
        (Op::Replace, Some(filter), Some(value)) => {
            operations.push(remove_where(filter));
            operations.push(MemberOp::Add(parse_members(dialect, value)?));
        }
        (Op::Add, Some(_), _) => {
            return Err(ScimError::mutability("a present member"));
        }
        (Op::Add | Op::Replace, _, None) => return Err(ScimError::invalid_value("members has no value")),
    }
    Ok(())
}

/// Members named by their values need no look at the others.
fn remove_where(filter: &Filter) -> MemberOp {
    match values_named(filter) {
        Some(values) => MemberOp::Remove(values),
        None => MemberOp::RemoveWhere(filter.clone()),
    }
}

fn values_named(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Or(any) => {
            let mut values = Vec::new();
            for one in any {
                values.extend(values_named(one)?);
            }
            Some(values)
        }
        Filter::And(_) => None,
        one => match one.equalities()?.as_slice() {
            [(name, literal)] if name.eq_ignore_ascii_case("value") => Some(vec![literal.text()?.to_owned()]),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operated(op: Op, path: &str, value: Option<Value>) -> Result<Vec<MemberOp>, ScimError> {
        let mut operations = Vec::new();
        operate(
            Dialect::Tolerant,
            op,
            Some(&Path::parse(crate::scim::Rules::default(), path).unwrap()),
            value,
            &mut operations,
        )?;
        Ok(operations)
    }

    #[test]
    fn parse_members_texts_objects_and_repetitions() {
        let members = parse_members(
            Dialect::Tolerant,
            json!(["a", {"Value": "b", "Display": "B", "type": null}, {"value": "A"}]),
        )
        .unwrap();
        assert_eq!(
            members
                .iter()
                .map(|member| member.value.as_str())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(members[1].attributes.as_ref().unwrap()["display"], "B");
    }

    #[test]
    fn parse_members_wrong_shapes_name_the_attribute() {
        for value in [
            json!(1),
            json!([1]),
            json!([{"display": "x"}]),
            json!([{"value": []}]),
            json!([{"value": "a", "type": 1}]),
        ] {
            assert!(
                parse_members(Dialect::Tolerant, value)
                    .unwrap_err()
                    .detail
                    .contains("members")
            );
        }
        assert!(parse_members(Dialect::Tolerant, json!(["x".repeat(513)])).is_err());
    }

    #[test]
    fn operate_entra_remove_with_value_array_removes_only_those() {
        let operations = operated(
            Op::Remove,
            "members",
            Some(json!([{"value": "a"}, {"value": "b"}])),
        );
        assert_eq!(
            operations,
            Ok(vec![MemberOp::Remove(vec!["a".into(), "b".into()])])
        );
        assert_eq!(
            operated(Op::Remove, "members", None),
            Ok(vec![MemberOp::Replace(vec![])])
        );
    }

    #[test]
    fn operate_okta_remove_by_filter_names_the_values() {
        let operations = operated(Op::Remove, r#"members[value eq "a" or value eq "b"]"#, None);
        assert_eq!(
            operations,
            Ok(vec![MemberOp::Remove(vec!["a".into(), "b".into()])])
        );
        let operations = operated(Op::Remove, r#"members[type eq "Group"]"#, None).unwrap();
        assert!(matches!(operations.as_slice(), [MemberOp::RemoveWhere(_)]));
    }
}
