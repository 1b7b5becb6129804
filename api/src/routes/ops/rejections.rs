//! Values that could not be projected: what they are, trying them again, settling them by hand.

use super::people::{PersonBriefForm, find};
use super::push::push;
use crate::error::{Failure, Problem};
use crate::extract::{self, Caller, JsonBody};
use crate::openapi::{Limit, described};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::people::{self, Brief};
use rollcall_shared::store::rejections::{self as store, Filter, Place, Rejection};
use rollcall_shared::store::{PgConnection, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;
use uuid::Uuid;

/// Rejections in a page when the client does not say, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;
/// Most rejections named in one request; a retry without names is of all.
const MOST_NAMED: usize = 1_000;
/// Rejections retried in one statement.
const AT_ONCE: i64 = 5_000;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 1_000;

/// What `POST …/retry` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = RejectionsRetry)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    /// Ids as listed; without them, all that were not discarded.
    ids: Option<Vec<String>>,
}

/// What `POST …/discard` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = RejectionsDiscard)]
#[serde(deny_unknown_fields)]
pub(super) struct Discard {
    ids: Vec<String>,
    /// Why, for whoever looks later.
    note: String,
}

/// What `POST …/restore` takes.
#[derive(Deserialize, ToSchema)]
#[schema(as = RejectionsRestore)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    ids: Vec<String>,
}

described!(
    /// Values that could not be projected.
    RejectionsForm, {
        "rejections": [{
            "id": "string",
            "resourceType": "User|Group?",
            "resourceId": "uuid",
            "rule": "string",
            "reason": "string",
            "since": "time",
            "assertedBy": any_of([
                json!({ "txn": "uuid", "index": "integer?", "acceptedAt": "time?" }),
                json!("null"),
            ]),
            "person?": maybe::<PersonBriefForm>(),
            "teamId?": "uuid",
            "value?": "any",
            "discarded?": { "at": "time", "by": "string?", "note": "string?" },
        }],
        "nextCursor": "string?",
    }
);
described!(
    /// How many are applied again.
    RejectionsRetriedForm, {
        "retried": "integer: people and teams that are applied again",
        "queued": "boolean: whether Redis has taken them; if not, a worker finds them within seconds",
    }
);
described!(
    /// How many were discarded.
    DiscardedForm, { "discarded": "integer" }
);
described!(
    /// How many were taken back.
    RestoredForm, { "restored": "integer" }
);

/// Which rejections are asked for.
pub(crate) struct Asked<'a> {
    pub(crate) rule: Option<&'a str>,
    /// The person, by directory or SCIM id.
    pub(crate) person: Option<&'a str>,
    /// Those that were discarded instead of the others.
    pub(crate) discarded: bool,
    /// The [`id_of`] the last one before them.
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: i64,
}

/// A page of rejections.
pub(crate) struct Page {
    pub(crate) rejections: Vec<Rejection>,
    /// Whose values they are, by directory id.
    pub(crate) people: HashMap<Uuid, Brief>,
    /// Where to go on, if this is not all.
    pub(crate) next: Option<String>,
}

/// A tenant's rejections.
///
/// # Errors
/// 400 when `after` is no id of one, 404 when there is no such person.
pub(crate) async fn look(app: &App, tenant: TenantId, asked: &Asked<'_>) -> Result<Page, Failure> {
    let after = asked.after.map(|id| place("cursor", id)).transpose()?;
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let directory_id = match asked.person {
        Some(person) => Some(find(&mut connection, tenant, person).await?),
        None => None,
    };
    let filter = Filter {
        rule: asked.rule,
        directory_id,
        discarded: asked.discarded,
    };
    // No rule is called what no text in Postgres can hold.
    let rejections = match asked.rule.is_some_and(|rule| rule.contains('\0')) {
        true => vec![],
        false => store::page(&mut connection, tenant, &filter, after.as_ref(), asked.limit).await?,
    };
    let people = names(&mut connection, tenant, &rejections).await?;
    let full = i64::try_from(rejections.len()) == Ok(asked.limit);
    let next = rejections.last().filter(|_| full).map(id_of);
    Ok(Page {
        rejections,
        people,
        next,
    })
}

/// `GET /ops/v1/rejections`: values that could not be projected, by `person` and `rule`; with `discarded=true`,
/// those that were discarded.
#[utoipa::path(
    get,
    path = "/rejections",
    params(
        Limit,
        ("person" = Option<String>, Query, description = "By directory or SCIM id."),
        ("rule" = Option<String>, Query, description = "Name of a rule of the mapping."),
        ("discarded" = Option<bool>, Query, description = "Those that were discarded.")
    ),
    responses(
        (status = 200, body = RejectionsForm),
        (status = 404, description = "There is no such person.")
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    asked: extract::Asked,
) -> Result<Json<Value>, Problem> {
    let limit = asked.limit(USUAL, MOST)?;
    let discarded = match asked.text("discarded") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad_request("discarded must be true or false").into()),
    };
    let asked = Asked {
        rule: asked.text("rule"),
        person: asked.text("person"),
        discarded,
        after: asked.text("cursor"),
        limit,
    };
    let found = look(&app, caller.0.tenant, &asked).await?;
    let shown = |rejection| shown(rejection, &found.people);
    let shown: Vec<Value> = found.rejections.iter().map(shown).collect();
    Ok(Json(json!({ "rejections": shown, "nextCursor": found.next })))
}

async fn names(
    connection: &mut PgConnection,
    tenant: TenantId,
    found: &[Rejection],
) -> Result<HashMap<Uuid, Brief>, StoreError> {
    let people: BTreeSet<Uuid> = found
        .iter()
        .filter(|rejection| rejection.kind == ResourceType::User as i16)
        .map(|rejection| rejection.directory_id)
        .collect();
    people::briefs(connection, tenant, &people.into_iter().collect::<Vec<_>>()).await
}

fn shown(rejection: &Rejection, people: &HashMap<Uuid, Brief>) -> Value {
    let mut shown = json!({
        "id": id_of(rejection),
        "resourceType": ResourceType::from_column(rejection.kind).map(ResourceType::name),
        "resourceId": rejection.resource_id,
        "rule": rejection.rule,
        "reason": rejection.reason,
        "since": rejection.since,
        "assertedBy": rejection.txn.map(|txn| json!({
            "txn": txn,
            "index": rejection.txn_index,
            "acceptedAt": rejection.accepted_at,
        })),
    });
    match rejection.kind == ResourceType::User as i16 {
        true => shown["person"] = json!(people.get(&rejection.directory_id)),
        false => shown["teamId"] = json!(rejection.directory_id),
    }
    if let Some(value) = &rejection.value {
        shown["value"] = value.clone();
    }
    if let Some(at) = rejection.discarded_at {
        shown["discarded"] = json!({
            "at": at,
            "by": rejection.discarded_by,
            "note": rejection.discarded_note,
        });
    }
    shown
}

/// `POST /ops/v1/rejections/retry`: apply what these are about again, or what all are about.
#[utoipa::path(
    post,
    path = "/rejections/retry",
    request_body = Retry,
    responses((status = 200, body = RejectionsRetriedForm))
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Retry { ids }): JsonBody<Retry>,
) -> Result<Json<Value>, Problem> {
    let (retried, queued) = retry_ids(&app, caller.0.tenant, ids.as_deref()).await?;
    Ok(Json(json!({ "retried": retried, "queued": queued })))
}

/// Apply what these are about again, or what all are about; answers how many people and teams that is,
/// and whether Redis has taken them.
///
/// # Errors
/// 400 when an id is none.
pub(crate) async fn retry_ids(
    app: &App,
    tenant: TenantId,
    ids: Option<&[String]>,
) -> Result<(usize, bool), Failure> {
    // Single ones as urgently as a write, everything like an import.
    let (lane, keys) = match ids {
        Some(ids) => {
            let places = places(ids)?;
            let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
            (
                Lane::Live,
                store::retry(&mut connection, tenant, &places, Lane::Live).await?,
            )
        }
        None => (Lane::Bulk, everything(app, tenant).await?),
    };
    let queued = push(app, tenant, &keys, lane).await;
    Ok((keys.len(), queued))
}

/// In parts, so that no worker waits long for a row.
async fn everything(app: &App, tenant: TenantId) -> Result<Vec<Key>, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let mut keys: BTreeSet<Key> = BTreeSet::new();
    let mut last: Option<Place> = None;
    loop {
        let places = store::places_after(&mut connection, tenant, last.as_ref(), AT_ONCE).await?;
        let Some(end) = places.last() else {
            return Ok(keys.into_iter().collect());
        };
        last = Some(end.clone());
        keys.extend(store::retry(&mut connection, tenant, &places, Lane::Bulk).await?);
    }
}

/// `POST /ops/v1/rejections/discard`: settle these by hand; they are out of lists and counts until
/// their values change.
#[utoipa::path(
    post,
    path = "/rejections/discard",
    request_body = Discard,
    responses((status = 200, body = DiscardedForm))
)]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Discard { ids, note }): JsonBody<Discard>,
) -> Result<Json<Value>, Problem> {
    let discarded = discard_ids(&app, caller.0.tenant, caller.0.id, &ids, &note).await?;
    Ok(Json(json!({ "discarded": discarded })))
}

/// Settle these by hand; answers how many there were.
///
/// # Errors
/// 400 when an id is none, or the note says nothing.
pub(crate) async fn discard_ids(
    app: &App,
    tenant: TenantId,
    token: Uuid,
    ids: &[String],
    note: &str,
) -> Result<u64, Failure> {
    let places = places(ids)?;
    let note = note.trim();
    if note.is_empty() || note.contains('\0') || note.chars().count() > LONGEST_NOTE {
        let detail = format!("note must say why, in at most {LONGEST_NOTE} characters");
        return Err(bad_request(detail));
    }
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    Ok(store::discard(&mut connection, tenant, &places, token, note).await?)
}

/// `POST /ops/v1/rejections/restore`: take discarded ones back into lists and counts.
#[utoipa::path(
    post,
    path = "/rejections/restore",
    request_body = Restore,
    responses((status = 200, body = RestoredForm))
)]
pub(super) async fn restore(
    State(app): State<App>,
    caller: Caller,
    JsonBody(Restore { ids }): JsonBody<Restore>,
) -> Result<Json<Value>, Problem> {
    let restored = restore_ids(&app, caller.0.tenant, &ids).await?;
    Ok(Json(json!({ "restored": restored })))
}

/// Take discarded ones back; answers how many there were.
///
/// # Errors
/// 400 when an id is none.
pub(crate) async fn restore_ids(app: &App, tenant: TenantId, ids: &[String]) -> Result<u64, Failure> {
    let places = places(ids)?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    Ok(store::restore(&mut connection, tenant, &places).await?)
}

/// What a rejection is listed with.
pub(crate) fn id_of(rejection: &Rejection) -> String {
    format!("{}:{}", rejection.resource_id, rejection.rule)
}

/// The rejection of this id.
fn place(parameter: &str, id: &str) -> Result<Place, Failure> {
    let parts = id.split_once(':').filter(|(_, rule)| !rule.contains('\0'));
    parts
        .and_then(|(resource, rule)| Some((Uuid::try_parse(resource).ok()?, rule.to_owned())))
        .ok_or_else(|| bad_request(format!("{parameter} must be what a rejection was listed with")))
}

fn places(ids: &[String]) -> Result<Vec<Place>, Failure> {
    if ids.len() > MOST_NAMED {
        return Err(bad_request(format!("ids are more than {MOST_NAMED}")));
    }
    ids.iter().map(|id| place("ids", id)).collect()
}

fn bad_request(detail: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, detail)
}
