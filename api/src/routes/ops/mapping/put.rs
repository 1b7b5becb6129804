//! Putting a mapping in force.

use super::MappingVersionForm;
use super::offered::{Offered, OfferedForm, expect, expected};
use super::preview::{self, PreviewForm, State as PreviewState};
use super::{InForce, push, represent};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller, JsonBody};
use crate::openapi::IfMatch;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::effect::Losses;
use rollcall_shared::scim::etag;
use rollcall_shared::store::mapping_changes::{self as changes, Change, Version};
use rollcall_shared::store::mapping_previews::{self as previews, NewPreview};
use rollcall_shared::store::runs::{self, Scope};
use rollcall_shared::store::{PgConnection, StoreError, rules};
use serde_json::{Value, json};
use uuid::Uuid;

/// What became of a change.
pub(crate) enum Outcome {
    /// The version in force, and the run that brings everybody in line with it, unless nothing changed.
    InForce { version: Value, run: Option<Uuid> },
    /// Writes were accepted since the preview: whether it is made is yet to be seen by this one.
    LookedAtAgain { check: Uuid, shown: Value },
}

/// What the preview that a change refers to allows.
enum Consent {
    /// Nothing happened since.
    Given,
    /// To take away so much; whether it still would is to be seen.
    Limited(Losses),
}

/// `PUT /ops/v1/mapping`: put a mapping in force; 200 with the new version, whose run has begun. With
/// `?preview={id}`, only what that preview showed: writes accepted since are looked at first, and when that
/// takes long the answer is a 202 with the place of the outcome.
#[utoipa::path(
    put,
    path = "/mapping",
    params(IfMatch, ("preview" = Option<Uuid>, Query, description = "Only what this preview showed.")),
    request_body = OfferedForm,
    responses(
        (status = 200, body = MappingVersionForm, headers(("ETag"))),
        (status = 202, body = PreviewForm, headers(("Location"))),
        (status = 409, description = "The preview does not hold any more; `errors` says in which respects."),
        (status = 412),
        (status = 428)
    )
)]
pub(in crate::routes::ops) async fn put(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
    headers: HeaderMap,
    JsonBody(offered): JsonBody<Offered>,
) -> Result<Response, Problem> {
    let tags = expected(&headers)?;
    let previewed = asked.text("preview").map(preview::id).transpose()?;
    match change(&app, &caller, previewed, tags, &offered).await? {
        Outcome::InForce { version, run } => Ok(put_in_force(version, run)),
        Outcome::LookedAtAgain { check, shown } => {
            let location = [(header::LOCATION, preview::path(check))];
            Ok((StatusCode::ACCEPTED, location, Json(shown)).into_response())
        }
    }
}

/// Make a change of the mapping; with a preview, only what that showed.
///
/// # Errors
/// 400 with each rule that is wrong, 409 when the preview does not allow it, 412 when another version is in
/// force than `tags` name.
pub(crate) async fn change(
    app: &App,
    caller: &Caller,
    previewed: Option<Uuid>,
    tags: &str,
    offered: &Offered,
) -> Result<Outcome, Problem> {
    let (tenant, token) = (caller.0.tenant, caller.0.id);
    let document = offered.checked(app, tenant).await?;
    let note = offered.note.as_deref();

    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    rules::lock(&mut tx, tenant).await?;
    let newest = changes::find(&mut tx, tenant, None).await?;
    let in_force = InForce::of(newest.clone());
    expect(tags, in_force.version)?;
    if in_force.mapping == document {
        return Ok(in_force_now(newest, None));
    }
    if let Some(id) = previewed
        && let Consent::Limited(at_most) = consent(&mut tx, tenant, id, in_force.version, &document).await?
    {
        let check = NewPreview {
            base_version: in_force.version,
            document: &document,
            token,
            note,
            at_most: Some(at_most),
        };
        let check = previews::start(&mut tx, tenant, check).await?;
        tx.commit().await.map_err(StoreError::from)?;
        push(app, tenant, check.run).await;
        return settled(app, tenant, check.id).await;
    }
    let change = Change {
        version: in_force.version + 1,
        document: &document,
        token,
        note,
    };
    let run = changes::put(&mut tx, tenant, change).await?;
    let now = changes::find(&mut tx, tenant, None).await?;
    tx.commit().await.map_err(StoreError::from)?;
    push(app, tenant, run).await;
    tracing::info!(%token, version = change.version, %run, "a mapping came into force");
    Ok(in_force_now(now, Some(run)))
}

/// Whether this preview is one of this change, and how much of it still holds.
async fn consent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    version: i32,
    document: &Value,
) -> Result<Consent, Problem> {
    let conflict = |detail: &str| Failure::new(StatusCode::CONFLICT, detail);
    let Some((preview, run)) = preview::load(conn, tenant, id).await? else {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "preview names no preview of this tenant").into());
    };
    match preview::state(&preview, &run) {
        PreviewState::Ready => {}
        PreviewState::Running => return Err(conflict("the preview has not come to its end").into()),
        PreviewState::Expired => return Err(conflict("the preview is too old; ask for another").into()),
        PreviewState::Applied | PreviewState::Refused => {
            return Err(conflict("the preview was used already; ask for another").into());
        }
        PreviewState::Cancelled | PreviewState::Incomplete => {
            return Err(conflict("the preview did not come to its end; ask for another").into());
        }
    }
    if preview.base_version != version {
        return Err(conflict("the mapping was changed after the preview; ask for another").into());
    }
    if preview.document != *document {
        return Err(conflict("the preview is one of another mapping").into());
    }
    if !previews::is_outdated(conn, tenant, &preview).await? {
        return Ok(Consent::Given);
    }
    let effect = preview::effect(&run).ok_or_else(Failure::internal)?;
    Ok(Consent::Limited(effect.losses()))
}

/// What came of a change that was looked at once more, if that is known soon.
async fn settled(app: &App, tenant: TenantId, check: Uuid) -> Result<Outcome, Problem> {
    let (preview, run) = preview::ended(app, tenant, check).await?;
    match preview::state(&preview, &run) {
        PreviewState::Applied => {
            let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
            let applied = changes::find(&mut conn, tenant, preview.applied_version).await?;
            let version = preview.applied_version.unwrap_or_default();
            let run = runs::newest(&mut conn, tenant, Scope::Mapping(version), false).await?;
            Ok(in_force_now(applied, run))
        }
        PreviewState::Refused => {
            let errors = preview::exceeded(&preview, &run);
            let path = preview::path(check);
            let detail = format!(
                "things have changed since the preview and it would not be the same; {path} shows it as it is now"
            );
            Err(Failure::new(StatusCode::CONFLICT, detail)
                .with_errors(errors)
                .into())
        }
        _ => {
            let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
            let shown = preview::shown(&mut conn, tenant, &preview, &run).await?;
            Ok(Outcome::LookedAtAgain { check, shown })
        }
    }
}

fn in_force_now(found: Option<(Version, Value)>, run: Option<Uuid>) -> Outcome {
    Outcome::InForce {
        version: represent(found),
        run,
    }
}

fn put_in_force(mut body: Value, run: Option<Uuid>) -> Response {
    let version = body["version"].as_i64().unwrap_or_default();
    body["run"] = json!(run);
    let tag = [(header::ETAG, etag(version))];
    (tag, Json(body)).into_response()
}
