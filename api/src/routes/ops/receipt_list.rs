use super::receipts::{Progress, RejectedForm, WaitingBriefForm, Write};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{Cursor, described};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::receipt_list::{self, Among, Filter};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};

/// Receipts in a page when the client does not say, and at most.
const USUAL: i64 = 50;
const MOST: i64 = 500;
/// Writes whose state is looked at for one page. Where few of them are in the state that is asked for,
/// the page ends there.
const LOOKED: i64 = 2_000;

described!(
    /// Accepted writes, the newest first.
    ReceiptsForm, {
        "receipts": [{
            "txn": "uuid",
            "token": "uuid?",
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
        "nextCursor": "string?",
    }
);

/// `GET /ops/v1/receipts`: accepted writes, the newest first, by `state`, `resource`, `token`, `since`
/// and `until`. A page may hold fewer than asked for, or none: the list goes on while there is a
/// `nextCursor`.
#[utoipa::path(
    get,
    path = "/receipts",
    params(
        (
            "state" = Option<String>,
            Query,
            description = "`accepted`, `unchanged`, `applied`, `superseded` or `partly_applied`."
        ),
        ("resource" = Option<Uuid>, Query, description = "Of this SCIM resource."),
        ("token" = Option<Uuid>, Query, description = "Written with this token."),
        ("since" = Option<String>, Query, description = "Accepted from this time on (RFC 3339)."),
        ("until" = Option<String>, Query, description = "Accepted before this time (RFC 3339)."),
        ("count" = Option<i64>, Query, description = "Receipts in a page: 50 unless told, at most 500."),
        Cursor
    ),
    responses((status = 200, body = ReceiptsForm))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let count = asked.count(USUAL, MOST)?;
    let state = asked.text("state").map(state).transpose()?;
    let cursor = asked.text("cursor").map(|cursor| cursor.parse::<i64>());
    let cursor = cursor
        .transpose()
        .map_err(|_| bad_request("cursor is not one of this list"))?;
    let (resource, token) = (asked.id("resource")?, asked.id("token")?);
    let (since, until) = (asked.time("since")?, asked.time("until")?);

    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let after = match since {
        Some(since) => receipt_list::seq_before(&mut connection, tenant, since).await?,
        None => 0,
    };
    let mut before = cursor.unwrap_or(i64::MAX);
    if let Some(until) = until {
        let last = receipt_list::seq_before(&mut connection, tenant, until).await?;
        before = before.min(last + 1);
    }
    let filter = Filter {
        among: state.map_or(Among::All, among),
        resource,
        token,
        after,
    };
    let (writes, next) = page(&mut connection, tenant, &filter, state, before, count).await?;
    let receipts: Vec<Value> = writes.iter().map(shown).collect();
    Ok(Json(json!({
        "receipts": receipts,
        "nextCursor": next.map(|seq| seq.to_string()),
    })))
}

/// At most `count` writes, and where to go on.
async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    state: Option<Progress>,
    mut before: i64,
    count: i64,
) -> Result<(Vec<Write>, Option<i64>), StoreError> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut found: Vec<Write> = vec![];
    let mut looked = 0;
    loop {
        let part = receipt_list::part(&mut *connection, tenant, filter, before, count).await?;
        looked += count;
        let writes = Write::read(&mut *connection, tenant, &part.seqs).await?;
        found.extend(
            writes
                .into_iter()
                .filter(|write| state.is_none_or(|state| state == write.progress)),
        );
        if found.len() >= most {
            let rest = found.len() > most || part.next.is_some();
            found.truncate(most);
            let last = found.last().map(|write| write.row.seq);
            return Ok((found, last.filter(|_| rest)));
        }
        match part.next {
            // A token or a resource may be a needle: then a part has looked at thousands already.
            Some(next) if looked < LOOKED && !part.seqs.is_empty() => before = next,
            next => return Ok((found, next)),
        }
    }
}

fn state(name: &str) -> Result<Progress, Failure> {
    let known = Progress::ALL.into_iter().find(|state| state.name() == name);
    known.ok_or_else(|| {
        let names = Progress::ALL.map(Progress::name).join(", ");
        bad_request(format!("state must be one of {names}"))
    })
}

/// Where writes of this state are.
fn among(state: Progress) -> Among {
    match state {
        Progress::Accepted => Among::Pending,
        Progress::Unchanged => Among::Unchanged,
        Progress::PartlyApplied => Among::Flawed,
        Progress::Applied | Progress::Superseded => Among::Changing,
    }
}

fn shown(write: &Write) -> Value {
    let mut shown = json!({ "txn": write.row.txn, "token": write.row.token_id });
    if let (Value::Object(receipt), Value::Object(operation)) = (&mut shown, write.shown()) {
        receipt.extend(operation);
    }
    shown
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}
