use super::history::{PersonNowOrThenForm, as_of};
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{At, Cursor, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::store::people::{self, Wanted};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

/// Those of a search who are looked at for whether they are wanted.
const LOOKED_AT: i64 = 1_000;

const STATUSES: [&str; 3] = ["active", "deactivated", "deprovisioned"];

described!(
    /// As much of a person as tells who it is.
    PersonBriefForm, {
        "id": "uuid: in the directory",
        "resourceId": "uuid: of the SCIM User last applied",
        "status": "active|deactivated|deprovisioned",
        "login": "string?",
        "email": "string?",
        "displayName": "string?",
    }
);
described!(
    /// A person as the directory shows them now.
    PersonForm, {
        "id": "uuid: in the directory",
        "resourceId": "uuid: of the SCIM User last applied",
        "status": "active|deactivated|deprovisioned",
        "login": "string?",
        "email": "string?",
        "furtherEmails": ["string"],
        "externalId": "string?",
        "employeeNumber": "string?",
        "firstName": "string?",
        "lastName": "string?",
        "displayName": "string?",
        "position": "string?",
        "level": "string?",
        "location": "string?",
        "gender": "string?",
        "startDate": "date?",
        "endDate": "date?",
        "birthday": "date?",
        "employmentType": "string?",
        "photoUrl": "string?",
        "custom": "object: custom attributes",
        "createdAt": "time",
        "updatedAt": "time",
        "erasedAt": "time?: everything but ids, status and times is gone since",
    }
);
described!(
    /// A person now.
    PersonNowForm, {
        "id": "uuid",
        "person": maybe::<PersonForm>(),
        "pendingChanges": "integer: accepted changes that the directory has yet to catch up with",
    }
);
described!(
    /// The people found.
    FoundForm, { "people": [of::<PersonBriefForm>()], "nextCursor?": "uuid?: of a list without `q`" }
);

/// `GET /ops/v1/people?q=`: people by the beginning of a login, e-mail address, externalId or
/// employee number, or by a part of their name.
#[utoipa::path(
    get,
    path = "/people",
    params(
        (
            "q" = Option<String>,
            Query,
            description = "The beginning of a login, e-mail address, externalId or employee number, or a part of a name."
        ),
        ("status" = Option<String>, Query, description = "`active`, `deactivated` or `deprovisioned`."),
        ("waiting" = Option<bool>, Query, description = "Only people with links that wait."),
        ("team" = Option<Uuid>, Query, description = "Members of this team."),
        ("count" = Option<i64>, Query, description = "People in a page: 20 unless told, at most 100."),
        Cursor
    ),
    responses((status = 200, body = FoundForm))
)]
pub(crate) async fn search(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let (q, count) = (asked.text("q").map(fold), asked.count(20, 100)?);
    let wanted = wanted(&asked, count)?;
    let narrow = wanted.status.is_some() || wanted.waiting || wanted.team.is_some();
    // What no text in Postgres can hold, nobody is called.
    if q.as_ref().is_some_and(|q| q.contains('\0')) {
        return Ok(Json(json!({ "people": [] })));
    }
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let Some(q) = q else {
        let found = people::list(&mut connection, tenant, &wanted).await?;
        let next = found
            .last()
            .filter(|_| found.len() as i64 == count)
            .map(|last| last.id);
        return Ok(Json(json!({ "people": found, "nextCursor": next })));
    };
    let most = if narrow { LOOKED_AT } else { count };
    let mut found = people::search(&mut connection, tenant, &q, most).await?;
    if narrow {
        let ids: Vec<Uuid> = found.iter().map(|brief| brief.id).collect();
        let among = Wanted {
            among: Some(&ids),
            after: None,
            limit: LOOKED_AT,
            ..wanted
        };
        let kept = people::list(&mut connection, tenant, &among).await?;
        let kept: HashSet<Uuid> = kept.into_iter().map(|brief| brief.id).collect();
        found.retain(|brief| kept.contains(&brief.id));
        found.truncate(usize::try_from(count).unwrap_or_default());
    }
    Ok(Json(json!({ "people": found })))
}

fn wanted(asked: &Asked, limit: i64) -> Result<Wanted<'_>, Failure> {
    let bad = |detail: &str| Failure::new(StatusCode::BAD_REQUEST, detail);
    let status = asked.text("status");
    if status.is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(bad("status must be active, deactivated or deprovisioned"));
    }
    let waiting = match asked.text("waiting") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("waiting must be true or false")),
    };
    Ok(Wanted {
        among: None,
        status,
        waiting,
        team: asked.id("team")?,
        after: asked.id("cursor")?,
        limit,
    })
}

/// `GET /ops/v1/people/{id}`: a person's fields, by directory or SCIM id; with `at`, as of a time.
#[utoipa::path(get, path = "/people/{id}", params(At), responses((status = 200, body = PersonNowOrThenForm), (status = 410, description = "What happened since that time is not kept any more.")))]
pub(crate) async fn person(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let at = asked.time("at")?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?;
    if let Some(at) = at {
        drop(connection);
        return Ok(Json(as_of(&app, tenant, id, at).await?));
    }
    let pending = people::pending(&mut connection, tenant, id).await?;
    let person = people::person(&mut connection, tenant, id).await?;
    Ok(Json(
        json!({ "id": id, "person": person, "pendingChanges": pending }),
    ))
}

/// The person a path names, by directory or SCIM id.
///
/// # Errors
/// 404 when the tenant has none.
pub(super) async fn find(connection: &mut PgConnection, tenant: TenantId, id: &str) -> Result<Uuid, Failure> {
    let found = match Uuid::try_parse(id) {
        Ok(id) => people::find(connection, tenant, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "there is no such person"))
}

/// What a membership comes from, as it is shown: the attribute, or that a group names a member.
pub(super) fn by(source: &str) -> &str {
    match source.starts_with("member:") {
        true => "member",
        false => source,
    }
}
