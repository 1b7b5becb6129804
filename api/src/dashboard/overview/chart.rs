//! The last hour as pictures: what was in the queues, and how fast everything went.

use crate::dashboard::filters::{grouped, per_second};
use chrono::{DateTime, Utc};
use rollcall_shared::directory::WorkLane;
use rollcall_shared::store::queue_samples::{EVERY, PaceSample, Sample};
use std::fmt::Write as _;
use std::time::Duration;

/// What a picture spans.
pub(super) const SPAN: Duration = Duration::from_secs(3600);
/// Size of a picture; a browser stretches it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// Figures by time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Chart {
    /// None: nothing is known.
    pub lines: Vec<Line>,
    /// Value at the upper edge.
    pub top: String,
    /// What it shows, in words.
    pub words: String,
}

/// How one figure went.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub name: &'static str,
    /// Class of its colour.
    pub class: &'static str,
    /// Outline, and the area below it, as SVG paths.
    pub outline: String,
    pub area: String,
    pub last: String,
    pub most: String,
}

/// What a line is drawn from, in the order of time.
struct Series {
    name: &'static str,
    class: &'static str,
    points: Vec<(DateTime<Utc>, f64)>,
}

/// What all lines of a picture share.
struct Scale {
    /// The least the upper edge stands for.
    least: f64,
    show: fn(f64) -> String,
    /// What the lines tell, and what it means when all of them are empty.
    about: &'static str,
    nothing: &'static str,
}

/// Jobs that were not done, by lane and time.
pub(super) fn of_queues(samples: &[Sample]) -> Chart {
    let jobs = |sample: &Sample| sample.depth.ready + sample.depth.running + sample.depth.scheduled;
    let series = |(lane, class): (WorkLane, _)| {
        let own = samples.iter().filter(|sample| sample.lane == lane);
        Series {
            name: lane.name(),
            class,
            points: own.map(|sample| (sample.taken_at, jobs(sample) as f64)).collect(),
        }
    };
    let classes = ["one", "two", "three", "four"];
    let series: Vec<Series> = WorkLane::ALL.into_iter().zip(classes).map(series).collect();
    let scale = Scale {
        least: 1.0,
        show: |jobs| grouped(jobs as i64),
        about: "Jobs in the queues",
        nothing: "Nothing waited in the queues.",
    };
    draw(&series, &scale)
}

/// Accepted and applied per second, by time.
pub(super) fn of_pace(samples: &[PaceSample]) -> Chart {
    let series = |name, class, figure: fn(&PaceSample) -> f64| Series {
        name,
        class,
        points: samples
            .iter()
            .map(|sample| (sample.taken_at, figure(sample)))
            .collect(),
    };
    let series = [
        series("accepted", "two", PaceSample::accepted_per_second),
        series("applied", "one", PaceSample::applied_per_second),
    ];
    let scale = Scale {
        least: 0.1,
        show: per_second,
        about: "Per second",
        nothing: "Nothing was accepted or applied.",
    };
    draw(&series, &scale)
}

fn draw(series: &[Series], scale: &Scale) -> Chart {
    let points = || series.iter().flat_map(|series| &series.points);
    let Some(end) = points().map(|(at, _)| *at).max() else {
        return Chart::default();
    };
    let top = round_up(points().map(|(_, value)| *value).fold(0.0, f64::max), scale.least);
    Chart {
        lines: series
            .iter()
            .map(|series| line(series, scale, end, top))
            .collect(),
        top: (scale.show)(top),
        words: words(series, scale),
    }
}

fn line(series: &Series, scale: &Scale, end: DateTime<Utc>, top: f64) -> Line {
    let place = |(at, value): &(DateTime<Utc>, f64)| {
        let before = (end - at).as_seconds_f64();
        let x = WIDTH * (1.0 - before / SPAN.as_secs_f64());
        (x, HEIGHT * (1.0 - value / top))
    };
    let mut outline = String::new();
    let mut area = String::new();
    // Nobody kept samples meanwhile: what is not known is not drawn.
    let gap = |earlier: DateTime<Utc>, later: DateTime<Utc>| {
        (later - earlier).as_seconds_f64() > 3.0 * EVERY.as_secs_f64()
    };
    let parts = series.points.chunk_by(|earlier, later| !gap(earlier.0, later.0));
    for part in parts {
        let points: Vec<(f64, f64)> = part.iter().map(place).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let path = path.join("L");
        let (first, last) = (points[0].0, points[points.len() - 1].0);
        // Writing to a string cannot fail.
        let _ = write!(outline, "M{path}");
        let _ = write!(area, "M{first:.1} {HEIGHT}L{path}L{last:.1} {HEIGHT}Z");
    }
    Line {
        name: series.name,
        class: series.class,
        outline,
        area,
        last: (scale.show)(series.last()),
        most: (scale.show)(series.most()),
    }
}

impl Series {
    fn last(&self) -> f64 {
        self.points.last().map_or(0.0, |(_, value)| *value)
    }

    fn most(&self) -> f64 {
        self.points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
    }
}

fn words(series: &[Series], scale: &Scale) -> String {
    let show = scale.show;
    let busy = series.iter().filter(|series| series.most() > 0.0);
    let told: Vec<String> = busy
        .map(|series| {
            let (most, last) = (show(series.most()), show(series.last()));
            format!("{} at most {most}, last {last}", series.name)
        })
        .collect();
    match told.is_empty() {
        true => scale.nothing.to_owned(),
        false => format!("{}: {}.", scale.about, told.join("; ")),
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on, times `least`.
fn round_up(most: f64, least: f64) -> f64 {
    let mut step = least;
    loop {
        let tops = [1.0, 2.0, 5.0].map(|times| times * step);
        if let Some(top) = tops.into_iter().find(|top| *top >= most) {
            return top;
        }
        step *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_shared::queue::Depth;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::seconds(seconds)
    }

    fn sample(seconds: i64, lane: WorkLane, ready: usize) -> Sample {
        let depth = Depth {
            ready,
            ..Depth::default()
        };
        let taken_at = at(seconds);
        Sample {
            taken_at,
            lane,
            depth,
        }
    }

    fn pace(seconds: i64, accepted: i64, applied: i64) -> PaceSample {
        PaceSample {
            taken_at: at(seconds),
            accepted,
            applied,
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
        let chart = of_queues(&samples);
        assert_eq!(chart.top, "50");
        let live = &chart.lines[0];
        assert_eq!(
            (live.name, live.last.as_str(), live.most.as_str()),
            ("live", "3", "7")
        );
        // Two parts: between them nothing is known.
        assert_eq!(live.outline, "M300.0 140.0L302.5 120.4M600.0 131.6");
        assert_eq!(
            chart.words,
            "Jobs in the queues: live at most 7, last 3; bulk at most 40, last 40."
        );
    }

    #[test]
    fn pace_is_told_per_second_with_what_is_less_than_one() {
        let chart = of_pace(&[pace(3585, 18_000, 30), pace(3600, 3, 0)]);
        assert_eq!(chart.top, "2,000");
        let [accepted, applied] = &chart.lines[..] else {
            panic!("{chart:?}");
        };
        assert_eq!(
            (accepted.name, accepted.last.as_str(), accepted.most.as_str()),
            ("accepted", "0.2", "1,200")
        );
        assert_eq!(accepted.outline, "M597.5 56.0L600.0 140.0");
        assert_eq!(
            (applied.name, applied.last.as_str(), applied.most.as_str()),
            ("applied", "0", "2.0")
        );
        assert_eq!(
            chart.words,
            "Per second: accepted at most 1,200, last 0.2; applied at most 2.0, last 0."
        );
        assert_eq!(of_pace(&[pace(0, 4, 0)]).top, "0.5");
    }

    #[test]
    fn chart_without_samples_or_jobs_says_so() {
        assert_eq!(of_queues(&[]), Chart::default());
        assert_eq!(of_pace(&[]), Chart::default());
        let chart = of_queues(&[sample(0, WorkLane::Live, 0)]);
        assert_eq!(
            (chart.top.as_str(), chart.words.as_str()),
            ("1", "Nothing waited in the queues.")
        );
        let chart = of_pace(&[pace(0, 0, 0)]);
        assert_eq!(
            (chart.top.as_str(), chart.words.as_str()),
            ("0.1", "Nothing was accepted or applied.")
        );
    }

    #[test]
    fn round_up_goes_to_the_next_of_one_two_and_five() {
        let most = [0.0, 1.0, 3.0, 5.0, 6.0, 21.0, 501.0, 1000.0];
        assert_eq!(
            most.map(|most| round_up(most, 1.0)),
            [1.0, 1.0, 5.0, 5.0, 10.0, 50.0, 1000.0, 1000.0]
        );
        assert_eq!([0.0, 0.3, 4.1].map(|most| round_up(most, 0.1)), [0.1, 0.5, 5.0]);
    }
}
