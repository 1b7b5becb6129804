//! "Look at these waiting links."

use crate::context::Context;
use crate::error::{ReconcileError, Remedy};
use crate::failpoints::failpoint;
use rollcall_shared::queue::{Delivery, JobError, LinksJob, LinksWork, Outcome};
use std::sync::Arc;

/// Settle waiting links: those an arrival concerns whose worker died, or those whose time to try
/// again has come.
pub(crate) async fn links(
    context: Arc<Context>,
    job: LinksJob,
    _delivery: Delivery,
) -> Result<Outcome, JobError> {
    let tenant = job.tenant;
    let done = match job.work {
        LinksWork::Wake(id) => context.engine.wake_left(tenant, id).await,
        LinksWork::Retry { people, members } => context.engine.retry(tenant, &people, &members).await,
    };
    match done {
        Ok(()) => {}
        Err(error) if error.remedy() == Remedy::Isolate => {
            // Both come up again by themselves: a leftover after seconds, a waiter with backoff.
            tracing::warn!(%tenant, class = error.class(), "waiting links are left for later");
        }
        Err(error) => return Err(error.into()),
    }
    before_ack()?;
    Ok(Outcome::Done)
}

fn before_ack() -> Result<(), ReconcileError> {
    failpoint!("links::before_ack");
    Ok(())
}
