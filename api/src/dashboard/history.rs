//! What became of a person or team, entry by entry: who wrote it, and what changed from what to what.

use super::documents::{Person, Team, plain, words};
use super::filters;
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Entries in a page.
pub(super) const PAGE: &str = "50";

/// A page of history as the operator API answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    history: Vec<Entry>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    at: DateTime<Utc>,
    cause: String,
    changes: Vec<Change>,
    receipt: Option<Receipt>,
    asserted_by: Option<Receipt>,
    mapping_version: i32,
    run: Option<Uuid>,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    old: Value,
    new: Value,
}

/// An accepted write.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub txn: Uuid,
    pub index: i32,
    pub accepted_at: DateTime<Utc>,
    pub token: Option<Writer>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Writer {
    pub name: String,
    pub source: String,
}

impl Receipt {
    /// As it is asked for.
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.txn, self.index)
    }
}

impl Writer {
    pub(super) fn called(&self) -> &str {
        if self.name.is_empty() {
            &self.source
        } else {
            &self.name
        }
    }
}

/// A part of a value, which may be somebody or some team.
struct Told {
    text: String,
    link: Option<String>,
}

impl Change {
    fn name(&self) -> String {
        words(&self.field)
    }

    fn was(&self) -> Vec<Told> {
        told(&self.old)
    }

    fn is(&self) -> Vec<Told> {
        told(&self.new)
    }
}

impl Entry {
    /// What brought it about.
    fn reason(&self) -> &str {
        match self.cause.as_str() {
            "apply" => "Applied",
            "link" => "A link settled",
            "run" => "A run repaired it",
            other => other,
        }
    }
}

fn told(value: &Value) -> Vec<Told> {
    match value {
        Value::Null => vec![],
        Value::Array(values) => values.iter().flat_map(told).collect(),
        Value::Object(_) => {
            let person = serde_json::from_value::<Person>(value.clone()).ok();
            let person = person.filter(|_| value.get("login").is_some());
            let team = serde_json::from_value::<Team>(value.clone()).ok();
            match (person, team) {
                (Some(person), _) => vec![Told {
                    text: person.name(),
                    link: Some(format!("/people/{}", person.id)),
                }],
                (None, Some(team)) if team.id.is_some() => vec![Told {
                    text: team.name(),
                    link: team.id.map(|id| format!("/teams/{id}")),
                }],
                _ => vec![Told {
                    text: plain(value),
                    link: None,
                }],
            }
        }
        value => vec![Told {
            text: plain(value),
            link: None,
        }],
    }
}

/// The timeline; `older` is the address of the page before.
#[derive(Template)]
#[template(path = "history.html")]
pub(super) struct Timeline {
    entries: Vec<Entry>,
    older: Option<String>,
}

impl askama::filters::HtmlSafe for Timeline {}

impl Timeline {
    /// Of the subject whose page is `path`.
    pub(super) fn new(page: Page, path: &str) -> Timeline {
        Timeline {
            entries: page.history,
            older: page
                .next_cursor
                .map(|cursor| format!("{path}?before={cursor}#history")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_lead_to_people_and_teams_where_they_are_some() {
        let (ada, sales) = (Uuid::new_v4(), Uuid::new_v4());
        let value = json!([
            { "id": ada, "displayName": null, "login": "ada" },
            { "id": sales, "kind": "group", "name": "Sales" },
            "plain",
            null,
        ]);
        let told: Vec<(String, Option<String>)> = told(&value)
            .into_iter()
            .map(|told| (told.text, told.link))
            .collect();
        let wanted = [
            ("ada".to_owned(), Some(format!("/people/{ada}"))),
            ("Sales".to_owned(), Some(format!("/teams/{sales}"))),
            ("plain".to_owned(), None),
        ];
        assert_eq!(told, wanted);
    }
}
