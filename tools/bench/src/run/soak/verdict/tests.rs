use super::super::super::usage::Memory;
use super::super::interval::Table;
use super::*;

const PACE: f64 = 1_000.0;

/// Half an hour in which nothing changes.
fn flat() -> Vec<Interval> {
    let table = |name: &str, bytes, rows| Table {
        name: name.to_owned(),
        bytes,
        rows,
        dead_rows: 0,
    };
    let interval = |number: u32| Interval {
        seconds: 180.0 * f64::from(number),
        per_second: PACE,
        acknowledge_p50: 3.0,
        acknowledge_p99: 20.0,
        applied_p99: 80.0,
        pending: 50.0,
        memory: Memory {
            api: 100.0 * MEGABYTE,
            worker: 200.0 * MEGABYTE,
            redis: 20.0 * MEGABYTE,
        },
        table_bytes: 1,
        index_bytes: 1,
        bytes_per_write: 900.0,
        tables: vec![
            table("pending", 20 << 20, 60),
            table("waiters", 1 << 20, 0),
            table("wakes", 1 << 20, 0),
            table("people", 100 << 20, 100_000),
            table("scim_resources", 200 << 20, 100_000),
        ],
    };
    (1..=10).map(interval).collect()
}

/// The rules that are broken after `change` was made to intervals, given their place from 0.
fn broken(change: impl Fn(usize, &mut Interval)) -> Vec<String> {
    let mut intervals = flat();
    for (place, interval) in intervals.iter_mut().enumerate() {
        change(place, interval);
    }
    let findings = judge(&intervals, PACE).into_iter();
    findings
        .filter(|finding| finding.judged == Judged::Broken)
        .map(|finding| finding.rule)
        .collect()
}

fn table<'a>(interval: &'a mut Interval, name: &str) -> &'a mut Table {
    let tables = &mut interval.tables;
    tables.iter_mut().find(|table| table.name == name).unwrap()
}

#[test]
fn soak_in_which_nothing_grows_holds_every_rule() {
    let findings = judge(&flat(), PACE);
    assert_eq!(findings.len(), 12);
    assert!(
        findings.iter().all(|finding| finding.judged == Judged::Held),
        "{findings:?}"
    );
}

#[test]
fn growth_in_the_first_third_alone_is_forgiven() {
    let grown = broken(|place, interval| {
        if place < 3 {
            interval.memory.worker /= 4.0;
            interval.acknowledge_p99 /= 4.0;
            table(interval, "people").bytes /= 4;
        }
    });
    assert_eq!(grown, Vec::<String>::new());
}

#[test]
fn memory_may_grow_by_a_tenth_and_a_little_and_no_further() {
    let grow = |share: f64| broken(move |place, i| i.memory.worker *= if place >= 6 { share } else { 1.0 });
    assert_eq!(grow(1.13), Vec::<String>::new());
    assert_eq!(grow(1.15), ["memory of the worker"]);
    let small = broken(|place, i| i.memory.redis += if place >= 6 { 9.0 * MEGABYTE } else { 0.0 });
    assert_eq!(small, Vec::<String>::new(), "of 20 MB a few do not matter");
}

#[test]
fn p99_may_grow_by_half_and_no_further() {
    let grow = |share: f64| {
        broken(move |place, i| {
            if place >= 6 {
                i.acknowledge_p99 *= share;
                i.applied_p99 *= share;
            }
        })
    };
    assert_eq!(grow(1.5), Vec::<String>::new());
    assert_eq!(
        grow(1.6),
        ["p99 of acknowledging"],
        "nobody notices 48 ms more until it is applied"
    );
    assert_eq!(grow(2.0), ["p99 of acknowledging", "p99 of applying"]);
}

#[test]
fn one_bad_interval_of_the_last_third_breaks_nothing() {
    let once = broken(|place, interval| {
        if place == 8 {
            interval.acknowledge_p99 *= 50.0;
            interval.pending *= 1_000.0;
        }
    });
    assert_eq!(once, Vec::<String>::new());
}

#[test]
fn backlog_may_grow_by_a_second_of_writes_and_no_further() {
    let grow = |more: f64| broken(move |place, i| i.pending += if place >= 6 { more } else { 0.0 });
    assert_eq!(grow(PACE), Vec::<String>::new());
    assert_eq!(grow(PACE + 1.0), ["backlog"]);
}

#[test]
fn table_may_grow_with_its_rows_and_not_without() {
    let grow = |rows: i64| {
        broken(move |place, interval| {
            if place >= 6 {
                let people = table(interval, "people");
                people.bytes += 30 << 20;
                people.rows += rows;
            }
        })
    };
    assert_eq!(grow(20_000), Vec::<String>::new());
    assert_eq!(grow(0), ["size of people"]);
}

#[test]
fn rows_that_come_and_go_do_not_explain_a_table_far_larger_than_they() {
    let grown = broken(|place, interval| {
        if place >= 6 {
            let pending = table(interval, "pending");
            pending.bytes += 40 << 20;
            pending.rows *= 10;
        }
    });
    assert_eq!(grown, ["size of pending"]);
}

#[test]
fn tables_of_a_short_soak_are_not_judged() {
    let mut intervals = flat();
    for interval in &mut intervals {
        interval.seconds /= 30.0;
    }
    let findings = judge(&intervals, PACE);
    let not = findings.iter().filter(|finding| finding.judged == Judged::No);
    assert_eq!(not.count(), CHURNED.len());
}

#[test]
fn pace_that_is_not_kept_is_told() {
    assert_eq!(broken(|_, interval| interval.per_second = 970.0), ["pace"]);
}

#[test]
fn figure_that_is_missing_is_not_held() {
    assert_eq!(
        broken(|_, interval| interval.tables.retain(|table| table.name != "wakes")),
        ["size of wakes"]
    );
}
