//! The rules by which a soak is judged.
//!
//! The intervals fall into three thirds. The first is for caches to fill and tables to find their size; what holds of
//! the second has to hold of the last.

use serde::Serialize;

use super::super::median;
use super::interval::{CHURNED, Interval};

const MEGABYTE: f64 = 1024.0 * 1024.0;
const MEGABYTES: (f64, &str) = (MEGABYTE, "MB");
const MILLISECONDS: (f64, &str) = (1.0, "ms");
/// Memory may be a tenth higher, and by so much besides: what an allocator keeps back.
const MEMORY_GROWTH: f64 = 1.10;
const MEMORY_SLACK: f64 = 8.0 * MEGABYTE;
/// The slowest percent may take half as long again.
const LATENCY_GROWTH: f64 = 1.5;
/// Milliseconds that no one notices, on the way to the answer and into the directory.
const ACKNOWLEDGE_SLACK: f64 = 5.0;
const APPLIED_SLACK: f64 = 50.0;
/// A churned table may be a tenth larger, by so much besides, and by what its new rows take.
const TABLE_GROWTH: f64 = 1.10;
const TABLE_SLACK: f64 = 8.0 * MEGABYTE;
/// What one row with its index entries can be said to take at most.
const WIDEST_ROW: f64 = 4_096.0;
/// Autovacuum looks at a table once a minute: of tables, less than this many seconds say nothing.
const VACUUMED: f64 = 600.0;
/// Of the writes that were due, how many must have been answered.
const PACE_KEPT: f64 = 0.98;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Judged {
    Held,
    Broken,
    /// The soak was too short for it.
    No,
}

/// What came of one rule.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) rule: String,
    pub(super) judged: Judged,
    pub(super) detail: String,
}

/// Holds every rule against the second and the last third.
pub(super) fn judge(intervals: &[Interval], pace: f64) -> Vec<Finding> {
    let thirds = Thirds::of(intervals);
    let mut findings = vec![thirds.pace(pace)];
    let memory = |second: f64| second * MEMORY_GROWTH + MEMORY_SLACK;
    let latency = |slack: f64| move |second: f64| (second * LATENCY_GROWTH).max(second + slack);
    findings.extend([
        thirds.most("memory of the API", MEGABYTES, |i| i.memory.api, memory),
        thirds.most("memory of the worker", MEGABYTES, |i| i.memory.worker, memory),
        thirds.most("memory of Redis", MEGABYTES, |i| i.memory.redis, memory),
        thirds.most(
            "p99 of acknowledging",
            MILLISECONDS,
            |i| i.acknowledge_p99,
            latency(ACKNOWLEDGE_SLACK),
        ),
        thirds.most(
            "p99 of applying",
            MILLISECONDS,
            |i| i.applied_p99,
            latency(APPLIED_SLACK),
        ),
        thirds.most("backlog", (1.0, "pending"), |i| i.pending, |second| second + pace),
    ]);
    findings.extend(CHURNED.map(|table| thirds.table(table)));
    findings
}

struct Thirds<'a> {
    second: &'a [Interval],
    last: &'a [Interval],
    seconds: f64,
}

impl<'a> Thirds<'a> {
    fn of(intervals: &'a [Interval]) -> Thirds<'a> {
        let count = intervals.len();
        Thirds {
            second: &intervals[count / 3..2 * count / 3],
            last: &intervals[2 * count / 3..],
            seconds: intervals.last().map_or(0.0, |interval| interval.seconds),
        }
    }

    fn medians(&self, of: impl Fn(&Interval) -> f64) -> (f64, f64) {
        let middle = |third: &[Interval]| median(&third.iter().map(&of).collect::<Vec<_>>());
        (middle(self.second), middle(self.last))
    }

    /// What the last third may be at most, seen from the second; told in a unit of so many.
    fn most(
        &self,
        rule: impl Into<String>,
        (unit, name): (f64, &str),
        of: impl Fn(&Interval) -> f64,
        allowed: impl Fn(f64) -> f64,
    ) -> Finding {
        let (second, last) = self.medians(of);
        let allowed = allowed(second);
        Finding {
            rule: rule.into(),
            judged: judged(last <= allowed),
            detail: format!(
                "{:.1}, then {:.1} {name}; at most {:.1}",
                second / unit,
                last / unit,
                allowed / unit
            ),
        }
    }

    fn pace(&self, pace: f64) -> Finding {
        let (_, last) = self.medians(|interval| interval.per_second);
        Finding {
            rule: "pace".to_owned(),
            judged: judged(last >= PACE_KEPT * pace),
            detail: format!("{last:.0} of {pace:.0} writes/s"),
        }
    }

    fn table(&self, name: &str) -> Finding {
        let of = |value: fn(&super::interval::Table) -> i64| {
            self.medians(|interval| interval.table(name).map_or(f64::NAN, |table| value(table) as f64))
        };
        let (rows, more) = of(|table| table.rows);
        let (bytes, _) = of(|table| table.bytes);
        let row = (bytes / rows.max(1.0)).min(WIDEST_ROW);
        let explained = (more - rows).max(0.0) * row;
        let mut finding = self.most(
            format!("size of {name}"),
            MEGABYTES,
            |interval| interval.table(name).map_or(f64::NAN, |table| table.bytes as f64),
            |second| second * TABLE_GROWTH + TABLE_SLACK + explained,
        );
        if self.seconds < VACUUMED {
            finding.judged = Judged::No;
        }
        finding
    }
}

/// What is not known is not held: a comparison with it is false.
fn judged(held: bool) -> Judged {
    if held { Judged::Held } else { Judged::Broken }
}

#[cfg(test)]
mod tests;
