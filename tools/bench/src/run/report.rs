use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::Local;
use serde::Serialize;
use serde_json::json;

use super::median;

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    PerSecond,
    Seconds,
    Milliseconds,
}

/// One figure beside its floor.
#[derive(Debug, Serialize)]
pub(super) struct Measure {
    what: String,
    unit: Unit,
    median: f64,
    floor: f64,
    /// How many times the floor's time the product takes.
    ratio: f64,
    runs: Vec<f64>,
    floor_runs: Vec<f64>,
    detail: String,
}

impl Measure {
    pub(super) fn new(what: String, unit: Unit, runs: &[f64], floors: &[f64]) -> Measure {
        let (median, floor) = (median(runs), median(floors));
        let ratio = match unit {
            Unit::PerSecond => floor / median,
            Unit::Seconds | Unit::Milliseconds => median / floor,
        };
        let (runs, floor_runs) = (runs.to_vec(), floors.to_vec());
        Measure {
            what,
            unit,
            median,
            floor,
            ratio,
            runs,
            floor_runs,
            detail: String::new(),
        }
    }

    pub(super) fn with(self, detail: String) -> Measure {
        Measure { detail, ..self }
    }
}

pub(super) struct Report {
    quick: bool,
    measures: Vec<Measure>,
    pub(super) notes: Vec<String>,
}

impl Report {
    pub(super) fn new(quick: bool) -> Report {
        Report {
            quick,
            measures: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, measure: Measure) {
        self.measures.push(measure);
    }

    pub(super) fn print(&self) {
        println!(
            "{:<34} {:>12} {:>12} {:>8}  detail",
            "", "measured", "floor", "ratio"
        );
        for measure in &self.measures {
            let figure = |value: f64| match measure.unit {
                Unit::PerSecond => format!("{value:.0}/s"),
                Unit::Seconds => format!("{value:.2} s"),
                Unit::Milliseconds => format!("{value:.1} ms"),
            };
            println!(
                "{:<34} {:>12} {:>12} {:>7.1}×  {}",
                measure.what,
                figure(measure.median),
                figure(measure.floor),
                measure.ratio,
                measure.detail,
            );
        }
        println!("floor: plain SQL writing the same rows under the same constraints, 500 a transaction,");
        println!("one connection; ratio: times the floor's time; medians");
        for note in &self.notes {
            println!("{note}");
        }
    }

    /// Writes `<directory>/<date>.json`; the same day's file is replaced.
    pub(super) fn write(&self, directory: &Path) -> Result<PathBuf> {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
        let now = Local::now();
        let path = directory.join(format!("{}.json", now.format("%Y-%m-%d")));
        let report = json!({
            "at": now.to_rfc3339(),
            "quick": self.quick,
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
            "measures": self.measures,
            "notes": self.notes,
        });
        fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}
