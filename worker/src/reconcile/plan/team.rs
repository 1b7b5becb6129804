use super::{TeamPlan, rejections};
use rollcall_shared::projection::project_group;
use rollcall_shared::store::reconcile::{DesiredGroup, RejectionRow, TeamRow};
use serde_json::{Map, Value, json};

/// What becomes of a group's team.
pub(super) fn team(
    group: &DesiredGroup,
    before: TeamRow,
    open: Vec<RejectionRow>,
    read_seq: i64,
) -> TeamPlan {
    let projected = project_group(&group.document);
    let rejected = rejections::rows(&projected.rejections, group.resource_id, group.seq);
    let kept = |rule: &str| rejected.iter().any(|row| row.rule == rule);
    let row = TeamRow {
        id: before.id,
        name: projected.name.unwrap_or_else(|| before.name.clone()),
        external_id: if kept("external_id") {
            before.external_id.clone()
        } else {
            projected.external_id
        },
        resource_id: Some(group.resource_id),
        deleted: !group.live,
        applied_seq: group.seq,
    };
    let mut fields = Map::new();
    // Rows created for the sake of a member have shown nobody anything yet.
    let old = (before.applied_seq > 0).then_some(&before);
    let mut note = |field: &str, old: Value, new: Value| {
        if old != new {
            fields.insert(field.to_owned(), Value::Array(vec![old, new]));
        }
    };
    note("name", json!(old.map(|old| &old.name)), json!(row.name));
    note(
        "external_id",
        json!(old.and_then(|old| old.external_id.as_ref())),
        json!(row.external_id),
    );
    note(
        "deleted",
        json!(old.is_some_and(|old| old.deleted)),
        json!(row.deleted),
    );
    TeamPlan {
        differs: before != row,
        other_rejections: rejections::differ(&open, &rejected),
        cleared: rejections::cleared(open, &rejected),
        row,
        before,
        read_seq,
        rejected,
        fields,
    }
}

/// The team of a group that was never accepted.
pub(super) fn no_group(before: TeamRow) -> TeamPlan {
    let row = TeamRow {
        deleted: true,
        ..before.clone()
    };
    let mut fields = Map::new();
    if !before.deleted {
        fields.insert("deleted".to_owned(), json!([false, true]));
    }
    TeamPlan {
        differs: before != row,
        row,
        before,
        read_seq: 0,
        rejected: vec![],
        cleared: vec![],
        other_rejections: false,
        fields,
    }
}

/// The row a group's team begins with.
pub(in crate::reconcile) fn new_team(group: &DesiredGroup) -> TeamRow {
    let projected = project_group(&group.document);
    TeamRow {
        id: group.id,
        name: projected.name.unwrap_or_default(),
        external_id: projected.external_id,
        resource_id: Some(group.resource_id),
        deleted: !group.live,
        applied_seq: 0,
    }
}
