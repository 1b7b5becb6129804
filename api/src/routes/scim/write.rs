use super::answer::Answer;
use super::later;
use super::present::{location, present, represent_one};
use super::read::{by_external_id, not_found};
use crate::accept::{AcceptError, Accepted, Write};
use crate::error::ScimFailure;
use crate::extract::{Body, SearchQuery, Session, Target};
use crate::openapi::{IfMatch, Prefer, Selected};
use crate::state::App;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::directory::Lane;
use rollcall_shared::scim::{Derived, Patch, ResourceType, Selection, parse_resource};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::search::Stored;
use std::sync::Arc;
use uuid::Uuid;

/// `POST /Users`: create a User; 201 with the representation.
#[utoipa::path(
    post,
    path = "/Users",
    params(Selected, Prefer),
    request_body = ref("#/components/schemas/NewUser"),
    responses(
        (
            status = 201,
            body = ref("#/components/schemas/User"),
            content_type = "application/scim+json",
            headers(("ETag"), ("Location"), ("Content-Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (
            status = 202,
            description = "Accepted; `Location` is where the result will be.",
            headers(("Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (status = 409, description = "A value that must be unique is taken.")
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    Extension(kind): Extension<ResourceType>,
    session: Session,
    query: SearchQuery,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let parsed = parse_resource(session.rules, kind, body.json)?;
    let selection = query.selection.with_specified(parsed.specified());
    let write = Write::Create {
        kind,
        id: Uuid::now_v7(),
        body: Arc::new(parsed),
    };
    let accepted = submit(&app, &session, write).await?;
    let full = async {
        let body = represent(&app, &session, &accepted, &selection).await;
        written(StatusCode::CREATED, &session.base, &accepted, Some(body))
    };
    Ok(later::answer(&app, &session, accepted.txn, full).await)
}

/// `PUT /Users/{id}`: replace a User; 200 with the representation.
#[utoipa::path(
    put,
    path = "/Users/{id}",
    params(Selected, IfMatch, Prefer),
    request_body = ref("#/components/schemas/NewUser"),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/User"),
            content_type = "application/scim+json",
            headers(("ETag"), ("Location"), ("Content-Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (
            status = 202,
            description = "Accepted; `Location` is where the result will be.",
            headers(("Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (status = 409, description = "A value that must be unique is taken."),
        (status = 412)
    )
)]
pub(super) async fn replace(
    State(app): State<App>,
    session: Session,
    target: Target,
    query: SearchQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let parsed = Arc::new(parse_resource(session.rules, target.kind, body.json)?);
    let selection = query.selection.with_specified(parsed.specified());
    let write = |id| Write::Replace {
        kind: target.kind,
        id,
        body: Arc::clone(&parsed),
        if_match: if_match(&headers),
    };
    let accepted = submit_to(&app, &session, &target, write).await?;
    let full = async {
        let body = represent(&app, &session, &accepted, &selection).await;
        written(StatusCode::OK, &session.base, &accepted, Some(body))
    };
    Ok(later::answer(&app, &session, accepted.txn, full).await)
}

/// `PATCH /Users/{id}`: change a User; 200 with the representation. A Group is answered with 204, as Entra expects
/// and since its members may be many, unless the client asks for attributes or its token is strict.
#[utoipa::path(
    patch,
    path = "/Users/{id}",
    params(Selected, IfMatch, Prefer),
    request_body = ref("#/components/schemas/PatchOp"),
    responses(
        (
            status = 200,
            body = ref("#/components/schemas/User"),
            content_type = "application/scim+json",
            headers(("ETag"), ("Location"), ("Content-Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (
            status = 202,
            description = "Accepted; `Location` is where the result will be.",
            headers(("Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (
            status = 204,
            headers(("ETag"), ("Location"), ("Content-Location"), ("Set-Txn"), ("Preference-Applied"))
        ),
        (status = 409, description = "A value that must be unique is taken."),
        (status = 412)
    )
)]
pub(super) async fn patch(
    State(app): State<App>,
    session: Session,
    target: Target,
    query: SearchQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ScimFailure> {
    let kind = target.kind;
    let parsed = Arc::new(Patch::parse(session.rules, kind, body.json)?);
    let selection = query.selection.with_specified(parsed.specified());
    let write = |id| Write::Patch {
        kind,
        id,
        patch: Arc::clone(&parsed),
        if_match: if_match(&headers),
    };
    let accepted = submit_to(&app, &session, &target, write).await?;
    let brief = kind == ResourceType::Group
        && session.rules.dialect.answers_group_patches_briefly()
        && !query.selected;
    let full = async {
        if brief {
            return written(StatusCode::NO_CONTENT, &session.base, &accepted, None);
        }
        let body = represent(&app, &session, &accepted, &selection).await;
        written(StatusCode::OK, &session.base, &accepted, Some(body))
    };
    Ok(later::answer(&app, &session, accepted.txn, full).await)
}

/// Hand a write to the acceptor under a new receipt.
pub(super) async fn submit(app: &App, session: &Session, write: Write) -> Result<Accepted, ScimFailure> {
    let txn = Uuid::now_v7();
    let writer = session.writer(Lane::Live);
    Ok(app.acceptor.submit(&writer, txn, 0, write).await?)
}

/// [`submit`] a write of the resource that a path names: by id, or else by externalId, so that
/// what reading finds can be written too.
pub(super) async fn submit_to(
    app: &App,
    session: &Session,
    target: &Target,
    write: impl Fn(Uuid) -> Write,
) -> Result<Accepted, ScimFailure> {
    if let Ok(id) = Uuid::try_parse(&target.id) {
        let writer = session.writer(Lane::Live);
        match app.acceptor.submit(&writer, Uuid::now_v7(), 0, write(id)).await {
            Err(AcceptError::Scim(error)) if error.status == 404 => {}
            answer => return Ok(answer?),
        }
    }
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let (tenant, kind) = (session.caller.0.tenant, target.kind);
    let found = by_external_id(&mut connection, tenant, session.rules, kind, &target.id).await?;
    drop(connection);
    let found = found.ok_or_else(|| not_found(kind))?;
    submit(app, session, write(found)).await
}

/// An `If-Match` that is no text matches no version.
pub(super) fn if_match(headers: &HeaderMap) -> Option<String> {
    let tags = headers.get(header::IF_MATCH)?;
    Some(tags.to_str().unwrap_or_default().to_owned())
}

fn written(status: StatusCode, base: &str, accepted: &Accepted, body: Option<Vec<u8>>) -> Answer {
    let answer = match body {
        Some(body) => Answer::json(status, body),
        None => Answer::new(status, None),
    };
    answer
        .resource(&location(base, accepted.kind, accepted.id))
        .version(accepted.version)
        .receipt(accepted.txn)
}

/// The representation of what was accepted. Reporting lines are the worker's and come later:
/// they are no part of it. The write is committed: when what hangs on other resources cannot be
/// read any more, the answer goes without it.
async fn represent(app: &App, session: &Session, accepted: &Accepted, selection: &Selection) -> Vec<u8> {
    let hangs_on_nothing = accepted.kind == ResourceType::User && accepted.version == 1;
    let resources = [Stored {
        id: accepted.id,
        directory_id: Uuid::nil(),
        kind: accepted.kind,
        document: accepted.document.clone(),
        version: accepted.version,
        seq: 0,
        created_at: accepted.created_at,
        modified_at: accepted.modified_at,
    }];
    let (tenant, base) = (session.caller.0.tenant, &session.base);
    if !hangs_on_nothing
        && let Ok(mut connection) = app.pool.acquire().await
        && let Ok(body) = present(&mut connection, tenant, base, &resources, selection, vec![]).await
    {
        return body;
    }
    let [resource] = &resources;
    represent_one(base, resource, &Derived::default(), selection)
}
