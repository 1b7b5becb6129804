use super::answer::Answer;
use super::later;
use super::write::{if_match, submit_to};
use crate::accept::Write;
use crate::error::ScimFailure;
use crate::extract::{Session, Target};
use crate::openapi::{IfMatch, Prefer};
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

/// `DELETE /Users/{id}`: delete a User; 204.
#[utoipa::path(
    delete,
    path = "/Users/{id}",
    params(IfMatch, Prefer),
    responses(
        (
            status = 202,
            description = "Accepted; `Location` is where the result will be.",
            headers(("Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (status = 204, headers(("Set-Txn"), ("Preference-Applied"))),
        (status = 412)
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    session: Session,
    target: Target,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    let write = |id| Write::Delete {
        kind: target.kind,
        id,
        if_match: if_match(&headers),
    };
    let accepted = submit_to(&app, &session, &target, write).await?;
    let full = async { Answer::new(StatusCode::NO_CONTENT, None).receipt(accepted.txn) };
    Ok(later::answer(&app, &session, accepted.txn, full).await)
}
