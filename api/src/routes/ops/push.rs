use crate::state::App;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::queue::{MAX_KEYS, ReconcileJob};

/// Hand keys to the workers; what Redis does not take, the feeder finds in Postgres. Answers
/// whether Redis took all.
pub(super) async fn push(app: &App, tenant: TenantId, keys: &[Key], lane: Lane) -> bool {
    let jobs: Vec<ReconcileJob> = keys
        .chunks(MAX_KEYS)
        .map(|keys| ReconcileJob {
            v: 1,
            tenant,
            keys: keys.to_vec(),
        })
        .collect();
    match app.queues.lane(lane).push(tenant, &jobs).await {
        Ok(taken) => taken == jobs.len(),
        Err(error) => {
            tracing::debug!(%tenant, error = &error as &dyn std::error::Error, "keys are left to the feeder");
            false
        }
    }
}
