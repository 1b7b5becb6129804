//! What is kept of a soak: every interval, the verdict, a picture.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::Local;
use serde::Serialize;

use super::super::chart::{self, Panel};
use super::interval::Interval;
use super::verdict::{Finding, Judged, judge};

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    at: String,
    processors: usize,
    minutes: u16,
    /// The most writes a second that were applied as they came; not known of a pace that was asked for.
    most: Option<f64>,
    /// Writes a second that were held.
    pace: f64,
    intervals: Vec<Interval>,
    findings: Vec<Finding>,
}

impl Outcome {
    pub(super) fn new(minutes: u16, most: Option<f64>, pace: f64, intervals: Vec<Interval>) -> Outcome {
        Outcome {
            at: Local::now().to_rfc3339(),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            minutes,
            most,
            pace,
            findings: judge(&intervals, pace),
            intervals,
        }
    }

    pub(super) fn passed(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.judged != Judged::Broken)
    }

    pub(super) fn print(&self) {
        let Outcome {
            minutes, most, pace, ..
        } = self;
        let share = most.map(|most| format!("; at most {most:.0}/s are applied as they come"));
        println!(
            "{pace:.0} writes/s for {minutes} min{}",
            share.unwrap_or_default()
        );
        println!("{}", Interval::HEAD);
        for interval in &self.intervals {
            println!("{}", interval.row());
        }
        println!("medians of the second third of the intervals, then of the last:");
        for finding in &self.findings {
            let judged = match finding.judged {
                Judged::Held => "held",
                Judged::Broken => "BROKEN",
                Judged::No => "too short",
            };
            println!("{:<24} {judged:<10} {}", finding.rule, finding.detail);
        }
    }

    /// Writes `<directory>/<date>-soak.json` and `<directory>/soak.svg`; those of the same day are replaced.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
        let path = directory.join(format!("{}-soak.json", Local::now().format("%Y-%m-%d")));
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))?;
        let picture = directory.join("soak.svg");
        chart::draw_over_time(&picture, &self.panels())?;
        println!("written to {} and {}", path.display(), picture.display());
        Ok(())
    }

    fn panels(&self) -> [Panel; 3] {
        let line = |name: &'static str, of: fn(&Interval) -> f64| {
            let points = self
                .intervals
                .iter()
                .map(|interval| (interval.seconds / 60.0, of(interval)));
            (name, points.collect())
        };
        let mega = 1024.0 * 1024.0;
        [
            Panel {
                title: "Memory, MB".to_owned(),
                lines: [
                    line("API", |interval| interval.memory.api),
                    line("worker", |interval| interval.memory.worker),
                    line("Redis", |interval| interval.memory.redis),
                ]
                .map(|(name, points): (_, Vec<(f64, f64)>)| {
                    (
                        name,
                        points.into_iter().map(|(at, bytes)| (at, bytes / mega)).collect(),
                    )
                })
                .into(),
            },
            Panel {
                title: format!("Slowest percent at {:.0} writes/s, ms", self.pace),
                lines: vec![
                    line("acknowledged", |interval| interval.acknowledge_p99),
                    line("applied", |interval| interval.applied_p99),
                ],
            },
            Panel {
                title: "Accepted and not yet applied".to_owned(),
                lines: vec![line("pending", |interval| interval.pending)],
            },
        ]
    }
}
