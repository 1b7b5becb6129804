use super::client::encoded;
use super::lists::{nearest, who};
use super::output::{Column, text, time};
use super::{Failed, Session};
use clap::Args;
use serde_json::Value;
use uuid::Uuid;

const FOUND: &[Column] = &[
    ("ID", |person| text(person, "/id")),
    ("NAME", |person| text(person, "/displayName")),
    ("LOGIN", |person| text(person, "/login")),
    ("E-MAIL", |person| text(person, "/email")),
    ("STATUS", |person| text(person, "/status")),
];

const LINKS: &[Column] = &[
    ("LINK", |link| text(link, "/slot")),
    ("STATE", |link| text(link, "/state")),
    ("TO", to),
    ("WHY", why),
    ("SINCE", |link| time(link, "/since")),
    ("TRIED", |link| text(link, "/attempts")),
    ("NEXT TRY", |link| time(link, "/nextAttemptAt")),
    ("NEAREST", nearest),
];

#[derive(Args)]
pub(super) struct Person {
    /// An id, or the beginning of a login, e-mail address, externalId or employee number, or a part of the name.
    /// With --json: the person on one line, their links on the next
    #[arg(value_name = "WHO")]
    key: String,
}

impl Person {
    /// # Errors
    /// When nobody or more than one is meant; when the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let id = match Uuid::try_parse(&self.key) {
            Ok(id) => id.to_string(),
            Err(_) => self.the_one(session)?,
        };
        let person = session.client.get(&format!("/people/{id}"))?;
        let links = session.client.get(&format!("/people/{id}/links"))?;
        if session.output.document(&person)? {
            session.output.document(&links)?;
            return Ok(());
        }
        match &person.body["person"] {
            Value::Null => session.output.line("Accepted, and not in the directory yet.")?,
            person => session.output.values(person)?,
        }
        if let Some(pending @ 1..) = person.body["pendingChanges"].as_u64() {
            session.output.line(&format!("changes to apply  {pending}"))?;
        }
        session.output.line("")?;
        let links = links.body["links"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if links.is_empty() {
            return session.output.line("No managers and no teams.");
        }
        let rows = links
            .iter()
            .map(|link| LINKS.iter().map(|(_, cell)| cell(link)).collect());
        let titles: Vec<&str> = LINKS.iter().map(|(title, _)| *title).collect();
        session.output.table(&titles, rows.collect())
    }

    fn the_one(&self, session: &Session) -> anyhow::Result<String> {
        let found = session
            .client
            .get(&format!("/people?q={}&count=20", encoded(&self.key)))?;
        let people = found.body["people"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        match people {
            [] => Err(Failed::Refused("nobody is found by that".to_owned()).into()),
            [person] => Ok(text(person, "/id")),
            several => {
                let rows = several
                    .iter()
                    .map(|person| FOUND.iter().map(|(_, cell)| cell(person)).collect());
                let titles: Vec<&str> = FOUND.iter().map(|(title, _)| *title).collect();
                if !session.output.json {
                    session.output.table(&titles, rows.collect())?;
                }
                let detail = format!("{} people are found by that; name one by id", several.len());
                Err(Failed::Refused(detail).into())
            }
        }
    }
}

fn to(link: &Value) -> String {
    match (&link["person"], &link["team"]) {
        (Value::Object(_), _) => who(&link["person"]),
        (_, Value::Object(_)) => format!("{} {}", text(link, "/team/kind"), text(link, "/team/name")),
        _ => text(link, "/reference"),
    }
}

fn why(link: &Value) -> String {
    match link["state"].as_str() {
        Some("waiting") => format!("{}: {}", text(link, "/reason"), text(link, "/reference")),
        Some("rejected") => format!("{}: {}", text(link, "/field"), text(link, "/reason")),
        _ if link["flag"].is_string() => text(link, "/flag"),
        _ if link["reference"].is_string() => format!("by {}", text(link, "/reference")),
        _ => format!("by {}", text(link, "/by")),
    }
}
