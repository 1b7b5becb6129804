//! What a change of the directory says to people.

use chrono::{DateTime, Utc};
use rollcall_shared::store::live::{Applied, Named};

/// A change in words: the person, what happened, the team.
#[derive(Debug, PartialEq)]
pub(super) struct Sentence {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// What it is like, in a word, and the class of the badge.
    pub kind: (&'static str, &'static str),
    pub person: Option<Named>,
    pub what: String,
    pub team: Option<Named>,
}

pub(super) fn of(applied: &Applied) -> Sentence {
    let (kind, what) = told(applied);
    let named = |named: &Option<Named>, nameless: &str| {
        named.clone().map(|named| Named {
            name: if named.name.is_empty() {
                nameless.to_owned()
            } else {
                named.name
            },
            ..named
        })
    };
    Sentence {
        id: applied.id,
        at: applied.at,
        kind,
        person: named(&applied.person, "somebody without a name"),
        what,
        team: named(&applied.team, "a team without a name"),
    }
}

type Kind = (&'static str, &'static str);

fn told(applied: &Applied) -> (Kind, String) {
    let changed = || match fields(applied) {
        fields if fields.is_empty() => "changed".to_owned(),
        fields => format!("changed: {fields}"),
    };
    if let (Some(_), Some(_)) = (&applied.person, &applied.team) {
        return match applied.left {
            true => (("leave", ""), "left".to_owned()),
            false => (("join", "ok"), "joined".to_owned()),
        };
    }
    let status = applied
        .status
        .as_ref()
        .map(|(old, new)| (old.as_deref(), new.as_deref()));
    match (status, applied.cause.as_str()) {
        _ if applied.made => (("new", "ok"), "is a new team".to_owned()),
        _ if applied.deleted => (("gone", "bad"), "was deleted".to_owned()),
        (_, "erase") => (("erased", "warn"), "was erased".to_owned()),
        (Some((None, Some(_))), _) => (("new", "ok"), "is new".to_owned()),
        (Some((_, Some("deprovisioned"))), _) => (("gone", "bad"), "was deprovisioned".to_owned()),
        (Some((_, Some("deactivated"))), _) => (("inactive", "warn"), "was deactivated".to_owned()),
        (Some((Some("deprovisioned"), Some("active"))), _) => (("back", "ok"), "is back".to_owned()),
        (Some((_, Some("active"))), _) => (("active", "ok"), "is active again".to_owned()),
        (_, "link") => (("link", "busy"), format!("was linked: {}", fields(applied))),
        (_, "run") => (("repair", "warn"), format!("was put right: {}", fields(applied))),
        _ => (("change", ""), changed()),
    }
}

/// Names of fields as people read them: `reporting manager`, not `reporting_manager`.
fn fields(applied: &Applied) -> String {
    let own = |field: &&String| field.as_str() != "resource_id";
    let names: Vec<String> = applied
        .fields
        .iter()
        .filter(own)
        .map(|field| field.replace('_', " "))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn applied() -> Applied {
        Applied {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            cause: "apply".to_owned(),
            person: Some(Named {
                id: Uuid::nil(),
                name: String::new(),
            }),
            team: None,
            fields: vec![
                "position".to_owned(),
                "resource_id".to_owned(),
                "start_date".to_owned(),
            ],
            status: None,
            left: false,
            made: false,
            deleted: false,
            txn: None,
        }
    }

    fn team() -> Option<Named> {
        let (id, name) = (Uuid::nil(), "Sales".to_owned());
        Some(Named { id, name })
    }

    fn what(change: impl FnOnce(&mut Applied)) -> String {
        let mut applied = applied();
        change(&mut applied);
        of(&applied).what
    }

    #[test]
    fn sentence_tells_what_happened_by_names_of_fields() {
        let status = |old: Option<&str>, new: &str| {
            let change = Some((old.map(str::to_owned), Some(new.to_owned())));
            what(|applied| applied.status = change)
        };
        assert_eq!(what(|_| {}), "changed: position, start date");
        assert_eq!(status(None, "active"), "is new");
        assert_eq!(status(Some("active"), "deactivated"), "was deactivated");
        assert_eq!(status(Some("deactivated"), "active"), "is active again");
        assert_eq!(status(Some("deprovisioned"), "active"), "is back");
        assert_eq!(status(Some("active"), "deprovisioned"), "was deprovisioned");
        let cause = |cause: &str| what(|applied| applied.cause = cause.to_owned());
        assert_eq!(cause("run"), "was put right: position, start date");
        assert_eq!(cause("link"), "was linked: position, start date");
        assert_eq!(cause("erase"), "was erased");
    }

    #[test]
    fn sentence_of_a_team_tells_who_came_and_went() {
        assert_eq!(what(|applied| applied.team = team()), "joined");
        assert_eq!(
            what(|applied| (applied.team, applied.left) = (team(), true)),
            "left"
        );
        let of_team = |made, deleted| {
            what(|applied| {
                applied.person = None;
                (applied.team, applied.made, applied.deleted) = (team(), made, deleted);
            })
        };
        assert_eq!(of_team(true, false), "is a new team");
        assert_eq!(of_team(false, true), "was deleted");
        let nameless = of(&applied()).person.map(|person| person.name);
        assert_eq!(nameless.as_deref(), Some("somebody without a name"));
    }
}
