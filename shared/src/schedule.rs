//! When schedules fire. Pure: what time it is now is for the caller to say.
//!
//! A tick is a point in time at which a cron expression matches the clock of a time zone. Where
//! the clock is put forward over a fixed time of day, the tick is the first moment after the gap;
//! where it is put back, the first of the two. Expressions that repeat within the hour or every
//! hour go by real time: they leave out the gap, and come in both of the repeated hours.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use std::collections::VecDeque;

/// Longest cron expression, in bytes.
const MAX_CRON: usize = 200;
/// Ticks missed longer ago than this are not told one by one if there are later ones.
const TOLD_DAYS: i64 = 31;
/// Most missed ticks that are told one by one.
const TOLD: usize = 1_000;

/// Why there is no such timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    #[error("must be five fields: minute, hour, day of the month, month and day of the week")]
    Malformed,
    #[error("never comes: there is no such date")]
    Never,
}

/// A cron expression on the clock of a time zone.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
}

/// What is to be done about a tick that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The latest tick there was.
    pub fires: DateTime<Utc>,
    /// Those before it that nobody fired, the newest of them, in order.
    pub skipped: Vec<DateTime<Utc>>,
    /// The first in the future.
    pub next: Option<DateTime<Utc>>,
}

impl Timetable {
    /// Read a cron expression of five fields, or one of the nicknames such as `@daily`.
    ///
    /// # Errors
    /// When it cannot be read, or never comes true.
    pub fn parse(cron: &str, zone: Tz, now: DateTime<Utc>) -> Result<Timetable, TimetableError> {
        let timetable = Timetable::stored(cron, zone)?;
        match timetable.next_tick(now) {
            Some(_) => Ok(timetable),
            None => Err(TimetableError::Never),
        }
    }

    /// As [`Timetable::parse`], of an expression that came true once and may never again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stored(cron: &str, zone: Tz) -> Result<Timetable, TimetableError> {
        if cron.len() > MAX_CRON {
            return Err(TimetableError::Malformed);
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(cron).map_err(|_| TimetableError::Malformed)?;
        Ok(Timetable { cron, zone })
    }

    /// The first tick after this moment.
    pub fn next_tick(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self
            .cron
            .find_next_occurrence(&after.with_timezone(&self.zone), false);
        next.ok().map(|tick| tick.to_utc())
    }

    /// What to do `now`, when the tick `first` is due: of all ticks since, the latest fires.
    pub fn due(&self, first: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let recent = self.next_tick(now - TimeDelta::days(TOLD_DAYS));
        let recent = recent.filter(|tick| *tick <= now);
        let mut fires = recent.map_or(first, |tick| tick.max(first));
        let mut skipped = VecDeque::new();
        loop {
            let next = self.next_tick(fires);
            match next.filter(|tick| *tick <= now) {
                Some(later) => {
                    if skipped.len() == TOLD {
                        skipped.pop_front();
                    }
                    skipped.push_back(std::mem::replace(&mut fires, later));
                }
                None => {
                    return Due {
                        fires,
                        skipped: skipped.into(),
                        next,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn timetable(cron: &str, zone: Tz) -> Timetable {
        Timetable::parse(cron, zone, at("2026-01-01T00:00:00Z")).expect("a timetable")
    }

    /// The ticks between two moments.
    fn ticks(cron: &str, zone: Tz, from: &str, upto: &str) -> Vec<String> {
        let timetable = timetable(cron, zone);
        let ticks = std::iter::successors(timetable.next_tick(at(from)), |tick| timetable.next_tick(*tick));
        ticks
            .take_while(|tick| *tick <= at(upto))
            .map(|tick| tick.format("%dT%H:%M").to_string())
            .collect()
    }

    #[test]
    fn tick_is_told_on_the_clock_of_the_zone() {
        let (from, upto) = ("2026-07-01T00:00:00Z", "2026-07-02T12:00:00Z");
        let two = |zone| ticks("30 2 * * *", zone, from, upto);
        assert_eq!(two(Tz::UTC), ["01T02:30", "02T02:30"]);
        assert_eq!(two(Tz::Europe__Berlin), ["01T00:30", "02T00:30"]);
        assert_eq!(two(Tz::Asia__Kathmandu), ["01T20:45"]);
        assert_eq!(two(Tz::America__New_York), ["01T06:30", "02T06:30"]);
    }

    #[test]
    fn tick_in_the_hour_that_is_left_out_comes_once_after_it() {
        // Berlin, 29 March 2026: 02:00 is 03:00, at 01:00 UTC.
        let (from, upto) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(
            ticks("30 2 * * *", Tz::Europe__Berlin, from, upto),
            ["29T01:00", "30T00:30"]
        );
        // Beirut, 29 March 2026: midnight itself is left out.
        assert_eq!(
            ticks("0 0 * * *", Tz::Asia__Beirut, from, upto),
            ["28T22:00", "29T21:00"]
        );
    }

    #[test]
    fn tick_in_the_hour_that_comes_twice_comes_once() {
        // Berlin, 25 October 2026: 03:00 is 02:00, at 01:00 UTC.
        let (from, upto) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(
            ticks("30 2 * * *", Tz::Europe__Berlin, from, upto),
            ["25T00:30", "26T01:30"]
        );
    }

    #[test]
    fn hourly_ticks_go_by_real_time_when_the_clock_changes() {
        let hours = |from, upto| ticks("0 * * * *", Tz::Europe__Berlin, from, upto);
        let spring = hours("2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z");
        assert_eq!(spring, ["29T00:00", "29T01:00", "29T02:00"]);
        let autumn = hours("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z");
        assert_eq!(autumn, ["25T00:00", "25T01:00", "25T02:00"]);
    }

    #[test]
    fn tick_follows_the_moment_it_is_asked_from_by_any_fraction() {
        let timetable = timetable("*/5 * * * *", Tz::UTC);
        let next = |after: &str| timetable.next_tick(at(after)).expect("a tick");
        assert_eq!(next("2026-01-01T00:04:59.999999Z"), at("2026-01-01T00:05:00Z"));
        assert_eq!(next("2026-01-01T00:05:00Z"), at("2026-01-01T00:10:00Z"));
        assert_eq!(next("2026-01-01T00:05:00.000001Z"), at("2026-01-01T00:10:00Z"));
    }

    #[test]
    fn latest_missed_tick_fires_and_the_others_are_skipped() {
        let timetable = timetable("0 2 * * *", Tz::UTC);
        let due = timetable.due(at("2026-01-05T02:00:00Z"), at("2026-01-08T01:59:00Z"));
        assert_eq!(due.fires, at("2026-01-07T02:00:00Z"));
        assert_eq!(
            due.skipped,
            [at("2026-01-05T02:00:00Z"), at("2026-01-06T02:00:00Z")]
        );
        assert_eq!(due.next, Some(at("2026-01-08T02:00:00Z")));
        let on_time = timetable.due(at("2026-01-05T02:00:00Z"), at("2026-01-05T02:00:00Z"));
        assert_eq!(
            (on_time.fires, on_time.skipped.len()),
            (at("2026-01-05T02:00:00Z"), 0)
        );
    }

    #[test]
    fn ticks_missed_for_a_year_are_told_only_as_far_as_somebody_may_look() {
        let now = at("2027-06-01T12:00:30Z");
        let every_minute = timetable("* * * * *", Tz::UTC);
        let due = every_minute.due(at("2026-06-01T12:00:00Z"), now);
        assert_eq!(due.fires, at("2027-06-01T12:00:00Z"));
        assert_eq!(due.skipped.len(), TOLD);
        assert_eq!(due.skipped.last(), Some(&at("2027-06-01T11:59:00Z")));
        // One that comes rarely is not forgotten, however long ago it was.
        let yearly = timetable("0 0 1 1 *", Tz::UTC);
        let due = yearly.due(at("2026-01-01T00:00:00Z"), now);
        assert_eq!(due.fires, at("2027-01-01T00:00:00Z"));
        assert_eq!(due.skipped, [at("2026-01-01T00:00:00Z")]);
    }

    #[test]
    fn expression_that_cannot_be_read_or_never_comes_is_refused() {
        let parse = |cron: &str| Timetable::parse(cron, Tz::UTC, at("2026-01-01T00:00:00Z")).map(|_| ());
        for cron in [
            "",
            "x",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * * 13 *",
            "0 0 2 * * *",
            "*/0 * * * *",
            "0 0 0 1 1 * 2030",
            "5-1 * * * *",
        ] {
            assert_eq!(parse(cron), Err(TimetableError::Malformed), "{cron}");
        }
        assert_eq!(parse(&" ".repeat(300)), Err(TimetableError::Malformed));
        assert_eq!(parse("0 0 30 2 *"), Err(TimetableError::Never));
        for cron in ["@daily", "15 3 * * MON-FRI", "0 0 L * *", "*/10 8-18 * * 1"] {
            assert_eq!(parse(cron), Ok(()), "{cron}");
        }
    }
}
