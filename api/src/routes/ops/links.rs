//! Why not? A person's links: linked to whom, or waiting for what, since when and what would help.

use super::people::{PersonBriefForm, by, find};
use super::suggest::{self, HolderForm, NearestForm, Suggestions};
use super::teams::TeamBriefForm;
use super::waiting::{Retried, retry_places};
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::openapi::described;
use crate::state::App;
use axum::Json;
use axum::extract::{Path, State};
use rollcall_shared::directory::in_cycles;
use rollcall_shared::mapping::{Line, Target};
use rollcall_shared::store::explain::{self, Asserted, LinkedManager, LinkedTeam, Place, WaitingLink};
use rollcall_shared::store::named_teams::waited_for;
use rollcall_shared::store::people::{self, Brief};
use rollcall_shared::store::{StoreError, rejections};
use rollcall_shared::telemetry::LinkSlot;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Most teams and most waiting links listed of one person.
const MOST: i64 = 1_000;

described!(
    /// The write that asserted something.
    AssertedForm, { "txn": "uuid: its receipt", "index": "integer", "acceptedAt": "time" }
);
described!(
    /// A link that is there, waits, or was rejected. Which members there are depends on its state.
    LinkForm, {
        "slot": "manager|additional_manager|team|member?",
        "state": "linked|waiting|rejected",
        "ordinal?": "integer?",
        "reference?": "string?: as asserted",
        "person?": maybe::<PersonBriefForm>(),
        "team?": { "id": "uuid?", "kind": "string", "name": "string?" },
        "by?": "string?: the rule or attribute that asserts it",
        "flag?": "self|cycle?",
        "since": "time",
        "assertedBy?": maybe::<AssertedForm>(),
        "key?": "string: what it waits for",
        "reason?": "string",
        "attempts?": "integer",
        "nextAttemptAt?": "time?",
        "stale?": "boolean: no longer tried again by itself",
        "namesGroup?": "boolean",
        "field?": "string",
        "nearest?": maybe::<NearestForm>(),
        "heldBy?": [of::<HolderForm>()],
        "waitsForPerson?": maybe::<PersonBriefForm>(),
        "waitsForTeam?": maybe::<TeamBriefForm>(),
    }
);
described!(
    /// A person's links.
    LinksForm, {
        "id": "uuid",
        "person": maybe::<PersonBriefForm>(),
        "pendingChanges": "integer",
        "links": [of::<LinkForm>()],
    }
);

/// `GET /ops/v1/people/{id}/links`: each manager, additional manager and team: linked, waiting or
/// rejected, and why.
#[utoipa::path(get, path = "/people/{id}/links", responses((status = 200, body = LinksForm)))]
pub(crate) async fn links(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?;
    let managers = explain::linked_managers(&mut connection, tenant, id).await?;
    let teams = explain::linked_teams(&mut connection, tenant, id, MOST).await?;
    let waiting = explain::waiting_links(&mut connection, tenant, id, MOST).await?;
    let above = explain::managers_above(&mut connection, tenant, &[id]).await?;
    let pending = people::pending(&mut connection, tenant, id).await?;
    let refused = rejections::of_person(&mut connection, tenant, id).await?;
    let rules = app.mappings.in_force(&mut connection, tenant).await;
    let rules = rules.map_err(Failure::from)?.mapping;
    let waits_for: Vec<_> = waiting.iter().map(waits_for).collect();
    let suggestions = Suggestions::load(&mut connection, tenant, &waits_for).await?;
    let shown: Vec<Uuid> = managers.iter().map(|line| line.manager_id).chain([id]).collect();
    let briefs = people::briefs(&mut connection, tenant, &shown).await?;
    let in_cycle = in_cycles(&above).contains(&id);

    let links: Vec<Value> = (managers.iter().map(|line| manager(line, in_cycle, &briefs)))
        .chain(teams.iter().map(team))
        .chain(waiting.iter().map(|link| waits(link, id, &suggestions)))
        .chain(refused.iter().filter_map(|value| {
            let slot = slot_of(rules.target(&value.rule)?)?;
            Some(
                json!({ "slot": slot.name(), "state": "rejected", "field": value.rule,
                         "reason": value.reason, "since": value.since }),
            )
        }))
        .collect();
    Ok(Json(json!({
        "id": id,
        "person": briefs.get(&id),
        "pendingChanges": pending,
        "links": links,
    })))
}

/// `POST /ops/v1/people/{id}/links/retry`: try this person's waiting links again now.
#[utoipa::path(post, path = "/people/{id}/links/retry", responses((status = 200, body = Retried)))]
pub(crate) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Retried>, Problem> {
    let tenant = caller.0.tenant;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let id = find(&mut connection, tenant, &id).await?;
    let waiting = explain::waiting_links(&mut connection, tenant, id, MOST).await?;
    let places: Vec<Place> = waiting
        .into_iter()
        .map(|link| (link.subject_id, link.slot, link.place))
        .collect();
    let due = explain::make_due(&mut connection, tenant, &places).await?;
    drop(connection);
    Ok(Json(retry_places(&app, tenant, due).await))
}

fn name_of(slot: i16) -> Option<&'static str> {
    LinkSlot::from_column(slot).map(LinkSlot::name)
}

/// The slot that a rejected value was meant for; `None` for a plain field.
fn slot_of(target: &Target) -> Option<LinkSlot> {
    match target {
        Target::Line(Line::Primary) => Some(LinkSlot::Manager),
        Target::Line(Line::Additional) => Some(LinkSlot::AdditionalManager),
        Target::Team(_) => Some(LinkSlot::Team),
        Target::Field(_) | Target::Custom(_) | Target::CustomRest => None,
    }
}

fn manager(line: &LinkedManager, in_cycle: bool, briefs: &HashMap<Uuid, Brief>) -> Value {
    let cycle = line.slot == 1 && in_cycle;
    json!({
        "slot": name_of(line.slot),
        "ordinal": line.ordinal,
        "state": "linked",
        "reference": line.reference,
        "person": briefs.get(&line.manager_id),
        "flag": line.flag.as_deref().or(cycle.then_some("cycle")),
        "since": line.since,
        "assertedBy": asserted_by(line.asserted),
    })
}

fn team(link: &LinkedTeam) -> Value {
    let group = link.group.as_ref();
    json!({
        "slot": LinkSlot::Team.name(),
        "state": "linked",
        "team": { "id": link.team_id, "kind": link.kind, "name": link.name },
        "by": by(&link.source),
        "reference": group.map(|group| &group.reference),
        "since": link.since,
        "assertedBy": asserted_by(group.and_then(|group| group.asserted)),
    })
}

/// What a link waits for, and why.
pub(super) fn waits_for(link: &WaitingLink) -> (&str, Option<&str>) {
    (&link.wait_key, suggest::reason(&link.reason, link.names_group))
}

/// A link of this person or group that waits.
pub(super) fn waits(link: &WaitingLink, subject: Uuid, suggestions: &Suggestions) -> Value {
    let mut shown = json!({
        "slot": name_of(link.slot),
        "state": "waiting",
        "reference": link.reference,
        "key": link.wait_key,
        "reason": link.reason,
        "since": link.since,
        "attempts": link.attempts,
        "nextAttemptAt": link.next_attempt_at,
        "stale": link.next_attempt_at.is_none(),
        "assertedBy": asserted_by(link.asserted),
    });
    let member = LinkSlot::from_column(link.slot) == Some(LinkSlot::Member);
    if let Some((kind, _)) = waited_for(&link.wait_key) {
        let rule = link.place.split(':').next();
        shown["team"] = json!({ "id": null, "kind": kind, "name": link.reference });
        shown["by"] = json!(rule);
    } else if !member {
        shown["ordinal"] = json!(link.place.parse::<i16>().ok());
    } else if link.subject_id != subject {
        shown["team"] = json!({ "id": link.subject_id, "kind": "group", "name": link.team });
    }
    if member {
        shown["namesGroup"] = json!(link.names_group);
    }
    let (key, reason) = waits_for(link);
    suggestions.add_to(&mut shown, key, reason);
    shown
}

pub(super) fn asserted_by(change: Option<Asserted>) -> Value {
    change.map_or(
        Value::Null,
        |change| json!({ "txn": change.txn, "index": change.txn_index, "acceptedAt": change.accepted_at }),
    )
}
