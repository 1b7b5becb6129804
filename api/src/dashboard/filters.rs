//! How templates show values. A module that derives a template imports this one.
#![expect(
    unreachable_pub,
    reason = "what askama makes of a filter has public functions"
)]

use askama::filters::Safe;
use askama::{Result, Values};
use chrono::{DateTime, Utc};

/// The address of a file of ours: `{{ "rollcall.css"|asset }}`.
#[askama::filter_fn]
pub(super) fn asset(name: &str, _: &dyn Values) -> Result<String> {
    Ok(super::assets::address(name))
}

/// A count, in groups of three digits: `12,345`.
#[askama::filter_fn]
pub(super) fn number<T: Figure>(count: T, _: &dyn Values) -> Result<String> {
    Ok(grouped(count.figure() as i64))
}

/// A moment. Without the script it is told in UTC, with it as long ago, with its date at hand.
#[askama::filter_fn]
pub(super) fn moment(at: &DateTime<Utc>, _: &dyn Values) -> Result<Safe<String>> {
    let machine = at.format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let people = at.format("%-d %b %Y, %H:%M:%S UTC");
    Ok(Safe(format!(r#"<time datetime="{machine}">{people}</time>"#)))
}

/// A length of time in seconds, as precise as people care: `40 ms`, `3.2 s`, `4 min`, `2 h`, `3 d`.
#[askama::filter_fn]
pub(super) fn duration<T: Figure>(seconds: T, _: &dyn Values) -> Result<String> {
    Ok(spoken(seconds.figure()))
}

/// How many per second a minute's count is: `0`, `0.3`, `48`, `1,200`.
#[askama::filter_fn]
pub(super) fn rate<T: Figure>(in_a_minute: T, _: &dyn Values) -> Result<String> {
    Ok(per_second(in_a_minute.figure() / 60.0))
}

/// Whatever is counted or measured, however a template gets at it.
pub(super) trait Figure {
    fn figure(&self) -> f64;
}

impl Figure for f64 {
    fn figure(&self) -> f64 {
        *self
    }
}

impl Figure for i64 {
    fn figure(&self) -> f64 {
        *self as f64
    }
}

impl Figure for i32 {
    fn figure(&self) -> f64 {
        f64::from(*self)
    }
}

impl Figure for usize {
    fn figure(&self) -> f64 {
        *self as f64
    }
}

impl<T: Figure> Figure for &T {
    fn figure(&self) -> f64 {
        (*self).figure()
    }
}

pub(super) fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match count < 0 {
        true => format!("−{text}"),
        false => text,
    }
}

pub(super) fn per_second(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        few if few < 0.1 => "< 0.1".to_owned(),
        some if some < 9.95 => format!("{some:.1}"),
        many => grouped(many.round() as i64),
    }
}

pub(super) fn spoken(seconds: f64) -> String {
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", s.max(0.0) * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s if s < 119.5 * 60.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouped_counts_have_commas_between_thousands() {
        let shown = [0, 7, 999, 1000, 12_345, 1_000_000, -4_321].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,000,000", "−4,321"]);
    }

    #[test]
    fn spoken_durations_are_as_precise_as_people_care() {
        let seconds = [
            0.0, 0.041, 0.0999, 3.21, 9.96, 61.0, 120.0, 7_170.0, 100_000.0, 200_000.0,
        ];
        let shown = seconds.map(spoken);
        let wanted = [
            "0 ms", "41 ms", "0.1 s", "3.2 s", "10 s", "61 s", "2 min", "2 h", "28 h", "2 d",
        ];
        assert_eq!(shown, wanted);
    }
}
