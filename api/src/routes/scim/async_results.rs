use super::answer::Answer;
use crate::error::{Failure, ScimFailure};
use crate::extract::{BaseUrl, Caller, Issuer, parse_receipt};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::event::Completion;
use rollcall_shared::store::{StoreError, async_results};
use serde_json::{Map, Value, json};

/// Seconds after which to ask again for a result that is not there yet.
const ASK_AGAIN: &str = "1";

/// `GET /AsyncResults/{txn}`: the completion event of an asynchronous
/// request (RFC 9967 §2.5.1.1), once its change is applied; 202 before. Of a bulk request: the events of all its
/// operations, once the last is applied, or with `{txn}:{index}` that of one.
///
/// A single event is answered as it is (RFC 8417 §2.3), several as poll-based delivery has
/// them (RFC 8936 §2.4): an object of tokens by their `jti`.
#[utoipa::path(
    get,
    path = "/AsyncResults/{txn}",
    responses(
        (
            status = 200,
            description = "The completion event, as a signed token; of several operations an object of them.",
            content(
                (String = "application/secevent+jwt"),
                (ref("#/components/schemas/SecurityEventTokens") = "application/json")
            )
        ),
        (status = 202, description = "Not applied yet.", headers(("Set-Txn"), ("Retry-After")))
    )
)]
pub(super) async fn result(
    State(app): State<App>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    Issuer(issuer): Issuer,
    Path(receipt): Path<String>,
) -> Result<Response, ScimFailure> {
    let not_found = || Failure::new(StatusCode::NOT_FOUND, "there is no such result");
    let (txn, index) = parse_receipt(&receipt).ok_or_else(not_found)?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let found = async_results::find(&mut connection, caller.0.tenant, txn, index).await?;
    drop(connection);
    let found = found.ok_or_else(not_found)?;
    let complete: Option<Vec<Completion>> = found.operations.into_iter().collect();
    let Some(completions) = complete else {
        let pending = Answer::new(StatusCode::ACCEPTED, None).receipt(txn);
        return Ok(pending.header(header::RETRY_AFTER, ASK_AGAIN).into_response());
    };
    let keys = app.events.keys().await.map_err(Failure::from)?;
    let claims = |completion: &Completion| completion.claims(&issuer, &base);
    match &completions[..] {
        [only] if !found.bulk || index.is_some() => {
            let media_type = HeaderValue::from_static("application/secevent+jwt");
            Ok(([(header::CONTENT_TYPE, media_type)], keys.sign(&claims(only))).into_response())
        }
        all => {
            let tokens = app
                .events
                .sign_all(keys, all.iter().map(claims).collect())
                .await?;
            let ids = all.iter().map(Completion::token_id);
            let sets: Map<String, Value> = ids.zip(tokens.into_iter().map(Value::from)).collect();
            Ok(Json(json!({ "sets": sets })).into_response())
        }
    }
}
