//! Asynchronous answers (RFC 9967 §2.5.1.1): 202, with the place where the result will be.

use super::answer::Answer;
use crate::extract::Session;
use crate::state::App;
use axum::http::{HeaderName, StatusCode};
use rollcall_shared::store::{StoreError, async_results};
use std::time::Duration;
use uuid::Uuid;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// First and longest pause between two looks at whether a write is applied.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// The answer to a request whose writes are committed: 202 where the client asked for it and not
/// everything is applied within the time it would wait, else `full`.
pub(super) async fn answer(
    app: &App,
    session: &Session,
    txn: Uuid,
    full: impl Future<Output = Answer>,
) -> Answer {
    if !session.prefer.asynchronous {
        return full.await;
    }
    match session.prefer.wait {
        Some(wait) if applied_in_time(app, session, txn).await => {
            full.await.header(PREFERENCE_APPLIED, &format!("wait={wait}"))
        }
        _ => Answer::new(StatusCode::ACCEPTED, None)
            .location(&format!("{}/AsyncResults/{txn}", session.base))
            .receipt(txn)
            .header(PREFERENCE_APPLIED, "respond-async"),
    }
}

/// Look again and again, less and less often, until the writes are applied, the time is up or
/// the process is to stop. No connection is held in between, and when too many wait already,
/// nobody joins them.
async fn applied_in_time(app: &App, session: &Session, txn: Uuid) -> bool {
    let Some(until) = session.prefer.until else {
        return false;
    };
    let Ok(_place) = app.waiters.try_acquire() else {
        return false;
    };
    let applied = async {
        let (mut pause, longest) = PAUSES;
        loop {
            tokio::time::sleep(pause).await;
            // What cannot be asked now can be asked later, by the client as well.
            if let Ok(true) = is_applied(app, session, txn).await {
                return;
            }
            pause = (pause * 2).min(longest);
        }
    };
    let in_time = tokio::time::timeout_at(until.into(), applied);
    matches!(app.stopping.run_until_cancelled(in_time).await, Some(Ok(())))
}

async fn is_applied(app: &App, session: &Session, txn: Uuid) -> Result<bool, StoreError> {
    let mut connection = app.pool.acquire().await?;
    async_results::is_applied(&mut connection, session.caller.0.tenant, txn).await
}
