//! The queues' last hour as a picture.

use chrono::{DateTime, Utc};
use rollcall_shared::directory::WorkLane;
use rollcall_shared::store::queue_samples::{EVERY, Sample};
use std::fmt::Write as _;
use std::time::Duration;

/// What the picture spans.
pub(super) const SPAN: Duration = Duration::from_secs(3600);
/// Size of the picture; a browser stretches it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// Jobs that were not done, by lane and time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Chart {
    pub lines: Vec<Line>,
    /// Value at the upper edge.
    pub top: usize,
}

/// One lane.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub name: &'static str,
    /// Class of its colour.
    pub class: &'static str,
    /// Outline, and the area below it, as SVG paths.
    pub outline: String,
    pub area: String,
    pub last: usize,
    pub most: usize,
}

/// Draw these samples, which are in the order of time.
pub(super) fn of(samples: &[Sample]) -> Chart {
    let Some(end) = samples.last().map(|sample| sample.taken_at) else {
        return Chart::default();
    };
    let top = round_up(samples.iter().map(jobs).max().unwrap_or(0));
    let line = |(lane, class)| line(samples, lane, class, end, top);
    let classes = ["one", "two", "three", "four"];
    Chart {
        lines: WorkLane::ALL.into_iter().zip(classes).map(line).collect(),
        top,
    }
}

fn jobs(sample: &Sample) -> usize {
    sample.depth.ready + sample.depth.running + sample.depth.scheduled
}

fn line(samples: &[Sample], lane: WorkLane, class: &'static str, end: DateTime<Utc>, top: usize) -> Line {
    let own: Vec<&Sample> = samples.iter().filter(|sample| sample.lane == lane).collect();
    let place = |sample: &Sample| {
        let before = (end - sample.taken_at).as_seconds_f64();
        let x = WIDTH * (1.0 - before / SPAN.as_secs_f64());
        let y = HEIGHT * (1.0 - jobs(sample) as f64 / top as f64);
        (x, y)
    };
    let mut outline = String::new();
    let mut area = String::new();
    // Nobody kept samples meanwhile: what is not known is not drawn.
    let gap = |earlier: &&Sample, later: &&Sample| {
        (later.taken_at - earlier.taken_at).as_seconds_f64() > 3.0 * EVERY.as_secs_f64()
    };
    for part in own.chunk_by(|earlier, later| !gap(earlier, later)) {
        let points: Vec<(f64, f64)> = part.iter().map(|sample| place(sample)).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let path = path.join("L");
        let (first, last) = (points[0].0, points[points.len() - 1].0);
        // Writing to a string cannot fail.
        let _ = write!(outline, "M{path}");
        let _ = write!(area, "M{first:.1} {HEIGHT}L{path}L{last:.1} {HEIGHT}Z");
    }
    Line {
        name: lane.name(),
        class,
        outline,
        area,
        last: own.last().map_or(0, |sample| jobs(sample)),
        most: own.iter().map(|sample| jobs(sample)).max().unwrap_or(0),
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn round_up(most: usize) -> usize {
    let mut step = 1;
    loop {
        if let Some(top) = [1, 2, 5]
            .map(|times| times * step)
            .into_iter()
            .find(|top| *top >= most)
        {
            return top;
        }
        step *= 10;
    }
}

impl Chart {
    /// What it shows, in words.
    pub(super) fn words(&self) -> String {
        let busy = self.lines.iter().filter(|line| line.most > 0);
        let told: Vec<String> = busy
            .map(|line| format!("{} at most {}, last {}", line.name, line.most, line.last))
            .collect();
        match told.is_empty() {
            true => "Nothing waited in the queues.".to_owned(),
            false => format!("Jobs in the queues: {}.", told.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_shared::queue::Depth;

    fn sample(seconds: i64, lane: WorkLane, ready: usize) -> Sample {
        Sample {
            taken_at: DateTime::UNIX_EPOCH + chrono::Duration::seconds(seconds),
            lane,
            depth: Depth {
                ready,
                ..Depth::default()
            },
        }
    }

    #[test]
    fn chart_ends_with_the_last_sample_and_its_top_is_a_round_number() {
        let samples = [
            sample(1800, WorkLane::Live, 0),
            sample(1815, WorkLane::Live, 7),
            sample(3600, WorkLane::Live, 3),
            sample(3600, WorkLane::Bulk, 40),
        ];
        let chart = of(&samples);
        assert_eq!(chart.top, 50);
        let live = &chart.lines[0];
        assert_eq!((live.name, live.last, live.most), ("live", 3, 7));
        // Two parts: between them nothing is known.
        assert_eq!(live.outline, "M300.0 140.0L302.5 120.4M600.0 131.6");
        assert_eq!(
            chart.words(),
            "Jobs in the queues: live at most 7, last 3; bulk at most 40, last 40."
        );
    }

    #[test]
    fn chart_without_samples_or_jobs_says_so() {
        assert_eq!(of(&[]), Chart::default());
        let chart = of(&[sample(0, WorkLane::Live, 0)]);
        assert_eq!(
            (chart.top, chart.words().as_str()),
            (1, "Nothing waited in the queues.")
        );
    }

    #[test]
    fn round_up_goes_to_the_next_of_one_two_and_five() {
        assert_eq!(
            [0, 1, 3, 5, 6, 21, 501, 1000].map(round_up),
            [1, 1, 5, 5, 10, 50, 1000, 1000]
        );
    }
}
