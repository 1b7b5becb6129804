//! A link of a person or team: where it leads, or what it waits for and what would help.

use super::documents::{Person, Team, words};
use super::history::Receipt;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A link as the operator API tells of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Link {
    slot: String,
    pub state: String,
    pub reference: Option<String>,
    reason: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub attempts: Option<i64>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub stale: bool,
    flag: Option<String>,
    by: Option<String>,
    field: Option<String>,
    pub person: Option<Person>,
    pub team: Option<Team>,
    pub nearest: Option<Near>,
    pub held_by: Vec<Near>,
    pub waits_for_person: Option<Person>,
    pub waits_for_team: Option<Team>,
    pub asserted_by: Option<Receipt>,
}

/// Somebody a reference nearly means, or one of those who share it.
#[derive(Deserialize)]
pub(super) struct Near {
    pub attribute: String,
    pub value: Option<String>,
    pub person: Option<Person>,
}

impl Link {
    pub(super) fn slot(&self) -> String {
        words(&self.slot)
    }

    pub(super) fn waits(&self) -> bool {
        self.state == "waiting"
    }

    pub(super) fn is_of_team(&self) -> bool {
        matches!(self.slot.as_str(), "team" | "member")
    }

    /// What it was named as, where it leads somewhere that is called otherwise.
    pub(super) fn named(&self) -> Option<&str> {
        let elsewhere = self.person.is_some() || self.team.is_some() || self.waits_for_person.is_some();
        self.reference.as_deref().filter(|_| elsewhere)
    }

    /// What the state is shown as.
    pub(super) fn mood(&self) -> &'static str {
        match self.state.as_str() {
            "linked" if self.flag.is_some() => "warn",
            "linked" => "ok",
            "rejected" => "bad",
            _ => "warn",
        }
    }

    /// Why it is as it is, in a sentence.
    pub(super) fn why(&self) -> String {
        match (self.state.as_str(), self.reason.as_deref()) {
            ("rejected", reason) => {
                let field = self.field.as_deref().map(words).unwrap_or_default();
                format!("{field}: {}", reason.unwrap_or("the value cannot be used"))
            }
            (_, Some("missing")) => {
                "Nobody known has this as an id, login, e-mail address or number.".to_owned()
            }
            (_, Some("ambiguous")) => "More than one person has it; it is never guessed.".to_owned(),
            (_, Some("not_applied")) => "It is known who, but they are not in the directory yet.".to_owned(),
            (_, Some("deprovisioned")) => "It is known who, but they were deleted at the source.".to_owned(),
            (_, Some(reason)) => words(reason),
            _ => match (self.flag.as_deref(), self.by.as_deref()) {
                (Some("self"), _) => "Leads to itself; kept as it was asserted.".to_owned(),
                (Some(flag), _) => format!("Is part of a {flag}; kept as it was asserted."),
                (None, Some("member")) => "The group names this person.".to_owned(),
                (None, Some(by)) => format!("By the rule {}.", words(by)),
                (None, None) => String::new(),
            },
        }
    }
}
