//! What changed, when and why; and how somebody was at any time.

use super::people;
use crate::error::{Failure, Problem};
use crate::extract::{Asked, Caller};
use crate::openapi::{At, HistoryWindow, described};
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use rollcall_shared::directory::TenantId;
use rollcall_shared::projection::PersonFields;
use rollcall_shared::store::explain::{self, TeamBrief};
use rollcall_shared::store::history::{self, Behind, Entry, PersonThen, Then, Was, Window};
use rollcall_shared::store::people::Brief;
use rollcall_shared::store::periods;
use rollcall_shared::store::{self, PgConnection, StoreError};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;
use uuid::Uuid;

/// Entries in a page when the client does not say, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

/// Fields whose values are no ids of people or teams.
static PLAIN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut plain: BTreeSet<String> = ["status", "resource_id", "name", "deleted"]
        .map(str::to_owned)
        .into();
    if let Value::Object(fields) = json!(PersonFields::default()) {
        plain.extend(fields.into_iter().map(|(field, _)| field));
    }
    plain
});

/// Whose history is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Person,
    Team,
}

described!(
    /// The write behind a change.
    ReceiptBriefForm, {
        "txn": "uuid",
        "index": "integer",
        "acceptedAt": "time",
        "token": any_of([json!({ "id": "uuid", "name": "string", "source": "string" }), json!("null")]),
    }
);
described!(
    /// A page of a history, the newest first.
    HistoryForm, {
        "id": "uuid",
        "history": [{
            "at": "time",
            "cause": "apply|link|run|erase",
            "changes": [{ "field": "string", "old": "any", "new": "any" }],
            "receipt": maybe::<ReceiptBriefForm>(),
            "mappingVersion": "integer?",
            "run": "uuid?",
            "assertedBy?": of::<ReceiptBriefForm>(),
        }],
        "nextCursor": "string?",
        "keptSince?": "time: with the last page, where what happened before is not kept any more",
    }
);
described!(
    /// A person as the directory showed them at a time.
    PersonThenForm, {
        "id": "uuid",
        "at": "time",
        "person": "object: the fields, as history calls them",
        "manager": any_of([json!({ "id": "uuid", "displayName": "string?", "login": "string?" }), json!("null")]),
        "additionalManagers": [{ "id": "uuid", "displayName": "string?", "login": "string?" }],
        "teams": [{ "id": "uuid", "kind": "string?", "name": "string?", "by": "string" }],
    }
);
described!(
    /// A person now; with `at`, at that time.
    PersonNowOrThenForm, (any_of([of::<people::PersonNowForm>(), of::<PersonThenForm>()]))
);
described!(
    /// A history; with `at`, the person at that time.
    HistoryOrThenForm, (any_of([of::<HistoryForm>(), of::<PersonThenForm>()]))
);

/// `GET /ops/v1/people/{id}/history`: every change, the newest first; with `at`, the person as of a time.
#[utoipa::path(
    get,
    path = "/people/{id}/history",
    params(At, HistoryWindow),
    responses(
        (status = 200, body = HistoryOrThenForm),
        (status = 410, description = "What happened since that time is not kept any more.")
    )
)]
pub(crate) async fn of_person(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let at = asked.time("at")?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = people::find(&mut connection, tenant, &id).await?;
    if let Some(at) = at {
        drop(connection);
        return Ok(Json(as_of(&app, tenant, id, at).await?));
    }
    Ok(Json(page(&mut connection, tenant, Of::Person, id, &asked).await?))
}

/// A page of the history of a person or team.
pub(super) async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    of: Of,
    id: Uuid,
    asked: &Asked,
) -> Result<Value, Failure> {
    // What a group calls its members, a person calls their groups.
    let field = asked.text("field").map(|field| match (of, field) {
        (Of::Person, "groups") => "members",
        (_, field) => field,
    });
    let window = Window {
        before: asked.number("cursor")?,
        field,
        since: asked.time("since")?,
        until: asked.time("until")?,
        limit: asked.limit(USUAL, MOST)?,
    };
    // What no text in Postgres can hold, no field is called.
    let entries = match field.is_some_and(|field| field.contains('\0')) {
        true => vec![],
        false => history::page(connection, tenant, id, &window).await?,
    };
    let names = Names::load(connection, tenant, &entries).await?;
    let next = entries
        .last()
        .filter(|_| i64::try_from(entries.len()) == Ok(window.limit))
        .map(|entry| entry.id.to_string());
    let shown: Vec<Value> = entries.iter().map(|entry| shown(entry, of, &names)).collect();
    let mut page = json!({ "id": id, "history": shown, "nextCursor": next });
    if next.is_none()
        && let Some(since) = periods::history_kept_since(connection, tenant).await?
    {
        page["keptSince"] = json!(since);
    }
    Ok(page)
}

fn shown(entry: &Entry, of: Of, names: &Names) -> Value {
    let fields = entry.fields.as_object();
    let changes = fields.into_iter().flatten().map(|(field, change)| {
        let (old, new) = (&change[0], &change[1]);
        match (of, entry.group) {
            (Of::Person, Some(group)) => {
                let there = |value: &Value| match value {
                    Value::Null => Value::Null,
                    _ => names.team(group),
                };
                json!({ "field": "groups", "old": there(old), "new": there(new) })
            }
            _ => json!({ "field": field, "old": names.told(field, old), "new": names.told(field, new) }),
        }
    });
    let mut told = json!({
        "at": entry.at,
        "cause": entry.cause,
        "changes": changes.collect::<Vec<Value>>(),
        "receipt": entry.change.as_ref().map(receipt),
        "mappingVersion": entry.mapping_version,
        "run": entry.run_id,
    });
    if let Some(asserted) = &entry.asserted {
        told["assertedBy"] = receipt(asserted);
    }
    told
}

fn receipt(change: &Behind) -> Value {
    let token = change
        .by
        .as_ref()
        .map(|by| json!({ "id": by.id, "name": by.name, "source": by.source }));
    json!({
        "txn": change.txn,
        "index": change.txn_index,
        "acceptedAt": change.accepted_at,
        "token": token,
    })
}

/// What the people and teams are called that some entries lead to.
struct Names {
    people: HashMap<Uuid, Brief>,
    teams: HashMap<Uuid, TeamBrief>,
}

impl Names {
    async fn load(
        connection: &mut PgConnection,
        tenant: TenantId,
        entries: &[Entry],
    ) -> Result<Names, StoreError> {
        let mut ids: BTreeSet<Uuid> = entries.iter().filter_map(|entry| entry.group).collect();
        let changes = entries
            .iter()
            .filter_map(|entry| entry.fields.as_object())
            .flatten();
        for (_, change) in changes.filter(|(field, _)| !PLAIN.contains(*field)) {
            ids.extend(ids_of(&change[0]).chain(ids_of(&change[1])));
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        Ok(Names {
            people: store::people::briefs(connection, tenant, &ids).await?,
            teams: explain::team_briefs(connection, tenant, &ids).await?,
        })
    }

    /// A value, with names beside ids.
    fn told(&self, field: &str, value: &Value) -> Value {
        match value {
            _ if PLAIN.contains(field) => value.clone(),
            Value::Array(several) => several.iter().map(|value| self.told(field, value)).collect(),
            Value::String(_) => ids_of(value).next().map_or(Value::Null, |id| {
                match (self.people.get(&id), self.teams.get(&id)) {
                    (Some(brief), _) => {
                        json!({ "id": id, "displayName": brief.display_name, "login": brief.login })
                    }
                    _ => self.team(id),
                }
            }),
            other => other.clone(),
        }
    }

    fn team(&self, id: Uuid) -> Value {
        self.teams
            .get(&id)
            .map_or_else(|| json!({ "id": id }), |team| json!(team))
    }
}

fn ids_of(value: &Value) -> impl Iterator<Item = Uuid> + '_ {
    let several = match value {
        Value::Array(several) => several.as_slice(),
        single => std::slice::from_ref(single),
    };
    several.iter().filter_map(|value| value.as_str()?.parse().ok())
}

/// A person as the directory showed them at a time.
pub(super) async fn as_of(
    app: &App,
    tenant: TenantId,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Value, Failure> {
    let not_yet = || {
        let detail = "this person was not in the directory yet at the time that at names";
        Failure::new(StatusCode::NOT_FOUND, detail)
    };
    // One snapshot: what changes while this is read is not undone.
    let mut snapshot = store::snapshot(&app.pool).await?;
    told_at(&mut snapshot, tenant, at).await?;
    let was = history::person_at(&mut snapshot, tenant, id, at).await?;
    let Some(Was::There(then)) = was else {
        return Err(not_yet());
    };
    let people: Vec<Uuid> = [&then.managers[..], &then.additional_managers].concat();
    let people = history::briefs_at(&mut snapshot, tenant, &people, at).await?;
    let teams: Vec<Uuid> = then.teams.iter().map(|membership| membership.team_id).collect();
    let teams = history::teams_at(&mut snapshot, tenant, &teams, at).await?;
    Ok(past(id, at, &then, &people, &teams))
}

/// What happened since then is told: from it follows how everything was.
pub(super) async fn told_at(
    snapshot: &mut PgConnection,
    tenant: TenantId,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    match periods::history_kept_since(snapshot, tenant).await? {
        Some(since) if at < since => {
            let detail = format!(
                "at: what happened before {} is not kept any more",
                since.to_rfc3339()
            );
            Err(Failure::new(StatusCode::GONE, detail))
        }
        _ => Ok(()),
    }
}

fn past(
    id: Uuid,
    at: DateTime<Utc>,
    then: &PersonThen,
    people: &HashMap<Uuid, Then>,
    teams: &HashMap<Uuid, Then>,
) -> Value {
    let person = |id: &Uuid| {
        let who = people.get(id);
        json!({
            "id": id,
            "displayName": who.and_then(|who| who.name.as_ref()),
            "login": who.and_then(|who| who.login.as_ref()),
        })
    };
    let team = |membership: &history::Membership| {
        let team = teams.get(&membership.team_id);
        json!({
            "id": membership.team_id,
            "kind": team.map(|team| &team.kind),
            "name": team.and_then(|team| team.name.as_ref()),
            "by": people::by(&membership.source),
        })
    };
    json!({
        "id": id,
        "at": at,
        "person": then.fields,
        "manager": then.managers.first().map(person),
        "additionalManagers": then.additional_managers.iter().map(person).collect::<Vec<_>>(),
        "teams": then.teams.iter().map(team).collect::<Vec<_>>(),
    })
}
