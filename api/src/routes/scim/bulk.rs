use super::answer::Answer;
use super::present::location;
use crate::accept::BulkOutcome;
use crate::error::ScimFailure;
use crate::extract::{BaseUrl, BulkBody, Caller, Protocol};
use crate::state::App;
use axum::extract::State;
use rollcall_shared::directory::Lane;
use rollcall_shared::scim::{ScimError, bulk as protocol, etag};
use serde_json::{Value, json};
use uuid::Uuid;

/// `POST /Bulk` (RFC 7644 §3.7): each operation has its own outcome, under one receipt.
pub(super) async fn bulk(
    State(app): State<App>,
    caller: Caller,
    Protocol(rules): Protocol,
    BaseUrl(base): BaseUrl,
    BulkBody(body): BulkBody,
) -> Result<Answer, ScimFailure> {
    let request = protocol::parse(body.json, &app.limits)?;
    let txn = Uuid::now_v7();
    let outcomes = app
        .acceptor
        .bulk(&caller.writer(rules, Lane::Bulk), txn, request)
        .await?;
    drop(body.room);
    // Operations that were not attempted are left out.
    let attempted = outcomes
        .into_iter()
        .filter_map(|outcome| operation(&base, outcome));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": attempted.collect::<Vec<Value>>(),
    });
    Ok(Answer::ok(body).receipt(txn))
}

fn operation(base: &str, outcome: BulkOutcome) -> Option<Value> {
    let result = outcome.result?;
    let mut answer = json!({});
    if let Some(method) = &outcome.method {
        answer["method"] = method.as_str().into();
    }
    if let Some(bulk_id) = outcome.bulk_id {
        answer["bulkId"] = bulk_id.into();
    }
    // A POST that failed created nothing that could have a location.
    let created_nothing = result.is_err() && outcome.method.as_deref() == Some("POST");
    if let Some((kind, id)) = outcome.id.filter(|_| !created_nothing) {
        answer["location"] = location(base, kind, id).into();
    }
    match result {
        Ok(accepted) => {
            let deleted = outcome.method.as_deref() == Some("DELETE");
            if !deleted {
                answer["version"] = etag(accepted.version).into();
            }
            answer["status"] = success(outcome.method.as_deref()).into();
        }
        Err(error) => fail(&mut answer, &error),
    }
    Some(answer)
}

fn success(method: Option<&str>) -> &'static str {
    match method {
        Some("POST") => "201",
        Some("DELETE") => "204",
        _ => "200",
    }
}

fn fail(answer: &mut Value, error: &ScimError) {
    answer["status"] = error.status.to_string().into();
    answer["response"] = error.to_body();
}
