//! Who joins and who leaves a group. Pure.

use super::plan::{Context, Members};
use rollcall_shared::directory::fold;
use rollcall_shared::scim::{Dialect, Member, MemberOp, ScimError};
use rollcall_shared::store::accept::MemberRow;
use serde_json::Value;
use std::collections::BTreeMap;

/// Run membership operations, in order, over what was read: who joins or is asserted with other
/// attributes, and who leaves.
///
/// # Errors
/// 400 `mutability` for another value of what is immutable in a member, `noTarget` for a removal
/// that finds nobody where the dialect minds.
pub(super) fn membership(
    context: &Context<'_>,
    operations: &[MemberOp],
) -> Result<(Vec<MemberRow>, Vec<String>), ScimError> {
    let group_id = context.write.id();
    let dialect = context.writer.rules.dialect;
    let empty = Members::new();
    let before = context.members.unwrap_or(&empty);
    let row = |member: &Member| MemberRow {
        group_id,
        member: fold(&member.value),
        value: member.value.clone(),
        attributes: member.attributes.clone().map(Value::Object),
    };
    // Folded value → the member's state after the operations so far; absent: as before.
    let mut after: BTreeMap<String, Option<MemberRow>> = BTreeMap::new();
    for operation in operations {
        match operation {
            MemberOp::Add(members) => {
                for member in members.iter().map(row) {
                    let now = after
                        .get(&member.member)
                        .map_or(before.get(&member.member), Option::as_ref);
                    let member = reasserted(dialect, now, member)?;
                    after.insert(member.member.clone(), Some(member));
                }
            }
            MemberOp::Remove(values) => {
                let mut found = false;
                for member in values.iter().map(|value| fold(value)) {
                    let now = after.get(&member).map_or(before.get(&member), Option::as_ref);
                    found |= now.is_some();
                    after.insert(member, None);
                }
                found_by(dialect, found)?;
            }
            MemberOp::RemoveWhere(filter) => {
                let mut found = false;
                for member in before.keys().chain(&after.keys().cloned().collect::<Vec<_>>()) {
                    let now = after.get(member).map_or(before.get(member), Option::as_ref);
                    if now.is_some_and(|now| filter.matches(&as_json(now))) {
                        found = true;
                        after.insert(member.clone(), None);
                    }
                }
                found_by(dialect, found)?;
            }
            MemberOp::Replace(members) => {
                // Whoever is named again stays, and stays what they are.
                let mut again = Vec::with_capacity(members.len());
                for member in members.iter().map(row) {
                    let now = after
                        .get(&member.member)
                        .map_or(before.get(&member.member), Option::as_ref);
                    again.push(reasserted(dialect, now, member)?);
                }
                for member in before.keys() {
                    after.insert(member.clone(), None);
                }
                after.values_mut().for_each(|state| *state = None);
                after.extend(
                    again
                        .into_iter()
                        .map(|member| (member.member.clone(), Some(member))),
                );
            }
        }
    }
    let mut joined = vec![];
    let mut left = vec![];
    for (member, state) in after {
        match (before.get(&member), state) {
            (None, Some(row)) => joined.push(row),
            (Some(old), Some(row)) if old.value != row.value || old.attributes != row.attributes => {
                joined.push(row);
            }
            (Some(_), None) => left.push(member),
            _ => {}
        }
    }
    Ok((joined, left))
}

/// A member asserted again: what was said of it before and is not said now stays, and what is
/// immutable (RFC 7643 §4.2) must be said the same way.
fn reasserted(
    dialect: Dialect,
    now: Option<&MemberRow>,
    mut member: MemberRow,
) -> Result<MemberRow, ScimError> {
    let Some(Value::Object(known)) = now.and_then(|now| now.attributes.as_ref()) else {
        return Ok(member);
    };
    let mut attributes = known.clone();
    if let Some(Value::Object(said)) = member.attributes {
        for (name, value) in said {
            let differs = known.get(&name).is_some_and(|known| known != &value);
            let may_differ = dialect.renames_members() && name != "type";
            if differs && !may_differ {
                return Err(ScimError::immutable(&format!("members.{name}")));
            }
            attributes.insert(name, value);
        }
    }
    member.attributes = Some(Value::Object(attributes));
    Ok(member)
}

fn found_by(dialect: Dialect, found: bool) -> Result<(), ScimError> {
    match found || dialect.removes_nobody() {
        true => Ok(()),
        false => Err(ScimError::no_target("no value of members matches the filter")),
    }
}

/// Whether an operation needs to see every member of the group.
pub(super) fn needs_all_members(operation: &MemberOp) -> bool {
    matches!(operation, MemberOp::RemoveWhere(_) | MemberOp::Replace(_))
}

/// A member as a filter sees it.
fn as_json(row: &MemberRow) -> Value {
    let mut member = match &row.attributes {
        Some(Value::Object(attributes)) => attributes.clone(),
        _ => Default::default(),
    };
    member.insert("value".to_owned(), Value::String(row.value.clone()));
    Value::Object(member)
}
