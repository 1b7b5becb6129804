//! Pages show what the operator API answers: its handlers are asked, in this process, and what they answer is
//! read as a program would.

use super::session::Session;
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use axum::Json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

impl Session {
    /// Who asks the operator API.
    pub(super) fn caller(&self) -> Caller {
        Caller(Arc::clone(&self.token))
    }
}

/// What a handler of the operator API answered.
///
/// # Errors
/// What the handler refused with.
pub(super) fn read<T: DeserializeOwned>(answer: Result<Json<Value>, Problem>) -> Result<T, Failure> {
    let Json(document) = answer.map_err(|Problem(failure)| failure)?;
    parse(document)
}

/// A document of the operator API.
///
/// # Errors
/// 500 when it is not what pages know.
pub(super) fn parse<T: DeserializeOwned>(document: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(document).map_err(|error| {
        // The place only: what stands there may be somebody's.
        let place = error.path().to_string();
        tracing::error!(%place, "a page cannot read what the operator API answers");
        Failure::internal()
    })
}

/// As much of a person as tells who it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub id: Uuid,
    pub status: Option<String>,
    pub login: Option<String>,
    pub email: Option<String>,
    pub display_name: Option<String>,
}

impl Person {
    /// What they are called, as well as it is known.
    pub(super) fn name(&self) -> String {
        let known = [&self.display_name, &self.login, &self.email];
        known
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| self.id.to_string())
    }

    pub(super) fn has_status(&self, status: &str) -> bool {
        self.status.as_deref() == Some(status)
    }
}

/// As much of a team as tells which it is; without an id, one that is not there yet.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {
    pub id: Option<Uuid>,
    pub kind: Option<String>,
    pub name: Option<String>,
}

impl Team {
    pub(super) fn name(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => id.to_string(),
            (None, None) => "a team".to_owned(),
        }
    }

    pub(super) fn kind(&self) -> String {
        self.kind.as_deref().unwrap_or("team").replace('_', " ")
    }
}

/// The name of an attribute, of whatever case, as words: `startDate` and `start_date` are "start date".
pub(super) fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        match character {
            '_' => words.push(' '),
            character if character.is_uppercase() => {
                words.push(' ');
                words.extend(character.to_lowercase());
            }
            character => words.push(character),
        }
    }
    words.trim().to_owned()
}

/// A value as people read it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<String>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attributes_are_words_in_either_case() {
        let shown = ["startDate", "start_date", "login", "costCenter"].map(words);
        assert_eq!(shown, ["start date", "start date", "login", "cost center"]);
    }
}
