//! All is well, or what is not: decided from the figures alone.

use super::snapshot::Snapshot;
use crate::dashboard::filters::{grouped, spoken};
use rollcall_shared::directory::WorkLane;

/// From this age on, in seconds, a change that is not applied is no longer on its way but late.
const LATE: f64 = 60.0;
/// A schedule that is this late, in seconds, did not fire.
const OVERDUE: f64 = 600.0;

/// What an operator sees first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub mood: Mood,
    pub title: String,
    /// What needs attention, one by one, the worst first.
    pub reasons: Vec<Reason>,
    /// What is worth knowing though nothing is wrong.
    pub notes: Vec<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Ok,
    Busy,
    Bad,
}

impl Mood {
    /// The class of the element.
    pub(super) fn class(self) -> &'static str {
        match self {
            Mood::Ok => "ok",
            Mood::Busy => "busy",
            Mood::Bad => "bad",
        }
    }
}

/// A sentence, and where more is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub text: String,
    pub link: Option<&'static str>,
}

fn reason(text: impl Into<String>, link: Option<&'static str>) -> Reason {
    let text = text.into();
    Reason { text, link }
}

/// The verdict on these figures.
pub(super) fn of(now: &Snapshot) -> Verdict {
    let reasons = reasons(now);
    let on_their_way = on_their_way(now);
    let (mood, title) = match (&reasons[..], on_their_way) {
        ([], 0) => (Mood::Ok, "All in step".to_owned()),
        ([], _) => {
            let oldest = spoken(now.backlog.oldest_pending_seconds);
            let title = format!("Catching up: {} to apply, oldest {oldest}", grouped(on_their_way));
            (Mood::Busy, title)
        }
        ([_], _) => (Mood::Bad, "Attention".to_owned()),
        (several, _) => (Mood::Bad, format!("Attention: {} things", several.len())),
    };
    let notes = notes(now);
    Verdict {
        mood,
        title,
        reasons,
        notes,
    }
}

/// Changes that will be applied without anybody doing anything.
fn on_their_way(now: &Snapshot) -> i64 {
    now.backlog.pending - now.backlog.parked - now.backlog.held
}

fn reasons(now: &Snapshot) -> Vec<Reason> {
    let backlog = &now.backlog;
    let mut reasons = vec![];
    match &now.redis {
        None => reasons.push(reason(
            "Redis does not answer: writes are taken, but nothing is applied until it is back.",
            None,
        )),
        Some(redis) if redis.workers == 0 => reasons.push(reason(
            "No worker runs: writes are taken, but nothing is applied until one does.",
            None,
        )),
        Some(redis) if redis.dead() > 0 => {
            let jobs = counted(redis.dead() as i64, "job was", "jobs were");
            let text = format!("{jobs} given up on. Their changes stay pending and are tried again.");
            reasons.push(reason(text, None));
        }
        Some(_) => {}
    }
    if backlog.oldest_pending_seconds > LATE {
        let oldest = spoken(backlog.oldest_pending_seconds);
        let changes = counted(on_their_way(now), "change is", "changes are");
        let text = format!("{changes} to be applied; the oldest waits for {oldest}.");
        reasons.push(reason(text, None));
    }
    for pause in &now.paused {
        let held = match pause.lane {
            WorkLane::Live | WorkLane::Bulk => "changes of it wait until somebody resumes it",
            WorkLane::Links => "waiting links are not tried again",
            WorkLane::Runs => "runs do not go on",
        };
        let text = format!("The lane {} is paused: {held}.", pause.lane.name());
        reasons.push(reason(text, None));
    }
    if backlog.parked > 0 {
        let keys = counted(backlog.parked, "change is", "changes are");
        let text = format!("{keys} set aside, because applying failed again and again.");
        reasons.push(reason(text, None));
    }
    if backlog.rejections > 0 {
        let values = counted(backlog.rejections, "value was", "values were");
        let text = format!("{values} rejected: the directory keeps what was there before.");
        reasons.push(reason(text, Some("/rejections")));
    }
    if backlog.schedule_overdue_seconds > OVERDUE {
        let late = spoken(backlog.schedule_overdue_seconds);
        reasons.push(reason(format!("A schedule is {late} late."), Some("/runs")));
    }
    reasons
}

fn notes(now: &Snapshot) -> Vec<Reason> {
    let waiting = now.waiting();
    let mut notes = vec![];
    if waiting > 0 {
        let links = counted(waiting, "link waits", "links wait");
        let text = format!("{links} for somebody or something that is not there yet.");
        notes.push(reason(text, Some("/waiting")));
    }
    notes
}

fn counted(count: i64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Redis;
    use super::*;
    use chrono::DateTime;
    use rollcall_shared::queue::Depth;
    use rollcall_shared::store::lanes::Pause;
    use rollcall_shared::store::overview::{Backlog, Pace};
    use std::sync::Arc;
    use uuid::Uuid;

    fn quiet() -> Snapshot {
        Snapshot {
            backlog: Backlog::default(),
            pace: Pace::default(),
            counts: None,
            asserted: 0,
            charts: Arc::default(),
            behind: 0,
            last_run: None,
            paused: vec![],
            redis: Some(Redis {
                depths: WorkLane::ALL.map(|lane| (lane, Depth::default())),
                workers: 1,
            }),
        }
    }

    #[test]
    fn nothing_pending_is_all_in_step_and_waiting_links_are_only_noted() {
        let mut now = quiet();
        now.backlog.waiters = vec![(1, 1), (3, 11)];
        let verdict = of(&now);
        assert_eq!((verdict.mood, verdict.title.as_str()), (Mood::Ok, "All in step"));
        assert_eq!(
            verdict.notes[0].text,
            "12 links wait for somebody or something that is not there yet."
        );
        assert_eq!(verdict.notes[0].link, Some("/waiting"));
        assert!(verdict.reasons.is_empty());
    }

    #[test]
    fn pending_changes_are_catching_up_until_the_oldest_is_late() {
        let mut now = quiet();
        now.backlog.pending = 4200;
        now.backlog.oldest_pending_seconds = 3.0;
        let verdict = of(&now);
        let title = "Catching up: 4,200 to apply, oldest 3.0 s";
        assert_eq!((verdict.mood, verdict.title.as_str()), (Mood::Busy, title));
        now.backlog.oldest_pending_seconds = 300.0;
        let verdict = of(&now);
        assert_eq!((verdict.mood, verdict.title.as_str()), (Mood::Bad, "Attention"));
        let text = "4,200 changes are to be applied; the oldest waits for 5 min.";
        assert_eq!(verdict.reasons[0].text, text);
    }

    #[test]
    fn what_needs_attention_is_told_one_by_one() {
        let mut now = quiet();
        now.redis = None;
        now.backlog.pending = 1;
        now.backlog.parked = 1;
        now.backlog.rejections = 1;
        now.backlog.schedule_overdue_seconds = 1200.0;
        let verdict = of(&now);
        assert_eq!(verdict.title, "Attention: 4 things");
        let begins: Vec<&str> = verdict.reasons.iter().map(|reason| &reason.text[..7]).collect();
        assert_eq!(begins, ["Redis d", "1 chang", "1 value", "A sched"]);
        now.redis = quiet().redis.map(|redis| Redis { workers: 0, ..redis });
        assert!(of(&now).reasons[0].text.starts_with("No worker"));
    }

    #[test]
    fn paused_lane_needs_attention_and_what_it_holds_is_not_on_its_way() {
        let mut now = quiet();
        now.backlog.pending = 7;
        now.backlog.held = 7;
        now.paused = vec![Pause {
            lane: WorkLane::Bulk,
            since: DateTime::UNIX_EPOCH,
            token_id: Uuid::nil(),
            token_name: None,
            reason: None,
        }];
        let verdict = of(&now);
        assert_eq!((verdict.mood, verdict.reasons.len()), (Mood::Bad, 1));
        assert!(verdict.reasons[0].text.starts_with("The lane bulk is paused"));
    }
}
