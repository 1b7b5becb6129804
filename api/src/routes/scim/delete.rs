use super::answer::Answer;
use super::later::answer_later;
use super::write::{if_match, resource_id, submit};
use crate::accept::Write;
use crate::error::ScimFailure;
use crate::extract::{Session, Target};
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

/// `DELETE /Users/{id}`: 204.
pub(super) async fn delete(
    State(app): State<App>,
    session: Session,
    Target { kind, id }: Target,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    let write = Write::Delete {
        kind,
        id: resource_id(kind, &id)?,
        if_match: if_match(&headers),
    };
    let accepted = submit(&app, &session, write).await?;
    if let Some(later) = answer_later(&app, &session, accepted.txn).await {
        return Ok(later);
    }
    Ok(Answer::new(StatusCode::NO_CONTENT, None).receipt(accepted.txn))
}
