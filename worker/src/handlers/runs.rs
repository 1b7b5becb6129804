//! "Take a run a step further."

use crate::context::Context;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use crate::runs::{self, Step};
use rollcall_shared::queue::{Delivery, JobError, Outcome, RunJob};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::runs::{Phase, find};
use std::sync::Arc;
use std::time::Instant;

/// Do a part of a run, or whatever its phase needs. A job of a run that is past it does nothing.
pub(crate) async fn runs(
    context: Arc<Context>,
    job: RunJob,
    delivery: Delivery,
) -> Result<Outcome, JobError> {
    let RunJob {
        tenant, run, chunk, ..
    } = job;
    let started = Instant::now();
    let step = match chunk {
        Some(number) => runs::chunk(&context, tenant, run, number, delivery.expired_leases).await?,
        None => {
            let mut conn = context
                .pool
                .acquire()
                .await
                .map_err(StoreError::from)
                .map_err(ReconcileError::from)?;
            let found = find(&mut conn, tenant, run).await.map_err(ReconcileError::from)?;
            drop(conn);
            let Some(found) = found else {
                return Ok(Outcome::Done);
            };
            match found.phase {
                Phase::Plan => runs::plan(&context, tenant, &found).await?,
                Phase::Reconcile => Step::Further,
                Phase::Links => runs::links(&context, tenant, run).await?,
                Phase::Report => runs::report(&context, tenant, &found).await?,
                Phase::Done => return Ok(Outcome::Done),
            }
        }
    };
    match step {
        Step::Later(wait) => return Ok(Outcome::Snooze(wait)),
        Step::Further => runs::push_next(&context, tenant, run).await?,
        Step::End => {}
    }
    if chunk.is_some() {
        // Holds nothing but a slot for parts.
        let now = Instant::now();
        tokio::time::sleep(context.courtesy.rest(now, now - started)).await;
    }
    before_ack()?;
    Ok(Outcome::Done)
}

fn before_ack() -> Result<(), ReconcileError> {
    failpoint!("runs::before_ack");
    Ok(())
}
