//! Keeping how full the queues are and how fast everything goes, for whoever looks back over the last hours.
//!
//! Every worker looks, without a leader: whoever comes first takes the moment's sample.

use super::FeedError;
use crate::context::Context;
use rollcall_shared::store::{StoreError, queue_samples};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Take samples until told to stop.
pub(crate) async fn run(context: Arc<Context>, stopping: CancellationToken) {
    loop {
        if let Err(error) = take(&context).await {
            // The stores' failures are told by those who need them; a gap in the chart tells this one.
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "a sample of the queues is missing");
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(queue_samples::EVERY / 3) => {}
        }
    }
}

async fn take(context: &Context) -> Result<(), FeedError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    if !queue_samples::due(&mut conn).await? {
        return Ok(());
    }
    drop(conn);
    let depths = context.queues.depths().await?;
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    queue_samples::keep(&mut conn, &depths).await?;
    Ok(())
}
