//! Runs that show what a candidate for the mapping would change, and put it in force if it is to be.

use super::Step;
use super::chunk::{SAMPLES, few_of_each, finished};
use crate::context::Context;
use crate::error::ReconcileError;
use crate::reconcile::{Drift, Moves, Previewed};
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::mapping::effect::{Effect, Teams};
use rollcall_shared::mapping::{Compiled, Mapping};
use rollcall_shared::store::mapping_changes::{self as changes, Change};
use rollcall_shared::store::mapping_previews::{self as previews, Preview, Refusal};
use rollcall_shared::store::runs::{self as store, Chunk, Finish, Report, Run, Sample};
use rollcall_shared::store::{PgConnection, StoreError, mappings};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Compare a part by both mappings.
pub(super) async fn compare(
    context: &Context,
    tenant: TenantId,
    chunk: &Chunk,
    preview: Uuid,
    keys: &[Key],
) -> Result<Step, ReconcileError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let preview = previews::find(&mut conn, tenant, preview).await?;
    drop(conn);
    let finish = match preview.as_ref().and_then(candidate) {
        Some(candidate) => result(context.engine.preview(tenant, keys, &candidate).await?),
        // Written by a version of this program that knows more.
        None => Finish {
            result: json!({ "checked": keys.len() }),
            samples: vec![],
        },
    };
    finished(context, tenant, chunk, &finish, &Drift::default()).await?;
    Ok(Step::Further)
}

fn candidate(preview: &Preview) -> Option<Arc<Compiled>> {
    Mapping::read(&preview.document)
        .ok()?
        .compile()
        .ok()
        .map(Arc::new)
}

fn result(previewed: Previewed) -> Finish {
    let Moves { lost, gained } = previewed.moves;
    Finish {
        result: json!({
            "checked": previewed.effect.checked,
            "effect": previewed.effect,
            "created": previewed.created,
            "lost": lost,
            "gained": gained,
            "lostAnyway": previewed.anyway.lost,
            "gainedAnyway": previewed.anyway.gained,
        }),
        samples: few_of_each(&previewed.samples),
    }
}

/// What the parts show together; teams by name are added to the samples.
pub(super) async fn added_up(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: &Run,
    found: &Report,
) -> Result<Effect, StoreError> {
    let mut effect = Effect::default();
    let mut created: BTreeMap<&str, (&Value, &Value)> = BTreeMap::new();
    for result in &found.results {
        match result
            .get("effect")
            .map(|part| serde_json::from_value::<Effect>(part.clone()))
        {
            Some(Ok(part)) => effect.add(&part),
            // Whom a worker without previews, or one that found no way, has left out.
            _ => {
                let checked = result["checked"].as_i64().unwrap_or_default();
                effect.checked += checked;
                effect.failed += checked;
            }
        }
        for (id, team) in members(result, "created") {
            created.insert(id, (&team[0], &team[1]));
        }
    }
    let then = emptied(found, "lost", "gained");
    let anyway: BTreeSet<Uuid> = emptied(found, "lostAnyway", "gainedAnyway").into_keys().collect();
    let emptied: Vec<(Uuid, i64)> = then
        .into_iter()
        .filter(|(team, _)| !anyway.contains(team))
        .collect();
    effect.teams = Teams {
        created: created.len() as i64,
        emptied: emptied.len() as i64,
    };
    let sample = |subject, field: &str, old, new| Sample {
        kind: "team",
        subject,
        field: field.to_owned(),
        old,
        new,
    };
    let created = created.iter().filter_map(|(id, (kind, name))| {
        Some(sample(
            id.parse().ok()?,
            kind.as_str()?,
            Value::Null,
            (*name).clone(),
        ))
    });
    let emptied = emptied
        .iter()
        .map(|(team, members)| sample(*team, "members", json!(members), json!(0)));
    let few: Vec<Sample> = emptied.take(SAMPLES / 2).chain(created).take(SAMPLES).collect();
    store::add_samples(conn, tenant, run.id, &few).await?;
    Ok(effect)
}

fn members<'a>(result: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = result.get(name).and_then(Value::as_object);
    members
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| (key.as_str(), value))
}

/// Teams that nobody is left in, with the number of members they have now.
fn emptied(found: &Report, lost: &str, gained: &str) -> BTreeMap<Uuid, i64> {
    let mut balance: HashMap<&str, i64> = HashMap::new();
    let mut losing: BTreeSet<&str> = BTreeSet::new();
    for result in &found.results {
        for (team, count) in members(result, lost) {
            losing.insert(team);
            *balance.entry(team).or_default() -= count.as_i64().unwrap_or_default();
        }
        for (team, count) in members(result, gained) {
            *balance.entry(team).or_default() += count.as_i64().unwrap_or_default();
        }
    }
    let now: HashMap<String, i64> = found
        .members_of
        .iter()
        .map(|(team, members)| (team.to_string(), *members))
        .collect();
    losing
        .into_iter()
        .filter_map(|team| {
            let members = now.get(team).copied().unwrap_or_default();
            let left = members + balance.get(team).copied().unwrap_or_default();
            (members > 0 && left <= 0).then_some((team.parse().ok()?, members))
        })
        .collect()
}

/// Put a candidate in force that is to be, unless something speaks against it; answers the run
/// that it began. The caller holds the lock on the tenant's mapping.
pub(super) async fn decide(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: &Run,
    preview: &Preview,
    effect: &Effect,
) -> Result<Option<Uuid>, StoreError> {
    let Some(at_most) = preview.at_most else {
        return Ok(None);
    };
    let in_force = mappings::version_in_force(conn, tenant).await?;
    let refusal = if run.cancelled {
        Some(Refusal::Cancelled)
    } else if in_force != preview.base_version {
        Some(Refusal::Moved)
    } else if !at_most.exceeded_by(&effect.losses()).is_empty() {
        Some(Refusal::Exceeded)
    } else {
        None
    };
    if let Some(refusal) = refusal {
        previews::decided(conn, tenant, preview.id, Err(refusal)).await?;
        tracing::info!(%tenant, preview = %preview.id, refusal = refusal.name(), "a mapping did not come into force");
        return Ok(None);
    }
    let change = Change {
        version: in_force + 1,
        document: &preview.document,
        token: preview.token,
        note: preview.note.as_deref(),
    };
    let begun = changes::put(conn, tenant, change).await?;
    previews::decided(conn, tenant, preview.id, Ok(change.version)).await?;
    tracing::info!(%tenant, preview = %preview.id, version = change.version, run = %begun, "a mapping came into force");
    Ok(Some(begun))
}
