//! A result beside one that was saved: what a change did.

use std::path::Path;

use anyhow::Result;

use super::report::{Measure, Report, Unit, figure};

/// Differences below this are never told as one, however alike the runs were.
const LEAST_NOISE: f64 = 0.05;

/// Print every figure that both have, as a ratio: above 1 is better.
pub(super) fn compare(now: &Report, path: &Path) -> Result<()> {
    let then = Report::read(path)?;
    println!("\nbeside {} of {}", path.display(), then.at);
    for measure in &now.measures {
        let Some(before) = then.measures.iter().find(|before| before.what == measure.what) else {
            continue;
        };
        let (gain, noise) = (gain(before, measure), noise(before).max(noise(measure)));
        println!(
            "{:<42} {:>11} {:>11} {gain:>7.2}×  {} (noise ± {:.0} %)",
            measure.what,
            figure(before.unit, before.median),
            figure(measure.unit, measure.median),
            verdict(gain, noise),
            noise * 100.0,
        );
    }
    Ok(())
}

/// How many times as good it is now.
fn gain(before: &Measure, now: &Measure) -> f64 {
    match now.unit {
        Unit::PerSecond => now.median / before.median,
        _ => before.median / now.median,
    }
}

/// How far the runs of one result lie apart, as a share of their median: half of the whole span.
fn noise(measure: &Measure) -> f64 {
    let most = measure.runs.iter().copied().fold(f64::MIN, f64::max);
    let least = measure.runs.iter().copied().fold(f64::MAX, f64::min);
    ((most - least) / 2.0 / measure.median).max(LEAST_NOISE)
}

fn verdict(gain: f64, noise: f64) -> &'static str {
    if gain > 1.0 + noise {
        "better"
    } else if gain < 1.0 / (1.0 + noise) {
        "WORSE"
    } else {
        "the same"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_of_a_rate_and_of_a_time_both_rise_when_it_gets_better() {
        let rate = |value| Measure::new("x", Unit::PerSecond, &[value], &[]);
        let time = |value| Measure::new("x", Unit::Seconds, &[value], &[]);
        assert!((gain(&rate(100.0), &rate(150.0)) - 1.5).abs() < 1e-9);
        assert!((gain(&time(3.0), &time(2.0)) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn difference_within_the_runs_own_spread_is_no_difference() {
        let wide = Measure::new("x", Unit::PerSecond, &[80.0, 100.0, 120.0], &[]);
        assert_eq!(verdict(1.15, noise(&wide)), "the same");
        assert_eq!(verdict(1.25, noise(&wide)), "better");
        assert_eq!(verdict(0.8, noise(&wide)), "WORSE");
    }
}
