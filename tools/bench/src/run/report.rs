//! The table, and the file it is kept in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::Local;
use serde::{Deserialize, Serialize};

use super::median;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    PerSecond,
    Seconds,
    Milliseconds,
    Megabytes,
    /// Of one processor, or of all there is.
    Percent,
    /// A number of its own kind: the title says which.
    Times,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// At most so many times the floor's time.
    RatioAtMost(f64),
}

/// One figure, beside its floor where it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measure {
    pub(super) what: String,
    pub(super) unit: Unit,
    pub(super) median: f64,
    pub(super) runs: Vec<f64>,
    pub(super) floor: Option<f64>,
    floor_runs: Vec<f64>,
    /// How many times the floor's time the product takes.
    pub(super) ratio: Option<f64>,
    pub(super) targets: Vec<Target>,
    pub(super) met: bool,
    detail: String,
}

impl Measure {
    pub(super) fn new(what: impl Into<String>, unit: Unit, runs: &[f64], floors: &[f64]) -> Measure {
        let middle = median(runs);
        let floor = (!floors.is_empty()).then(|| median(floors));
        let ratio = floor.map(|floor| match unit {
            Unit::PerSecond => floor / middle,
            _ => middle / floor,
        });
        Measure {
            what: what.into(),
            unit,
            median: middle,
            runs: runs.to_vec(),
            floor,
            floor_runs: floors.to_vec(),
            ratio,
            targets: Vec::new(),
            met: true,
            detail: String::new(),
        }
    }

    pub(super) fn with(self, detail: impl Into<String>) -> Measure {
        Measure {
            detail: detail.into(),
            ..self
        }
    }

    pub(super) fn target(mut self, target: Target) -> Measure {
        self.met &= match target {
            Target::AtLeast(least) => self.median >= least,
            Target::AtMost(most) => self.median <= most,
            Target::RatioAtMost(most) => self.ratio.is_some_and(|ratio| ratio <= most),
        };
        self.targets.push(target);
        self
    }

    fn row(&self) -> String {
        let floor = self.floor.map(|floor| figure(self.unit, floor));
        let ratio = self.ratio.map(|ratio| format!("{ratio:.1}×"));
        let targets: Vec<String> = self
            .targets
            .iter()
            .map(|target| told(self.unit, *target))
            .collect();
        let verdict = match (self.targets.is_empty(), self.met) {
            (true, _) => String::new(),
            (false, true) => format!("{} met", targets.join(", ")),
            (false, false) => format!("{} MISSED", targets.join(", ")),
        };
        format!(
            "{:<42} {:>11} {:>11} {:>7}  {:<22} {}",
            self.what,
            figure(self.unit, self.median),
            floor.unwrap_or_default(),
            ratio.unwrap_or_default(),
            verdict,
            self.detail,
        )
    }
}

fn told(unit: Unit, target: Target) -> String {
    match target {
        Target::AtLeast(least) => format!("≥ {}", figure(unit, least)),
        Target::AtMost(most) => format!("≤ {}", figure(unit, most)),
        Target::RatioAtMost(most) => format!("≤ {most:.2}×"),
    }
}

pub(super) fn figure(unit: Unit, value: f64) -> String {
    match unit {
        Unit::PerSecond => format!("{value:.0}/s"),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Milliseconds => format!("{value:.1} ms"),
        Unit::Megabytes => format!("{value:.0} MB"),
        Unit::Percent => format!("{value:.2} %"),
        Unit::Times => format!("{value:.2}"),
    }
}

/// All that one run of the benchmark found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) at: String,
    quick: bool,
    processors: usize,
    pub(super) measures: Vec<Measure>,
    pub(super) notes: Vec<String>,
}

impl Report {
    pub(super) fn new(quick: bool) -> Report {
        Report {
            at: Local::now().to_rfc3339(),
            quick,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            measures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A figure of a quick run is told without targets: they are for the real sizes.
    pub(super) fn add(&mut self, mut measure: Measure) {
        if self.quick {
            measure.targets.clear();
            measure.met = true;
        }
        eprintln!("  {}", measure.row());
        self.measures.push(measure);
    }

    pub(super) fn print(&self) {
        println!(
            "{:<42} {:>11} {:>11} {:>7}  {:<22} detail",
            "", "measured", "floor", "ratio", "target"
        );
        for measure in &self.measures {
            println!("{}", measure.row());
        }
        println!("floor: plain SQL writing the same rows under the same constraints, 500 a transaction,");
        println!("one connection, unless told otherwise; ratio: times the floor's time; medians");
        for note in &self.notes {
            println!("{note}");
        }
    }

    /// Writes `<directory>/<date>.json`; the same day's file is replaced.
    pub(super) fn write(&self, directory: &Path) -> Result<PathBuf> {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
        let path = directory.join(format!("{}.json", Local::now().format("%Y-%m-%d")));
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// One that was written before.
    pub(super) fn read(path: &Path) -> Result<Report> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no saved result", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measure_beside_a_floor_is_judged_by_figure_and_ratio() {
        let rate = Measure::new("x", Unit::PerSecond, &[500.0, 400.0, 600.0], &[1_000.0]);
        assert_eq!(rate.ratio, Some(2.0));
        assert!(rate.clone().target(Target::AtLeast(500.0)).met);
        assert!(rate.clone().target(Target::RatioAtMost(2.0)).met);
        assert!(!rate.clone().target(Target::AtLeast(501.0)).met);
        let missed = rate
            .target(Target::AtLeast(501.0))
            .target(Target::RatioAtMost(2.0));
        assert!(!missed.met, "one target missed is missed");
    }

    #[test]
    fn report_read_again_is_what_was_written() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("bench-{}", uuid::Uuid::new_v4()));
        let mut report = Report::new(false);
        report.add(Measure::new("x", Unit::Seconds, &[1.5], &[]).target(Target::AtMost(2.0)));
        let path = report.write(&folder)?;
        assert_eq!(Report::read(&path)?, report);
        fs::remove_dir_all(folder)?;
        Ok(())
    }
}
