use super::answer::Answer;
use super::later;
use crate::accept::BulkOutcome;
use crate::error::ScimFailure;
use crate::extract::{BulkBody, Session};
use crate::openapi::Prefer;
use crate::state::App;
use axum::extract::State;
use rollcall_shared::directory::Lane;
use rollcall_shared::scim::bulk::{self as protocol, BulkRequest, IdOrBulkId, Target};
use rollcall_shared::scim::outcome::OperationOutcome;
use rollcall_shared::scim::{ResourceType, ScimError};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::async_results::{self, NewResult};
use rollcall_shared::store::search;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// `POST /Bulk`: many writes in one request (RFC 7644 §3.7); each operation has its own outcome, under one receipt.
#[utoipa::path(
    post,
    path = "/Bulk",
    params(Prefer),
    request_body = ref("#/components/schemas/BulkRequest"),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/BulkResponse"),
            content_type = "application/scim+json",
            headers(("Set-Txn"), ("Preference-Applied"))
        ),
        (
            status = 202,
            description = "Accepted; `Location` is where the result will be.",
            headers(("Location"), ("Set-Txn"), ("Preference-Applied"))
        )
    )
)]
pub(super) async fn bulk(
    State(app): State<App>,
    session: Session,
    BulkBody(body): BulkBody,
) -> Result<Answer, ScimFailure> {
    let mut request = protocol::parse(session.rules.dialect, body.json, &app.limits)?;
    if session.rules.dialect.finds_by_external_id() {
        name_by_id(&app, &session, &mut request).await?;
    }
    let txn = Uuid::now_v7();
    let outcomes = app
        .acceptor
        .bulk(&session.writer(Lane::Bulk), txn, request)
        .await?;
    drop(body.room);
    if session.prefer.asynchronous {
        keep(&app, &session, txn, &outcomes).await?;
    }
    let full = async { answered(&session, txn, &outcomes) };
    Ok(later::answer(&app, &session, txn, full).await)
}

fn answered(session: &Session, txn: Uuid, outcomes: &[BulkOutcome]) -> Answer {
    // Operations that were not attempted are left out.
    let attempted = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_some())
        .map(|outcome| as_answered(outcome).to_json(&session.base));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": attempted.collect::<Vec<Value>>(),
    });
    Answer::ok(body).receipt(txn)
}

/// Put ids in the place of externalIds that paths of operations hold, as single requests find
/// them: those of resources that are there before the request.
async fn name_by_id(app: &App, session: &Session, request: &mut BulkRequest) -> Result<(), StoreError> {
    let mut asked: HashMap<ResourceType, Vec<&mut String>> = HashMap::new();
    for operation in request.operations.iter_mut().flatten() {
        if let Target::Resource(kind, IdOrBulkId::Id(text)) = &mut operation.target {
            asked.entry(*kind).or_default().push(text);
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let mut connection = app.pool.acquire().await?;
    for (kind, texts) in asked {
        let sent: Vec<String> = texts.iter().map(|text| (**text).clone()).collect();
        let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
        let tenant = session.caller.0.tenant;
        let found = search::by_external_ids(&mut connection, tenant, kind, &sent).await?;
        for text in texts {
            if let Some(id) = found.get(text.as_str()) {
                *text = id.to_string();
            }
        }
    }
    Ok(())
}

/// Keep every operation's outcome, the refused ones' and those not attempted too: each has its
/// completion event (RFC 9967 §2.5.1.2).
async fn keep(app: &App, session: &Session, txn: Uuid, outcomes: &[BulkOutcome]) -> Result<(), StoreError> {
    let results: Vec<NewResult> = (0..)
        .zip(outcomes)
        .map(|(index, outcome)| NewResult {
            txn,
            index,
            bulk: true,
            outcome: as_answered(outcome),
            external_id: match &outcome.result {
                Some(Ok(accepted)) => accepted.document.external_id(),
                _ => None,
            },
        })
        .collect();
    let mut connection = app.pool.acquire().await?;
    async_results::insert(&mut connection, session.caller.0.tenant, &results).await
}

fn as_answered(outcome: &BulkOutcome) -> OperationOutcome {
    let told = match &outcome.result {
        Some(Ok(accepted)) => {
            OperationOutcome::accepted(accepted.method, accepted.kind, accepted.id, accepted.version)
        }
        Some(Err(error)) => OperationOutcome::refused(outcome.method.clone(), outcome.id, error),
        None => OperationOutcome::refused(outcome.method.clone(), outcome.id, &not_attempted()),
    };
    told.with_bulk_id(outcome.bulk_id.clone())
}

fn not_attempted() -> ScimError {
    let detail = "not attempted: as many operations before it failed as failOnErrors allows";
    ScimError::new(424, None, detail)
}
