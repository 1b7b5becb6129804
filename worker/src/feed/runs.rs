//! Runs whose next step nobody works on: just started, or left by a worker that died.

use super::FeedError;
use crate::context::Context;
use crate::runs;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::runs::steps;

/// Runs taken up in one round.
const RUNS_A_ROUND: i64 = 50;

/// Push what runs need next; answers whether any needed something.
pub(super) async fn push_due(context: &Context) -> Result<bool, FeedError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    if !steps::due(&mut conn).await? {
        return Ok(false);
    }
    let claimed = steps::claim(&mut conn, RUNS_A_ROUND).await?;
    drop(conn);
    let mut pushed = false;
    for (tenant, run, phase) in claimed {
        let jobs = runs::next_jobs(context, tenant, run, phase).await?;
        pushed |= !jobs.is_empty();
        context.queues.runs.push(tenant, &jobs).await?;
    }
    Ok(pushed)
}
