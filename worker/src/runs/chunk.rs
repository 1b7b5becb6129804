//! Phase `reconcile`: comparing a part, and putting right what differs.

use super::{Step, preview};
use crate::context::Context;
use crate::error::{ReconcileError, Remedy};
use crate::failpoints::failpoint;
use crate::limiter::Grant;
use crate::reconcile::{Check, Drift, Part};
use futures::FutureExt;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::reconcile::Book;
use rollcall_shared::store::runs::{self as store, Chunk, ChunkKind, Finish, Sample, Scope, keys};
use rollcall_shared::telemetry::{DriftKind, DriftLabels};
use serde_json::json;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use uuid::Uuid;

/// Differences of a kind that a dry run tells by name.
pub(super) const SAMPLES: usize = 100;
/// Times a lease may run out before one of the keys is taken to kill who compares it.
const EXPIRED: u32 = 2;
/// The same for a key that is alone: nobody else can be to blame, but then workers also die by
/// accident.
const EXPIRED_ALONE: u32 = 5;

/// Do a part, unless it is done.
pub(crate) async fn chunk(
    context: &Context,
    tenant: TenantId,
    run: Uuid,
    number: i32,
    expired_leases: u32,
) -> Result<Step, ReconcileError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let Some(chunk) = store::open_chunk(&mut conn, tenant, run, number).await? else {
        return Ok(Step::Further);
    };
    let keys = keys::keys(&mut conn, tenant, &chunk).await?;
    drop(conn);
    let patience = match keys.len() {
        // Nothing that could be to blame.
        0 => u32::MAX,
        1 => EXPIRED_ALONE,
        _ => EXPIRED,
    };
    let error = if expired_leases >= patience {
        ReconcileError::Panic
    } else {
        let done = AssertUnwindSafe(compare(context, tenant, &chunk, &keys));
        match done.catch_unwind().await {
            Ok(Ok(step)) => return Ok(step),
            Ok(Err(error)) => error,
            Err(_) => ReconcileError::Panic,
        }
    };
    if error.remedy() != Remedy::Isolate {
        return Err(error);
    }
    isolate(context, tenant, &chunk, &keys, &error).await
}

async fn compare(
    context: &Context,
    tenant: TenantId,
    chunk: &Chunk,
    keys: &[Key],
) -> Result<Step, ReconcileError> {
    if let Scope::Preview(preview) = chunk.scope {
        return preview::compare(context, tenant, chunk, preview, keys).await;
    }
    if chunk.kind == ChunkKind::AttributeTeams {
        return attribute_teams(context, tenant, chunk).await;
    }
    let check = context.engine.check(tenant, keys).await?;
    if chunk.dry_run || check.drift.keys.is_empty() {
        let found = &check.drift;
        let mut finish = result(Checked::of(keys), &check, found, check.in_flight);
        if chunk.dry_run {
            finish.samples = few_of_each(&found.samples);
        }
        finished(context, tenant, chunk, &finish, found).await?;
        return Ok(Step::Further);
    }
    let differing: Vec<Key> = check.drift.keys.iter().cloned().collect();
    if let Grant::Wait(wait) = context.limiter.take(tenant, differing.len()) {
        return Ok(Step::Later(wait));
    }
    let part = Part {
        run: chunk.run,
        number: chunk.number,
    };
    let finish = |repaired: &Drift, in_flight| {
        result(Checked::of(keys), &check, repaired, check.in_flight + in_flight)
    };
    if context.engine.repair(tenant, part, &differing, finish).await? {
        count(context, chunk, &check.drift);
    }
    Ok(Step::Further)
}

/// Attribute teams hang on no document: their rows are what was first accepted.
async fn attribute_teams(context: &Context, tenant: TenantId, chunk: &Chunk) -> Result<Step, ReconcileError> {
    let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
    let (checked, renamed) = keys::attribute_teams(&mut tx, tenant, chunk).await?;
    let mut drift = Drift::default();
    for team in &renamed {
        drift.renamed(team.id, &team.name, &team.accepted_name);
    }
    if !chunk.dry_run && !renamed.is_empty() {
        let ids: Vec<Uuid> = renamed.iter().map(|team| team.id).collect();
        let book = Book {
            mapping: context.engine.mapping(&mut tx, tenant).await?.version,
            run: Some(chunk.run),
        };
        keys::restore_attribute_teams(&mut tx, tenant, book, &ids).await?;
    }
    let checked = Checked {
        keys: usize::try_from(checked).unwrap_or_default(),
        people: 0,
    };
    let mut finish = result(checked, &Check::default(), &drift, 0);
    if chunk.dry_run {
        finish.samples = few_of_each(&drift.samples);
    }
    if !store::finish_chunk(&mut tx, tenant, chunk.run, chunk.number, &finish).await? {
        return Ok(Step::Further);
    }
    failpoint!("runs::before_chunk_commit");
    tx.commit().await.map_err(StoreError::from)?;
    failpoint!("runs::after_chunk_commit");
    count(context, chunk, &drift);
    Ok(Step::Further)
}

/// Keep the result of a part that wrote nothing.
pub(super) async fn finished(
    context: &Context,
    tenant: TenantId,
    chunk: &Chunk,
    finish: &Finish,
    drift: &Drift,
) -> Result<(), ReconcileError> {
    let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
    if !store::finish_chunk(&mut tx, tenant, chunk.run, chunk.number, finish).await? {
        return Ok(());
    }
    failpoint!("runs::before_chunk_commit");
    tx.commit().await.map_err(StoreError::from)?;
    failpoint!("runs::after_chunk_commit");
    count(context, chunk, drift);
    Ok(())
}

/// One of the keys cannot be compared or repaired: halve the part down to it, and count it as failed.
async fn isolate(
    context: &Context,
    tenant: TenantId,
    chunk: &Chunk,
    keys: &[Key],
    error: &ReconcileError,
) -> Result<Step, ReconcileError> {
    let class = error.class();
    if keys.len() > 1 {
        let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
        store::split_chunk(&mut tx, tenant, chunk, keys).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::debug!(%tenant, run = %chunk.run, class, "a part of a run is halved");
        return Ok(Step::Further);
    }
    tracing::warn!(
        %tenant, run = %chunk.run, kind = ?chunk.kind, id = keys.first().map(|key| tracing::field::display(key.id())),
        class, "a key could not be compared"
    );
    let finish = Finish {
        result: json!({ "checked": keys.len(), "people": Checked::of(keys).people, "failed": 1 }),
        samples: vec![],
    };
    finished(context, tenant, chunk, &finish, &Drift::default()).await?;
    Ok(Step::Further)
}

/// What a part was about.
struct Checked {
    keys: usize,
    /// Of these keys; the others are teams and memberships.
    people: usize,
}

impl Checked {
    fn of(keys: &[Key]) -> Checked {
        let people = keys.iter().filter(|key| matches!(key, Key::Person(_)));
        Checked {
            keys: keys.len(),
            people: people.count(),
        }
    }
}

/// The counts of a part.
fn result(checked: Checked, check: &Check, repaired: &Drift, in_flight: usize) -> Finish {
    let unchanged = checked.keys.saturating_sub(in_flight + repaired.keys.len());
    Finish {
        result: json!({
            "checked": checked.keys,
            "people": checked.people,
            "unchanged": unchanged,
            "inFlight": in_flight,
            "fields": repaired.fields,
            "repaired": repaired.keys.len(),
            "linksResolved": repaired.links_resolved,
            "rejected": check.rejected,
            "waiting": check.waiting,
            "missingTeams": check.missing_teams,
            "lost": repaired.lost,
            "gained": repaired.gained,
        }),
        samples: vec![],
    }
}

pub(super) fn few_of_each(samples: &[Sample]) -> Vec<Sample> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let few = samples.iter().filter(|sample| {
        let count = seen.entry(sample.kind).or_default();
        *count += 1;
        *count <= SAMPLES
    });
    few.cloned().collect()
}

/// What a day that came has changed is no difference that somebody made.
fn count(context: &Context, chunk: &Chunk, drift: &Drift) {
    if chunk.scope == Scope::Dates {
        return;
    }
    for kind in DriftKind::ALL {
        let found = drift
            .samples
            .iter()
            .filter(|sample| sample.kind == kind.name())
            .count();
        if found > 0 {
            let labels = DriftLabels { kind: *kind };
            context.metrics.drift.get_or_create(&labels).inc_by(found as u64);
        }
    }
}
