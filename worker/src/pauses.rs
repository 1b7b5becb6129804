//! Which lanes are paused. Learnt from Postgres every second, so that no job asks for itself.

use crate::context::Context;
use arc_swap::ArcSwapOption;
use rollcall_shared::directory::{TenantId, WorkLane};
use rollcall_shared::store::{StoreError, lanes};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the pauses are read.
const LOOK: Duration = Duration::from_secs(1);
/// Longest time a look may take.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a job of a paused lane is put off: a tenth of the time the lane has been paused, within
/// these bounds. Resumed soon, the lane goes on soon; paused for long, its jobs cost next to nothing.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The paused lanes of all tenants, as far as this process knows.
#[derive(Default)]
pub(crate) struct Pauses(ArcSwapOption<HashMap<(TenantId, WorkLane), Duration>>);

impl Pauses {
    /// How long a job of this lane is to be put off; `None`: it may be done. Before the first look
    /// nobody knows, and every job is put off.
    pub(crate) fn wait(&self, tenant: TenantId, lane: WorkLane) -> Option<Duration> {
        match &*self.0.load() {
            None => Some(WAIT.0),
            Some(paused) => paused
                .get(&(tenant, lane))
                .map(|time| (*time / 10).clamp(WAIT.0, WAIT.1)),
        }
    }

    /// These lanes are paused, for so many seconds, and no other.
    pub(crate) fn learn(&self, paused: Vec<(TenantId, WorkLane, f64)>) {
        let paused = paused
            .into_iter()
            .map(|(tenant, lane, seconds)| {
                let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
                ((tenant, lane), time)
            })
            .collect();
        self.0.store(Some(Arc::new(paused)));
    }
}

/// Look once. What was known stays in force while Postgres does not answer.
///
/// # Errors
/// When Postgres does not answer.
pub(crate) async fn look(context: &Context) -> Result<(), StoreError> {
    let mut connection = context.pool.acquire().await?;
    context.pauses.learn(lanes::all_paused(&mut connection).await?);
    Ok(())
}

/// Look every second until told to stop.
pub(crate) async fn run(context: Arc<Context>, stopped: CancellationToken) {
    let mut healthy = true;
    loop {
        let looked = matches!(tokio::time::timeout(LONGEST, look(&context)).await, Ok(Ok(())));
        if !looked && healthy {
            tracing::warn!("Postgres does not tell which lanes are paused; what was known stays in force");
        }
        healthy = looked;
        tokio::select! {
            () = stopped.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TenantId = TenantId(1);

    #[test]
    fn jobs_before_the_first_look_are_put_off() {
        let pauses = Pauses::default();
        assert_eq!(pauses.wait(A, WorkLane::Live), Some(WAIT.0));
        pauses.learn(vec![]);
        assert_eq!(pauses.wait(A, WorkLane::Live), None);
    }

    #[test]
    fn jobs_of_a_paused_lane_are_put_off_for_longer_the_longer_it_is_paused() {
        let pauses = Pauses::default();
        for (paused, wait) in [(0.0, 1), (100.0, 10), (86_400.0, 30)] {
            pauses.learn(vec![(A, WorkLane::Bulk, paused)]);
            assert_eq!(pauses.wait(A, WorkLane::Bulk), Some(Duration::from_secs(wait)));
        }
        assert_eq!(pauses.wait(A, WorkLane::Live), None, "the other lane goes on");
        assert_eq!(
            pauses.wait(TenantId(2), WorkLane::Bulk),
            None,
            "the other tenant goes on"
        );
    }
}
