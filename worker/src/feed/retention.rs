//! Erasing deleted people whom their tenant keeps no longer.
//!
//! Every worker looks, without a leader: whom another has erased meanwhile is left as they are.

use crate::context::Context;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::erasure::{self, Cause};
use rollcall_shared::store::settings::{self, StoredSettings};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Pause after a look that found nobody left to erase: whole days are kept, a minute is nothing.
const IDLE: Duration = Duration::from_secs(60);
/// Pause after one that did not get to the end.
const BUSY: Duration = Duration::from_millis(500);
/// People erased in one transaction, for which everybody else's writes wait.
const AT_ONCE: i64 = 100;

/// Look until told to stop, the first time at once.
pub(crate) async fn run(context: Arc<Context>, stopping: CancellationToken) {
    loop {
        let pause = match round(&context).await {
            Ok(true) => BUSY,
            Ok(false) => IDLE,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "people whose retention time is over are looked for later");
                IDLE
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Some of each tenant's; answers whether there may be more.
async fn round(context: &Context) -> Result<bool, StoreError> {
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let all = settings::all(&mut conn).await?;
    drop(conn);
    let mut more = false;
    for (tenant, settings) in all {
        match erase_due(context, tenant, settings).await {
            Ok(found) => more |= found,
            // The others' people are no less due.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%tenant, error, "people whose retention time is over are erased later");
            }
        }
    }
    Ok(more)
}

/// Answers whether anybody was due.
async fn erase_due(
    context: &Context,
    tenant: TenantId,
    settings: Result<StoredSettings, StoreError>,
) -> Result<bool, StoreError> {
    let Some(days) = settings?.settings.deprovisioned_retention_days else {
        return Ok(false);
    };
    let days = i32::from(days.get());
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    let due = erasure::due(&mut conn, tenant, days, AT_ONCE).await?;
    drop(conn);
    if due.is_empty() {
        return Ok(false);
    }
    let erasure = erasure::erase(&context.pool, tenant, &due, Cause::Retention { days }).await?;
    let people = erasure.people.len();
    tracing::info!(%tenant, people, txn = %erasure.txn, "people were erased, their retention time is over");
    Ok(true)
}
