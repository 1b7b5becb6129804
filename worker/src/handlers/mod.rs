//! placeholder
use crate::context::Context;
use rollcall_shared::directory::Lane;
use rollcall_shared::queue::*;
use std::sync::Arc;
pub async fn reconcile(_: Arc<Context>, _: Lane, _: ReconcileJob, _: Delivery) -> Result<Outcome, JobError> {
    Ok(Outcome::Done)
}
pub async fn links(_: Arc<Context>, _: LinksJob, _: Delivery) -> Result<Outcome, JobError> {
    Ok(Outcome::Done)
}
