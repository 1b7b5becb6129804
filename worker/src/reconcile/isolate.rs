//! One key that cannot be applied must not keep its neighbours from being applied.

use super::{Engine, Wake};
use crate::error::{ReconcileError, Remedy};
use crate::failpoints::failpoint;
use futures::FutureExt;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::queue::ReconcileJob;
use rollcall_shared::store::{StoreError, reconcile as store};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Failures after which a key is set aside until its next change or an operator.
pub const PARK_AFTER: i32 = 5;
/// Most keys of several jobs, or of people and members of groups, that are applied in one transaction, and most
/// members that are settled in one: it holds their teams, and jobs that touch the same teams follow each other through them the closer the fewer each holds.
pub(crate) const TOGETHER: usize = 500;
/// Times a transaction that lost against another is repeated at once.
pub(super) const CONFLICTS: u32 = 5;

/// What sorted keys are applied in, the last part first.
fn parts(keys: &[Key]) -> Vec<&[Key]> {
    if keys.len() <= TOGETHER {
        return vec![keys];
    }
    let (subjects, members) = keys.split_at(keys.partition_point(|key| !matches!(key, Key::Member(..))));
    let mut parts: Vec<&[Key]> = members.chunks(TOGETHER).rev().collect();
    parts.push(subjects);
    parts
}

/// What came of a job's keys.
#[derive(Debug, Default)]
pub struct Report {
    pub applied: usize,
    /// Keys that failed by themselves; they are left alone for a while.
    pub failed: usize,
    /// Keys that changed again in the meantime.
    pub newer: Vec<(Key, Lane)>,
}

impl Engine {
    /// As [`Engine::reconcile`], but an error or a panic that a key causes fails that key only:
    /// what failed is halved down to it.
    ///
    /// # Errors
    /// Only what has nothing to do with the keys; what was applied until then stays.
    pub async fn reconcile_isolating(
        &self,
        tenant: TenantId,
        keys: &[Key],
    ) -> Result<Report, ReconcileError> {
        let mut wakes = vec![];
        let applied = self.apply_isolating(tenant, keys, &mut wakes).await;
        self.wake_or_leave(tenant, wakes).await;
        applied
    }

    /// As [`Engine::reconcile_isolating`]; who is to be woken for what was committed is added to `wakes`.
    ///
    /// # Errors
    /// As [`Engine::reconcile_isolating`].
    pub(crate) async fn apply_isolating(
        &self,
        tenant: TenantId,
        keys: &[Key],
        wakes: &mut Vec<Wake>,
    ) -> Result<Report, ReconcileError> {
        let mut report = Report::default();
        let mut conflicts = 0;
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        let mut parts = parts(&keys);
        // A key that failed alone, and the last of its changes when it was tried again: only what
        // was tried may be set aside.
        let mut tried: Option<(&Key, i64)> = None;
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let error = match AssertUnwindSafe(self.apply(tenant, part, wakes))
                .catch_unwind()
                .await
            {
                Ok(Ok(reconciled)) => {
                    report.applied += reconciled.keys;
                    report.newer.extend(reconciled.newer);
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => ReconcileError::Panic,
            };
            match error.remedy() {
                Remedy::Later => return Err(error),
                Remedy::Again if conflicts < CONFLICTS => {
                    conflicts += 1;
                    tracing::debug!(%tenant, conflicts, "lost against a concurrent transaction");
                    tokio::time::sleep(pause(conflicts)).await;
                    parts.push(part);
                }
                Remedy::Again => return Err(error),
                Remedy::Isolate if part.len() == 1 => {
                    match tried.take().filter(|(key, _)| *key == &part[0]) {
                        Some((_, seq)) => {
                            self.fail_keys(tenant, part, &error.class(), Some(PARK_AFTER), seq)
                                .await?;
                            report.failed += 1;
                        }
                        None => {
                            let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
                            let pending = store::highest_pending(&mut conn, tenant, part).await?;
                            if let Some(seq) = pending.get(&part[0]) {
                                tried = Some((&part[0], *seq));
                                parts.push(part);
                            }
                        }
                    }
                }
                Remedy::Isolate => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
        Ok(report)
    }

    /// Count a failure of each key. With `park_after`, their pending changes up to `seq` rest for
    /// a while, or, after so many failures, until the key's next change.
    ///
    /// # Errors
    /// When Postgres is out of reach.
    pub async fn fail_keys(
        &self,
        tenant: TenantId,
        keys: &[Key],
        error: &str,
        park_after: Option<i32>,
        seq: i64,
    ) -> Result<Vec<store::Failure>, ReconcileError> {
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        let failures = store::record_failures(&mut tx, tenant, keys, error, park_after, seq).await?;
        failpoint!("failures::before_commit");
        tx.commit().await.map_err(StoreError::from)?;
        failpoint!("failures::after_commit");
        if let Some(park_after) = park_after {
            for failure in &failures {
                let (id, attempts) = (failure.key.id(), failure.attempts);
                let parked = attempts >= park_after;
                tracing::warn!(%tenant, kind = failure.key.kind(), %id, attempts, parked, error, "a key cannot be applied");
                if parked {
                    self.metrics.poison_parked.inc();
                }
            }
        }
        Ok(failures)
    }
}

impl Engine {
    /// Push keys that changed while they were applied. Whoever accepted the change has pushed them
    /// too, but that job may have come before the change could be seen.
    pub(crate) async fn push_again(&self, tenant: TenantId, newer: Vec<(Key, Lane)>) {
        for lane in Lane::ALL {
            let keys: Vec<Key> = newer
                .iter()
                .filter(|(_, of)| *of == lane)
                .map(|(key, _)| key.clone())
                .collect();
            if keys.is_empty() {
                continue;
            }
            let job = ReconcileJob { v: 1, tenant, keys };
            if let Err(error) = self.queues.lane(lane).push(tenant, &[job]).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(%tenant, error, "keys are left to the feeder");
            }
        }
    }
}

/// A few milliseconds, more with each conflict, never the same for two workers.
pub(super) fn pause(conflicts: u32) -> Duration {
    Duration::from_millis(rand::random_range(1..=10) * u64::from(conflicts))
}
