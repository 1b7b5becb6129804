//! The tenant's mapping: the version in force, those before it, and changes of it.

mod offered;
pub(super) mod preview;
pub(super) mod put;

pub(crate) use offered::Offered;
pub(crate) use preview::{begin, find as find_preview};
pub(crate) use put::{Outcome, change};

use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller, Page};
use crate::openapi::{Download, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::{FIRST_VERSION, Mapping};
use rollcall_shared::queue::RunJob;
use rollcall_shared::scim::etag;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::mapping_changes::{self as store, Version};
use serde_json::{Value, json};
use uuid::Uuid;

described!(
    /// Where something of the directory comes from.
    RuleForm, {
        "name": "string: names the rule in rejections, history and memberships",
        "from?": ["string: a SCIM path; the first that a document has a value for is read"],
        "to": any_of([
            json!({ "field": "string" }),
            json!({ "team": "string: kind of the teams that the values name" }),
            json!({ "line": "primary|additional" }),
            json!({ "custom": "string: key of the custom attribute" }),
            json!("=custom_rest"),
        ]),
        "transform?": [any_of([
            json!("trim|lower|upper"),
            json!({ "split": "string: separator" }),
            json!({ "part": "integer: 1 is the first, -1 the last" }),
            json!({ "date": ["string: a format as strftime has it"] }),
            json!({ "map": { "values": "object", "others?": "keep|drop|reject" } }),
            json!({ "constant": "any" }),
            json!({ "default": "any" }),
        ])],
        "apply?": "always|on_create|if_empty: always unless told",
        "enabled?": "boolean: switched off, the target keeps what it has",
    }
);
described!(
    /// The rules by which a tenant's Users are read.
    MappingForm, {
        "rules": [of::<RuleForm>()],
        "teams?": { "*": { "create": "boolean: whether a team is created when somebody is to be in it" } },
    }
);
described!(
    /// A version of the mapping without its rules. Nobody made the first, which is the default.
    VersionForm, {
        "version": "integer",
        "createdAt": "time?",
        "createdBy": any_of([json!({ "token": "uuid", "name": "string?" }), json!("null")]),
        "note": "string?",
    }
);
described!(
    /// A version of the mapping.
    MappingVersionForm, {
        "version": "integer",
        "createdAt": "time?",
        "createdBy": any_of([json!({ "token": "uuid", "name": "string?" }), json!("null")]),
        "note": "string?",
        "mapping": of::<MappingForm>(),
        "run?": "uuid?: the run that puts it in force, after a change",
    }
);
described!(
    /// Versions of the mapping, the newest first.
    VersionsForm, {
        "totalResults": "integer",
        "startIndex": "integer",
        "itemsPerPage": "integer",
        "versions": [of::<VersionForm>()],
    }
);

/// `GET /ops/v1/mapping`: the mapping in force, in a form that can be PUT again; with
/// `?download=true` as a file.
#[utoipa::path(
    get,
    path = "/mapping",
    params(Download),
    responses((status = 200, body = MappingVersionForm, headers(("ETag"), ("Content-Disposition"))))
)]
pub(super) async fn current(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Response, Problem> {
    let body = read(&app, caller.0.tenant, None).await?;
    Ok(answer(&asked, body))
}

/// `GET /ops/v1/mapping/versions/{version}`: a version of the mapping as it was in force; PUT, it is in force
/// again.
#[utoipa::path(
    get,
    path = "/mapping/versions/{version}",
    params(Download),
    responses((status = 200, body = MappingVersionForm, headers(("ETag"), ("Content-Disposition"))))
)]
pub(super) async fn version(
    State(app): State<App>,
    caller: Caller,
    Path(version): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let body = read(&app, caller.0.tenant, Some(&version)).await?;
    Ok(answer(&asked, body))
}

/// A version with its rules; without a number, the one in force.
///
/// # Errors
/// 404 when there is no such version.
pub(crate) async fn read(app: &App, tenant: TenantId, version: Option<&str>) -> Result<Value, Problem> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "the mapping has no such version");
    let version: Option<i32> = version.map(str::parse).transpose().map_err(|_| unknown())?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let found = store::find(&mut connection, tenant, version).await?;
    if found.is_none() && version.is_some_and(|version| version != FIRST_VERSION) {
        return Err(unknown().into());
    }
    Ok(represent(found))
}

/// `GET /ops/v1/mapping/versions`: versions of the mapping, the newest first, without their rules.
#[utoipa::path(get, path = "/mapping/versions", params(Page), responses((status = 200, body = VersionsForm)))]
pub(crate) async fn versions(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let newest = store::list(&mut connection, tenant, i32::MAX, 1).await?.pop();
    let total = newest.map_or(FIRST_VERSION, |newest| newest.version);
    // Versions are numbered without a gap.
    let upto = i64::from(total) - (page.start_index - 1);
    let upto = i32::try_from(upto).unwrap_or_default();
    let found = store::list(&mut connection, tenant, upto, page.count).await?;
    let mut shown: Vec<Value> = found.iter().map(about).collect();
    if upto >= FIRST_VERSION && (shown.len() as i64) < page.count {
        shown.push(about_first());
    }
    Ok(Json(json!({
        "totalResults": total,
        "startIndex": page.start_index,
        "itemsPerPage": shown.len(),
        "versions": shown,
    })))
}

/// Of the version in force: its number and rules.
struct InForce {
    version: i32,
    mapping: Value,
}

impl InForce {
    fn of(newest: Option<(Version, Value)>) -> InForce {
        match newest {
            Some((version, mapping)) => InForce {
                version: version.version,
                mapping,
            },
            None => InForce {
                version: FIRST_VERSION,
                mapping: json!(Mapping::default_mapping()),
            },
        }
    }
}

/// A version without its rules.
fn about(version: &Version) -> Value {
    json!({
        "version": version.version,
        "createdAt": version.created_at,
        "createdBy": version.token.map(|id| json!({ "token": id, "name": version.token_name })),
        "note": version.note,
    })
}

/// The default, which nobody made.
fn about_first() -> Value {
    json!({ "version": FIRST_VERSION, "createdAt": null, "createdBy": null, "note": null })
}

/// A version with its rules.
fn represent(found: Option<(Version, Value)>) -> Value {
    let mut shown = found
        .as_ref()
        .map_or_else(about_first, |(version, _)| about(version));
    shown["mapping"] = InForce::of(found).mapping;
    shown
}

fn answer(asked: &Asked, body: Value) -> Response {
    let version = body["version"].as_i64().unwrap_or_default();
    let tag = [(header::ETAG, etag(version))];
    if asked.text("download").is_none_or(|download| download == "false") {
        return (tag, Json(body)).into_response();
    }
    let name = format!("attachment; filename=\"mapping-{version}.json\"");
    (tag, [(header::CONTENT_DISPOSITION, name)], Json(body)).into_response()
}

/// Have a run begin now; if Redis does not take it, the feeder brings it.
async fn push(app: &App, tenant: TenantId, run: Uuid) {
    let job = RunJob {
        v: 1,
        tenant,
        run,
        chunk: None,
    };
    if let Err(error) = app.queues.runs.push(tenant, &[job]).await {
        let error: &dyn std::error::Error = &error;
        tracing::debug!(%tenant, error, "a run is left to the feeder");
    }
}
