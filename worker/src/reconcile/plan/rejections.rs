use rollcall_shared::projection::Rejection;
use rollcall_shared::store::reconcile::RejectionRow;
use uuid::Uuid;

/// The rows of these rejections of a resource as of a change.
pub(super) fn rows(rejections: &[Rejection], resource_id: Uuid, seq: i64) -> Vec<RejectionRow> {
    rejections
        .iter()
        .map(|rejection| RejectionRow {
            resource_id,
            rule: rejection.rule.to_string(),
            value_hash: rejection.value_hash.clone(),
            reason: rejection.reason.clone(),
            seq,
        })
        .collect()
}

/// Whether what is rejected is not what was.
pub(super) fn differ(open: &[RejectionRow], rejected: &[RejectionRow]) -> bool {
    let same = |a: &RejectionRow, b: &RejectionRow| {
        (a.resource_id, &a.rule, &a.value_hash) == (b.resource_id, &b.rule, &b.value_hash)
    };
    let known = |rows: &[RejectionRow], row| rows.iter().any(|other| same(other, row));
    !rejected.iter().all(|row| known(open, row)) || !open.iter().all(|row| known(rejected, row))
}

/// What was rejected and is not any more.
pub(super) fn cleared(open: Vec<RejectionRow>, rejected: &[RejectionRow]) -> Vec<(Uuid, String)> {
    open.into_iter()
        .filter(|row| {
            !rejected
                .iter()
                .any(|new| new.resource_id == row.resource_id && new.rule == row.rule)
        })
        .map(|row| (row.resource_id, row.rule))
        .collect()
}
