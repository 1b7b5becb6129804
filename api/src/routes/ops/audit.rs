use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{Cursor, described};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::audit::{self, AuditRow};
use serde_json::{Value, json};

described!(
    /// What operators did.
    AuditForm, {
        "actions": [{
            "id": "integer",
            "at": "time",
            "token": { "id": "uuid", "name": "string?" },
            "action": "string: method and route",
            "target": "string?: the id in the path",
            "status": "integer?: null while it is under way",
        }],
        "nextCursor": "string?",
    }
);

/// `GET /ops/v1/audit`: what operators did, the newest first; `cursor` is the `nextCursor` of the page before.
#[utoipa::path(
    get,
    path = "/audit",
    params(
        ("count" = Option<i64>, Query, description = "Actions in a page: 100 unless told, at most 1000."),
        Cursor
    ),
    responses((status = 200, body = AuditForm))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let count = asked.count(100, 1000)?;
    let before = asked
        .text("cursor")
        .map(|cursor| cursor.parse::<i64>())
        .transpose()
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "cursor is not one of this list"))?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let rows = audit::list(&mut connection, caller.0.tenant, before, count).await?;
    let full = rows.len() as i64 == count;
    let next = rows.last().filter(|_| full).map(|row| row.id.to_string());
    let actions: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(json!({ "actions": actions, "nextCursor": next })))
}

fn shown(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": row.at,
        "token": { "id": row.token_id, "name": row.token_name },
        "action": row.action,
        "target": row.target,
        "status": row.status,
    })
}
