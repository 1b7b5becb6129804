//! What people and machines read.

use super::{Session, client::Answer};
use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use console::Term;
use serde_json::Value;
use std::io::Write as _;

/// Items in a table when nobody says how many.
const USUAL: usize = 100;

/// A column of a table: its title, and what it shows of an item.
pub(super) type Column = (&'static str, fn(&Value) -> String);

pub(super) struct Output {
    pub json: bool,
    /// Of the terminal; `None` when it goes to a file or another program.
    width: Option<u16>,
}

impl Output {
    pub(super) fn new(json: bool) -> Output {
        let terminal = Term::stdout();
        Output {
            json,
            width: terminal.is_term().then(|| terminal.size().1),
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.width.is_some()
    }

    /// A line on stdout.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(super) fn line(&self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    }

    /// The answer as it came, if a machine reads it.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(super) fn document(&self, answer: &Answer) -> anyhow::Result<bool> {
        if self.json {
            self.line(answer.text.trim_end())?;
        }
        Ok(self.json)
    }

    /// Rows under titles, as wide as the terminal; elsewhere each row is one line.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(super) fn table(&self, titles: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if let Some(width) = self.width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        if !titles.is_empty() {
            table.set_header(titles.iter().copied());
        }
        table.add_rows(rows);
        if let Some(last) = table.column_count().checked_sub(1) {
            for (index, column) in table.column_iter_mut().enumerate() {
                column.set_padding((0, if index == last { 0 } else { 2 }));
            }
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Everything a document says, a line for each value that is there: `people.active  120`.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(super) fn values(&self, document: &Value) -> anyhow::Result<()> {
        let mut rows = vec![];
        flatten("", document, &mut rows);
        self.table(&[], rows)
    }
}

impl Session {
    /// A list: its items as lines of JSON, or a table of the first of them, or what an empty one means.
    ///
    /// # Errors
    /// When the server does not answer, or nobody reads it any more.
    pub(super) fn list(
        &self,
        (path, key): (&str, &str),
        limit: Option<usize>,
        columns: &[Column],
        nothing: &str,
    ) -> anyhow::Result<()> {
        let limit = match limit {
            None if !self.output.json => USUAL,
            Some(0) | None => usize::MAX,
            Some(limit) => limit,
        };
        let (mut rows, mut shown, mut more) = (vec![], 0, false);
        self.client.items(path, key, |item| {
            more = shown == limit;
            if more {
                return Ok(false);
            }
            shown += 1;
            match self.output.json {
                true => self.output.line(&item.to_string())?,
                false => rows.push(columns.iter().map(|(_, cell)| cell(item)).collect()),
            }
            Ok(true)
        })?;
        if self.output.json {
            return Ok(());
        }
        if rows.is_empty() {
            eprintln!("{nothing}");
            return Ok(());
        }
        let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
        self.output.table(&titles, rows)?;
        if more {
            eprintln!("the first {limit}; --limit 0 shows all");
        }
        Ok(())
    }
}

/// The value at a JSON pointer, as a person reads it.
pub(super) fn text(item: &Value, pointer: &str) -> String {
    item.pointer(pointer).map_or_else(|| "-".to_owned(), shown)
}

/// A point in time at a JSON pointer.
pub(super) fn time(item: &Value, pointer: &str) -> String {
    let time = item.pointer(pointer).and_then(Value::as_str);
    let time = time.and_then(|time| time.parse::<DateTime<Utc>>().ok());
    time.map_or_else(
        || "-".to_owned(),
        |time| time.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// The number of these: `1 link`, `2 links`.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Without what would move the cursor or change colours: names come from anywhere.
pub(super) fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        character if character.is_control() => '\u{fffd}',
        character => character,
    };
    text.chars().map(shown).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<String>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{}", printable(member)), value, rows);
            }
        }
        Value::Null => {}
        Value::Array(values) if values.is_empty() => {}
        Value::String(text) if text.parse::<DateTime<Utc>>().is_ok() => {
            rows.push(vec![name.to_owned(), time(value, "")]);
        }
        value => rows.push(vec![name.to_owned(), shown(value)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn name_that_would_steer_the_terminal_is_shown_without_doing_so() {
        let item = json!({ "name": "Eve\u{1b}[2J\n" });
        assert_eq!(text(&item, "/name"), "Eve\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn value_that_is_absent_is_a_dash() {
        let item = json!({ "none": null, "empty": "", "list": [] });
        for pointer in ["/none", "/empty", "/list", "/unknown"] {
            assert_eq!(
                (text(&item, pointer), time(&item, pointer)),
                ("-".into(), "-".into())
            );
        }
    }
}
