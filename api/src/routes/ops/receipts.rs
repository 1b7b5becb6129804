use crate::error::{Failure, Problem};
use crate::extract::{Caller, Page, parse_receipt};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{ResourceType, etag};
use rollcall_shared::store::periods;
use rollcall_shared::store::receipts::{self, ReceiptRow, RejectedRow, WaitingRow};
use rollcall_shared::store::{PgConnection, StoreError};
use rollcall_shared::telemetry::LinkSlot;
use serde_json::{Value, json};
use uuid::Uuid;

/// Most waiting links listed per write.
const MOST_WAITING: i64 = 100;

described!(
    /// A link that a write asserted and that waits.
    WaitingBriefForm, {
        "slot": "manager|additional_manager|team|member?",
        "reference": "string?",
        "reason": "string",
        "since": "time",
        "attempts": "integer",
        "nextAttemptAt": "time?",
    }
);
described!(
    /// A value that a write asserted and that could not be projected.
    RejectedForm, { "field": "string", "reason": "string", "since": "time" }
);
described!(
    /// What became of the writes of a request.
    ReceiptForm, {
        "txn": "uuid",
        "totalResults": "integer",
        "startIndex": "integer",
        "itemsPerPage": "integer",
        "operations": [{
            "index": "integer",
            "state": "accepted|unchanged|applied|superseded|partly_applied",
            "operation": "string",
            "resourceType": "User|Group?",
            "id": "uuid",
            "version": "string: as the ETag has it",
            "acceptedAt": "time",
            "attributes": ["string: that it asserted"],
            "pendingKeys?": "integer",
            "parkedKeys?": "integer",
            "appliedAt?": "time?",
            "appliedFields?": "any: of the directory",
            "appliedWith?": { "txn": "uuid?", "index": "integer?" },
            "waiting?": [of::<WaitingBriefForm>()],
            "rejected?": [of::<RejectedForm>()],
        }],
    }
);

/// `GET /ops/v1/receipts/{txn}` or `/{txn}:{index}`: what became of the writes of a request.
#[utoipa::path(
    get,
    path = "/receipts/{receipt}",
    params(Page),
    responses(
        (status = 200, body = ReceiptForm),
        (status = 410, description = "Receipts of that time are not kept any more.")
    )
)]
pub(super) async fn receipt(
    State(app): State<App>,
    caller: Caller,
    Path(receipt): Path<String>,
    page: Page,
) -> Result<Json<Value>, Problem> {
    let (txn, index) = parse_receipt(&receipt).ok_or_else(not_found)?;
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let total = match index {
        Some(_) => 1,
        None => receipts::count(&mut connection, tenant, txn).await?,
    };
    let seqs = receipts::page(
        &mut connection,
        tenant,
        txn,
        index,
        page.start_index - 1,
        page.count,
    )
    .await?;
    if total == 0 || (index.is_some() && seqs.is_empty()) {
        let kept_since = periods::writes_kept_since(&mut connection).await?;
        return Err(missing(txn, kept_since).into());
    }
    let writes = Write::read(&mut connection, tenant, &seqs).await?;
    let operations: Vec<Value> = writes.iter().map(Write::shown).collect();
    Ok(Json(json!({
        "txn": txn,
        "totalResults": total,
        "startIndex": page.start_index,
        "itemsPerPage": operations.len(),
        "operations": operations,
    })))
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such receipt")
}

/// A receipt tells when it was given.
fn missing(txn: Uuid, kept_since: Option<DateTime<Utc>>) -> Failure {
    let (seconds, _) = txn.get_timestamp().map_or((u64::MAX, 0), |given| given.to_unix());
    match kept_since {
        Some(since) if u64::try_from(since.timestamp()).is_ok_and(|since| seconds < since) => {
            let detail = format!("receipts of before {} are not kept any more", since.to_rfc3339());
            Failure::new(StatusCode::GONE, detail)
        }
        _ => not_found(),
    }
}

/// How far an accepted write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Acknowledged; the directory has yet to catch up.
    Accepted,
    /// It asserted nothing that was not there already.
    Unchanged,
    /// The directory shows it.
    Applied,
    /// Applied together with a later write to the same resource.
    Superseded,
    /// Applied, except for links that wait or values that were rejected.
    PartlyApplied,
}

impl Progress {
    pub(super) const ALL: [Progress; 5] = [
        Progress::Accepted,
        Progress::Unchanged,
        Progress::Applied,
        Progress::Superseded,
        Progress::PartlyApplied,
    ];

    fn of(row: &ReceiptRow, something_missing: bool) -> Progress {
        match row.applied_seq {
            _ if row.unchanged => Progress::Unchanged,
            _ if row.pending > 0 => Progress::Accepted,
            None => Progress::Accepted,
            Some(_) if something_missing => Progress::PartlyApplied,
            Some(applied) if applied > row.seq => Progress::Superseded,
            Some(_) => Progress::Applied,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Progress::Accepted => "accepted",
            Progress::Unchanged => "unchanged",
            Progress::Applied => "applied",
            Progress::Superseded => "superseded",
            Progress::PartlyApplied => "partly_applied",
        }
    }
}

/// An accepted write, and what became of it.
pub(super) struct Write {
    pub(super) row: ReceiptRow,
    pub(super) progress: Progress,
    waiting: Vec<WaitingRow>,
    rejected: Vec<RejectedRow>,
}

impl Write {
    /// The writes of these seqs, in this order.
    pub(super) async fn read(
        connection: &mut PgConnection,
        tenant: TenantId,
        seqs: &[i64],
    ) -> Result<Vec<Write>, StoreError> {
        let rows = receipts::find(&mut *connection, tenant, seqs).await?;
        let changes: Vec<(i64, Uuid)> = rows.iter().map(|row| (row.seq, row.directory_id)).collect();
        let mut waiting = receipts::waiting(&mut *connection, tenant, &changes, MOST_WAITING).await?;
        let applied: Vec<(Uuid, i64, i64)> = rows
            .iter()
            .filter_map(|row| Some((row.resource_id, row.seq, row.applied_seq?)))
            .collect();
        let mut rejected = receipts::rejected(connection, tenant, &applied).await?;
        let write = |row: ReceiptRow| {
            let waiting = waiting.remove(&row.seq).unwrap_or_default();
            let rejected = rejected.remove(&row.seq).unwrap_or_default();
            Write {
                progress: Progress::of(&row, !(waiting.is_empty() && rejected.is_empty())),
                row,
                waiting,
                rejected,
            }
        };
        Ok(rows.into_iter().map(write).collect())
    }

    /// As clients see it.
    pub(super) fn shown(&self) -> Value {
        let Write { row, .. } = self;
        let kind = ResourceType::from_column(row.kind).map(ResourceType::name);
        let mut operation = json!({
            "index": row.txn_index,
            "state": self.progress.name(),
            "operation": row.operation,
            "resourceType": kind,
            "id": row.resource_id,
            "version": etag(row.version),
            "acceptedAt": row.accepted_at,
            "attributes": row.attributes,
        });
        if row.pending > 0 {
            operation["pendingKeys"] = row.pending.into();
        }
        if row.parked > 0 {
            operation["parkedKeys"] = row.parked.into();
        }
        if row.pending == 0 && !row.unchanged && row.applied_seq.is_some() {
            operation["appliedAt"] = json!(row.applied_at);
            operation["appliedFields"] = json!(row.fields);
        }
        if self.progress == Progress::Superseded {
            operation["appliedWith"] = json!({ "txn": row.applied_txn, "index": row.applied_txn_index });
        }
        if !self.waiting.is_empty() {
            operation["waiting"] = self.waiting.iter().map(waits).collect();
        }
        if !self.rejected.is_empty() {
            operation["rejected"] = self.rejected.iter().map(refused).collect();
        }
        operation
    }
}

fn waits(link: &WaitingRow) -> Value {
    json!({
        "slot": LinkSlot::from_column(link.slot).map(LinkSlot::name),
        "reference": link.reference,
        "reason": link.reason,
        "since": link.since,
        "attempts": link.attempts,
        "nextAttemptAt": link.next_attempt_at,
    })
}

fn refused(value: &RejectedRow) -> Value {
    json!({ "field": value.rule, "reason": value.reason, "since": value.since })
}
