//! Cutting the ledger and the history into periods, and dropping those that are not kept any more.
//!
//! Every worker looks, without a leader: what another is at is left to it.

use crate::context::Context;
use rollcall_shared::store::periods::{self, Keeping};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Periods last weeks.
const PAUSE: Duration = Duration::from_secs(3600);

/// Look until told to stop, the first time at once.
pub(crate) async fn run(context: Arc<Context>, keeping: Keeping, stopping: CancellationToken) {
    loop {
        match periods::round(&context.pool, keeping).await {
            Ok(round) => {
                if let Some(period) = round.began {
                    tracing::info!(period, "a period of the ledger begins");
                }
                if !round.dropped.is_empty() {
                    tracing::info!(periods = ?round.dropped, "periods of the ledger were dropped, they are kept no longer");
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "periods of the ledger are begun and dropped later");
            }
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
