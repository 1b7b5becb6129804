//! Resync runs: everything there is and should be, compared part by part.
//!
//! Each function here is one step, and does nothing when somebody else has taken it: jobs may come
//! twice, late, or not at all. Where a run is stands in Postgres (`store::runs`).

mod chunk;
mod courtesy;
mod plan;
mod preview;
mod report;

pub(crate) use chunk::chunk;
pub(crate) use courtesy::Courtesy;
pub(crate) use plan::plan;
pub(crate) use report::report;

use crate::context::Context;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use rollcall_shared::directory::TenantId;
use rollcall_shared::queue::RunJob;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::runs::{self as store, Phase, steps};
use std::time::Duration;
use uuid::Uuid;

/// How long a run waits before it looks again whether everybody was woken.
const WAKING: Duration = Duration::from_millis(100);

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The run may have come further: push what it needs now.
    Further,
    /// The same again after a while.
    Later(Duration),
    /// Nothing is left to do.
    End,
}

/// Phase `links`: whoever waited for something that was repaired is woken by the worker that
/// repaired it, or by the feeder in its place; wait for that.
pub(crate) async fn links(context: &Context, tenant: TenantId, run: Uuid) -> Result<Step, ReconcileError> {
    failpoint!("runs::before_links");
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    Ok(
        match steps::advance(&mut conn, tenant, run, Phase::Links).await? {
            Some(Phase::Links) => Step::Later(WAKING),
            Some(_) => Step::Further,
            None => Step::End,
        },
    )
}

/// Push what a run needs next. What does not get into the queue is left to the feeder.
pub(crate) async fn push_next(context: &Context, tenant: TenantId, run: Uuid) -> Result<(), ReconcileError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let phase = steps::advance(&mut conn, tenant, run, Phase::Reconcile).await?;
    drop(conn);
    let Some(phase) = phase else { return Ok(()) };
    let jobs = next_jobs(context, tenant, run, phase).await?;
    if let Err(error) = context.queues.runs.push(tenant, &jobs).await {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(%tenant, %run, error, "a run is left to the feeder");
    }
    Ok(())
}

/// The jobs a run in this phase needs: some of its parts, or a step of its own.
pub(crate) async fn next_jobs(
    context: &Context,
    tenant: TenantId,
    run: Uuid,
    phase: Phase,
) -> Result<Vec<RunJob>, StoreError> {
    let job = |chunk| RunJob {
        v: 1,
        tenant,
        run,
        chunk,
    };
    if phase == Phase::Done {
        return Ok(vec![]);
    }
    if phase != Phase::Reconcile {
        return Ok(vec![job(None)]);
    }
    let mut conn = context.pool.acquire().await?;
    let claimed = store::claim_chunks(&mut conn, tenant, run).await?;
    if claimed.all_done {
        return Ok(vec![job(None)]);
    }
    Ok(claimed.chunks.into_iter().map(|chunk| job(Some(chunk))).collect())
}
