//! What the tenant's operators settle: `docs/guides/settings.md`.

use super::preconditions;
use crate::error::{Failure, Problem};
use crate::extract::{Caller, JsonBody};
use crate::openapi::{Preconditions, described};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::etag;
use rollcall_shared::settings::{Settings, SettingsError};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::schedules;
use rollcall_shared::store::settings::{self, StoredSettings};
use serde_json::{Map, Value};

described!(
    /// What the tenant's operators settle.
    SettingsForm, {
        "timeZone": "string: a name of the IANA time zone database",
        "datesDriveStatus": "boolean: start and end dates decide who is active",
        "deprovisionedRetentionDays": "integer?: after so many days a deprovisioned person is erased; null: never",
        "uniqueGroupNames": "boolean: no two groups have the same displayName",
    }
);
described!(
    /// Settings to change.
    SettingsChangeForm, {
        "timeZone?": "string?",
        "datesDriveStatus?": "boolean?",
        "deprovisionedRetentionDays?": "integer?",
        "uniqueGroupNames?": "boolean?",
    }
);

/// `GET /ops/v1/settings`: all settings, also those that are as by default.
#[utoipa::path(get, path = "/settings", responses((status = 200, body = SettingsForm, headers(("ETag")))))]
pub(super) async fn read(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let stored = settings::read(&mut connection, caller.0.tenant).await?;
    Ok(answer(stored))
}

/// `PUT /ops/v1/settings`: replace the settings; what is not said is as by default.
#[utoipa::path(
    put,
    path = "/settings",
    params(Preconditions),
    request_body = SettingsChangeForm,
    responses((status = 200, body = SettingsForm, headers(("ETag"))), (status = 412))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    change(&app, &caller, &headers, |_| Settings::default().with(&body)).await
}

/// `PATCH /ops/v1/settings`: change settings by a JSON merge patch; null takes a setting back to its default.
#[utoipa::path(
    patch,
    path = "/settings",
    params(Preconditions),
    request_body = SettingsChangeForm,
    responses((status = 200, body = SettingsForm, headers(("ETag"))), (status = 412))
)]
pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    change(&app, &caller, &headers, |settings| settings.with(&body)).await
}

async fn change(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    changed: impl FnOnce(&Settings) -> Result<Settings, SettingsError>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant;
    let mut tx = app.pool.begin().await.map_err(StoreError::from)?;
    let stored = settings::lock(&mut tx, tenant).await?;
    preconditions::check(headers, Some(stored.version))?;
    let wanted = changed(&stored.settings)
        .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    if wanted == stored.settings {
        return Ok(answer(stored));
    }
    let other_days = drives(&stored.settings) != drives(&wanted);
    let stored = settings::put(&mut tx, tenant, wanted).await?;
    if other_days {
        schedules::follow_dates(&mut tx, tenant, &stored.settings).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(token = %caller.0.id, version = stored.version, "settings were changed");
    Ok(answer(stored))
}

/// On which days, if on any, dates decide whose status.
fn drives(settings: &Settings) -> Option<impl PartialEq> {
    settings.dates_drive_status.then_some(settings.time_zone)
}

fn answer(stored: StoredSettings) -> Response {
    let tag = [(header::ETAG, etag(stored.version))];
    (tag, Json(stored.settings)).into_response()
}
