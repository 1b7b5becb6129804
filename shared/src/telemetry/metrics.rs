//! Every metric of both processes, declared once: the doc comment is the help text, the field's
//! name is the metric's name behind the prefix `rollcall_` (counters end in `_total`).
//!
//! Gauges of the service (queue depth, pending, waiters …) are set in one place only, at scrape.

use super::figure::{Figure, Seldom};
use super::labels::*;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use prometheus_client::registry::Registry;
use std::sync::{Arc, atomic::AtomicU64};

/// A gauge of seconds.
pub type Seconds = Gauge<f64, AtomicU64>;
/// A labelled histogram.
pub type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $init:expr,)+) => {
        /// All metrics; cheap to share as an [`Arc`].
        pub struct Metrics {
            registry: Registry,
            pub(super) tables_due: Seldom,
            $($(#[doc = $help])+ pub $field: $kind,)+
        }

        impl Metrics {
            fn build() -> Metrics {
                let mut registry = Registry::with_prefix("rollcall");
                $(
                    let $field: $kind = $init;
                    let help = concat!($($help),+).trim().trim_end_matches('.');
                    registry.register(stringify!($field), help, $field.clone());
                )+
                Metrics { registry, tables_due: Seldom::default(), $($field,)+ }
            }
        }
    };
}

metrics! {
    // API

    /// Requests answered, by method, route template and class of status.
    http_requests: Family<RequestLabels, Counter> = Family::default(),
    /// Seconds from a request's arrival to its answer.
    http_request_duration_seconds: Histograms<RequestLabels> = Family::new_with_constructor(latency),
    /// Writes acknowledged, by operation.
    accepted_writes: Family<OperationLabels, Counter> = Family::default(),
    /// Writes in line for their commit or in it.
    accept_waiting_writes: Gauge = Gauge::default(),
    /// Writes that shared one transaction of the acceptor.
    accept_batch_writes: Histogram = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
    /// Seconds one transaction of the acceptor took.
    accept_batch_seconds: Histogram = latency(),

    // Both

    /// Times a rate limit held something back, by limit.
    rate_limit_waits: Family<LimitLabels, Counter> = Family::default(),
    /// 1 when the store answered at this scrape.
    dependency_up: Family<DependencyLabels, Gauge> = Family::default(),
    /// Jobs in Redis, by queue and state, read at scrape.
    queue_depth: Family<DepthLabels, Gauge> = Family::default(),
    /// Age of the oldest ready job, by queue, read at scrape.
    queue_oldest_ready_seconds: Family<QueueLabels, Seconds> = Family::default(),
    /// Changes accepted and not yet applied, counted per key, read at scrape.
    pending_changes: Figure<i64> = Figure::default(),
    /// Age of the oldest change that is not yet applied (parked ones and those of paused lanes left out), read
    /// at scrape.
    oldest_pending_age_seconds: Figure<f64> = Figure::default(),
    /// Links whose target is not there yet, by slot, read at scrape.
    waiters: Family<SlotLabels, Gauge> = Family::default(),
    /// Age of the link that waits longest for its target, read at scrape.
    oldest_waiter_age_seconds: Figure<f64> = Figure::default(),
    /// Values that could not be projected and are not yet put right, read at scrape.
    rejections_open: Figure<i64> = Figure::default(),
    /// Tenants whose operators have paused the lane of this queue, read at scrape.
    lane_paused: Family<QueueLabels, Gauge> = Family::default(),
    /// Changes that wait because their lane is paused, counted per key, read at scrape.
    held_changes: Figure<i64> = Figure::default(),
    /// Keys set aside because reconciling them kept failing, read at scrape.
    keys_parked: Figure<i64> = Figure::default(),
    /// Runs under way, by phase, read at scrape.
    runs_under_way: Family<RunPhaseLabels, Gauge> = Family::default(),
    /// Seconds since the last full run that wrote, of the tenant for which it is longest; read at
    /// scrape, left out before the first.
    oldest_full_run_age_seconds: Figure<f64> = Figure::default(),
    /// Age of the oldest run under way (those of paused lanes left out), read at scrape, left out while there
    /// is none.
    oldest_run_age_seconds: Figure<f64> = Figure::default(),
    /// Seconds since the source that has been silent longest sent anything, read at scrape; sources silent
    /// for 30 days are left out.
    source_silence_seconds: Figure<f64> = Figure::default(),
    /// Seconds until the first token in use ends that has no successor, read at scrape; negative for a
    /// week after it has ended.
    token_expiry_seconds: Figure<f64> = Figure::default(),
    /// Seconds by which the schedule that should have fired first is late; 0 when none is, read at scrape.
    schedule_overdue_seconds: Figure<f64> = Figure::default(),
    /// Seconds since the first change of the directory that neither its feed nor webhooks tell yet, because a
    /// transaction that began before it is still open; 0 when there is none, read at scrape.
    feed_held_seconds: Figure<f64> = Figure::default(),
    /// Seconds since the oldest change that an enabled webhook has not been told of; 0 when there is none, read
    /// at scrape.
    webhook_oldest_undelivered_seconds: Figure<f64> = Figure::default(),
    /// Deliveries to webhooks that were given up and not yet sent again or removed, read at scrape.
    webhook_dead_letters: Figure<i64> = Figure::default(),
    /// Webhooks disabled because their receiver failed for days or is gone, or their place in the feed is, read at scrape.
    webhooks_disabled: Figure<i64> = Figure::default(),
    /// Bytes that the rows of a table take, without its indexes, read at scrape, at most once a minute.
    table_bytes: Family<TableLabels, Gauge> = Family::default(),
    /// Bytes that the indexes of a table take, read at scrape, at most once a minute.
    table_index_bytes: Family<TableLabels, Gauge> = Family::default(),
    /// Rows of a table that live, as Postgres estimates them, read at scrape, at most once a minute.
    table_rows: Family<TableLabels, Gauge> = Family::default(),
    /// Rows of a table that are dead and whose room is not free yet, as Postgres estimates them, read at scrape, at
    /// most once a minute.
    table_dead_rows: Family<TableLabels, Gauge> = Family::default(),
    /// Build of this process: always 1.
    build_info: Family<BuildLabels, Gauge> = Family::default(),

    // Worker

    /// Seconds from a write's acknowledgement to its application in the directory, by lane.
    acknowledged_to_applied_seconds: Histograms<LaneLabels> = Family::new_with_constructor(lag),
    /// Keys brought up to date, by kind.
    applied_keys: Family<KeyLabels, Counter> = Family::default(),
    /// Links resolved, by slot and by how they found their target.
    links_resolved: Family<LinkLabels, Counter> = Family::default(),
    /// Links that had to wait for their target, by slot.
    links_parked: Family<SlotLabels, Counter> = Family::default(),
    /// Seconds that links waited before they were resolved, by slot and by what found their target.
    link_resolution_seconds: Histograms<FoundLabels> = Family::new_with_constructor(waiting),
    /// Values that could not be projected.
    rejections: Counter = Counter::default(),
    /// Jobs handled, by queue and outcome.
    jobs: Family<JobLabels, Counter> = Family::default(),
    /// Seconds a job's handler took, by queue.
    job_duration_seconds: Histograms<QueueLabels> = Family::new_with_constructor(latency),
    /// Keys the feeder put back into the queue, by queue.
    feeder_pushed_keys: Family<QueueLabels, Counter> = Family::default(),
    /// Runs that came to their end, by how.
    runs: Family<RunLabels, Counter> = Family::default(),
    /// Ticks of schedules, by outcome.
    schedule_ticks: Family<TickLabels, Counter> = Family::default(),
    /// Differences that runs found, by kind; dry runs count too.
    drift: Family<DriftLabels, Counter> = Family::default(),
    /// Deliveries sent to webhooks, by outcome.
    webhook_deliveries: Family<WebhookLabels, Counter> = Family::default(),
    /// Keys set aside because reconciling them kept failing.
    poison_parked: Counter = Counter::default(),
}

impl Metrics {
    /// Metrics of one process, `api` or `worker`.
    pub fn new(process: &'static str) -> Arc<Metrics> {
        let metrics = Metrics::build();
        let version = env!("CARGO_PKG_VERSION");
        metrics
            .build_info
            .get_or_create(&BuildLabels { version, process })
            .set(1);
        Arc::new(metrics)
    }

    /// The text exposition format, for `GET /metrics`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing into a String cannot fail; a metric that cannot be written is a bug here.
            Err(std::fmt::Error) => String::new(),
        }
    }

    /// `Content-Type` of [`Metrics::encode`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/// Half a millisecond to half a minute.
fn latency() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}

/// Five milliseconds to an hour: applying may have to wait for a store to return.
fn lag() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    ])
}

/// Fifty milliseconds to a month: what a link waits for may arrive with the next job, or with
/// the next hire.
fn waiting() -> Histogram {
    Histogram::new([
        0.05,
        0.25,
        1.0,
        5.0,
        30.0,
        120.0,
        600.0,
        3_600.0,
        21_600.0,
        86_400.0,
        604_800.0,
        2_592_000.0,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encode_names_carry_prefix_help_and_labels() {
        let metrics = Metrics::new("worker");
        let labels = LinkLabels {
            slot: LinkSlot::AdditionalManager,
            path: LinkPath::Arrival,
        };
        metrics.links_resolved.get_or_create(&labels).inc_by(3);
        let text = metrics.encode();
        let line = r#"rollcall_links_resolved_total{slot="additional_manager",path="arrival"} 3"#;
        assert!(text.contains(line), "{text}");
        let help =
            "# HELP rollcall_links_resolved Links resolved, by slot and by how they found their target.\n";
        assert!(text.contains(help), "{text}");
        assert!(text.contains(r#"process="worker"} 1"#), "{text}");
    }
}
