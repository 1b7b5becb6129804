//! `GET /content/v1/changes`: what happened to the directory, for whoever follows it.

use crate::cursor::{Scope, Seal};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::follow::{self, Entry, Page, Position};
use rollcall_shared::store::{self, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Rows of history behind a page when the client does not say, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;
/// Longest time a request waits for something to happen.
const LONGEST: i64 = 30;
/// How often is looked whether something did.
const LOOK: Duration = Duration::from_millis(500);
/// A cursor from before anything happened names no row that could be missed: so long it is good.
const GOOD_FOR_SECONDS: i64 = 7 * 24 * 60 * 60;
const SCOPE: &[u8] = b"/content/v1/changes";

/// What a cursor holds.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Cursor {
    position: Position,
    /// In seconds of the database's time.
    closed_at: i64,
}

impl Cursor {
    /// Whether it names no row by which could be told that nothing was cut off since, and is too old to trust.
    fn is_stale(&self, now: i64) -> bool {
        self.position == Position::default() && now - self.closed_at > GOOD_FOR_SECONDS
    }
}

described!(
    /// What happened to the directory.
    ChangesForm, {
        "changes": [{
            "type": "string: such as person.updated",
            "id": "string: the same whenever it is told",
            "at": "time",
            "*": "any",
        }],
        "cursor": "string?: where to go on",
        "more": "boolean: there is more already",
    }
);

/// `GET /content/v1/changes`: everything after `cursor`, or with `from=now` a cursor to begin with; with `wait`, once there is something.
#[utoipa::path(get, path = "/changes", params(("cursor" = Option<String>, Query, description = "`cursor` of the part before."), ("from" = Option<String>, Query, description = "`now`, instead of `cursor`: a cursor to begin with."), ("limit" = Option<i64>, Query, description = "Entries at most, within bounds."), ("wait" = Option<i64>, Query, description = "Seconds to wait for something to happen: at most 30.")), responses((status = 200, body = ChangesForm, headers(("Cache-Control"))), (status = 410, description = "What happened since is not kept any more: start over.")))]
pub(super) async fn changes(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.only(&["cursor", "from", "limit", "wait"], None)?;
    let tenant = caller.0.tenant;
    let limit = asked.limit(USUAL, MOST)?;
    let wait = asked.number("wait")?.unwrap_or(0).clamp(0, LONGEST);
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let seal = app.cursors.seal(&mut connection).await?;
    let now = store::now(&mut connection).await?;
    let position = match (asked.text("cursor"), asked.text("from")) {
        (None, Some("now")) => {
            let position = follow::latest(&mut connection, tenant).await?;
            return answer(seal, tenant, now, &Page::empty(position));
        }
        (Some(cursor), None) => {
            let cursor: Cursor = seal.open_any(cursor, scope(tenant)).ok_or_else(not_ours)?;
            if cursor.is_stale(now) || !follow::is_kept(&mut connection, tenant, cursor.position).await? {
                return Err(gone().into());
            }
            cursor.position
        }
        _ => {
            let detail = "either cursor or from=now is needed: from=now answers with a cursor to begin with";
            return Err(Failure::new(StatusCode::BAD_REQUEST, detail).into());
        }
    };
    let mut page = follow::read(&mut connection, tenant, position, limit).await?;
    drop(connection);
    if wait > 0 && page.position == position {
        page = happened(
            &app,
            tenant,
            position,
            limit,
            Duration::from_secs(wait.unsigned_abs()),
        )
        .await?
        .unwrap_or(page);
    }
    answer(seal, tenant, now, &page)
}

/// What happens within this time; `None` when nothing does, this process stops, or too many wait already.
/// No connection is held in between.
async fn happened(
    app: &App,
    tenant: TenantId,
    position: Position,
    limit: i64,
    wait: Duration,
) -> Result<Option<Page>, StoreError> {
    let Ok(_place) = app.followers.try_acquire() else {
        return Ok(None);
    };
    let until = Instant::now() + wait;
    while Instant::now() < until {
        let pause = tokio::time::sleep_until(until.min(Instant::now() + LOOK));
        if app.stopping.run_until_cancelled(pause).await.is_none() {
            break;
        }
        let mut connection = app.searches.acquire().await?;
        let page = follow::read(&mut connection, tenant, position, limit).await?;
        if page.position != position {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

fn answer(seal: &Seal, tenant: TenantId, now: i64, page: &Page) -> Result<Response, Problem> {
    let cursor = Cursor {
        position: page.position,
        closed_at: now,
    };
    let changes: Vec<Value> = page.entries.iter().map(shown).collect();
    let body = json!({
        "changes": changes,
        "cursor": seal.close_any(&cursor, scope(tenant)),
        "more": page.more,
    });
    let mut response = Json(body).into_response();
    let never = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(response)
}

fn shown(entry: &Entry) -> Value {
    let mut shown = json!(entry.event);
    shown["id"] = json!(entry.id);
    shown["at"] = json!(entry.at);
    shown
}

fn scope(tenant: TenantId) -> Scope<'static> {
    Scope { tenant, query: SCOPE }
}

fn not_ours() -> Failure {
    let detail = "cursor is not one of this feed; from=now answers with one to begin with";
    Failure::new(StatusCode::BAD_REQUEST, detail)
}

fn gone() -> Failure {
    let detail = "what happened since this cursor is not kept any more. Start over: take a cursor from \
        /content/v1/changes?from=now, then read /content/v1/people and /content/v1/teams, then follow from that cursor";
    Failure::new(StatusCode::GONE, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_without_a_row_is_good_for_a_week_and_one_with_a_row_as_long_as_that() {
        let mut cursor = Cursor {
            position: Position::default(),
            closed_at: 1_000,
        };
        assert!(!cursor.is_stale(1_000 + GOOD_FOR_SECONDS));
        assert!(cursor.is_stale(1_001 + GOOD_FOR_SECONDS));
        cursor.position = Position { xid: 7, id: 1 };
        assert!(!cursor.is_stale(1_001 + GOOD_FOR_SECONDS));
    }
}
