//! What the outside sees of a reconcile.

use super::Engine;
use super::write::Written;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::store::links::Slot;
use rollcall_shared::store::reconcile as store;
use rollcall_shared::telemetry::{
    FoundBy, FoundLabels, KeyKind, KeyLabels, LaneLabels, LinkLabels, LinkPath, LinkSlot, SlotLabels,
};
use std::collections::HashMap;

/// Receipts of one transaction named in the log at level info; all are at level debug.
const RECEIPTS_AT_INFO: usize = 20;

impl Engine {
    pub(super) async fn observe(&self, tenant: TenantId, written: &Written, found_by: FoundBy) {
        if written.applied.is_empty() {
            return;
        }
        for key in &written.applied {
            let kind = match key {
                Key::Person(_) => KeyKind::Person,
                Key::Team(_) => KeyKind::Team,
                Key::Member(..) => KeyKind::Member,
            };
            self.metrics.applied_keys.get_or_create(&KeyLabels { kind }).inc();
        }
        for settled in &written.settled {
            let labels = LaneLabels {
                lane: settled.lane.into(),
            };
            self.metrics
                .acknowledged_to_applied_seconds
                .get_or_create(&labels)
                .observe(settled.waited_seconds);
        }
        self.count_links(&written.resolved, &written.parked, LinkPath::Immediate);
        self.count_waited(&written.waited, found_by);
        self.metrics.rejections.inc_by(written.rejections);
        self.log_receipts(tenant, written).await;
    }

    pub(super) fn count_links(
        &self,
        resolved: &HashMap<Slot, u64>,
        parked: &HashMap<Slot, u64>,
        path: LinkPath,
    ) {
        for (slot, count) in resolved {
            let labels = LinkLabels {
                slot: label(*slot),
                path,
            };
            self.metrics.links_resolved.get_or_create(&labels).inc_by(*count);
        }
        for (slot, count) in parked {
            self.metrics
                .links_parked
                .get_or_create(&SlotLabels { slot: label(*slot) })
                .inc_by(*count);
        }
    }

    /// How long links waited that have found their target.
    pub(super) fn count_waited(&self, waited: &[(Slot, f64)], path: FoundBy) {
        for (slot, seconds) in waited {
            let labels = FoundLabels {
                slot: label(*slot),
                path,
            };
            self.metrics
                .link_resolution_seconds
                .get_or_create(&labels)
                .observe(*seconds);
        }
    }

    /// Name the receipts of what was applied, so that one write can be followed from its request.
    async fn log_receipts(&self, tenant: TenantId, written: &Written) {
        let keys = written.applied.len();
        let changes = written.settled.len();
        let all = tracing::enabled!(tracing::Level::DEBUG);
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        if !all && changes > RECEIPTS_AT_INFO {
            tracing::info!(%tenant, keys, changes, "applied");
            return;
        }
        let mut seqs: Vec<i64> = written.settled.iter().map(|settled| settled.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let receipts = match self.pool.acquire().await {
            Ok(mut conn) => store::receipts(&mut conn, tenant, &seqs)
                .await
                .unwrap_or_default(),
            Err(_) => vec![],
        };
        if receipts.len() <= RECEIPTS_AT_INFO {
            let receipts: Vec<String> = receipts.iter().map(|(_, txn)| txn.to_string()).collect();
            tracing::info!(%tenant, keys, changes, receipts = receipts.join(" "), "applied");
        } else {
            tracing::info!(%tenant, keys, changes, "applied");
            for (seq, txn) in receipts {
                tracing::debug!(%tenant, seq, receipt = %txn, "applied");
            }
        }
    }
}

fn label(slot: Slot) -> LinkSlot {
    match slot {
        Slot::Manager => LinkSlot::Manager,
        Slot::AdditionalManager => LinkSlot::AdditionalManager,
        Slot::Member => LinkSlot::Member,
        Slot::Team => LinkSlot::Team,
    }
}
