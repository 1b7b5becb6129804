use super::Protocol;
use crate::error::{Failure, Problem, ScimFailure};
use crate::state::App;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::filter::{self, Filter};
use rollcall_shared::scim::{Rules, ScimError, Selection};
use serde_json::Value;

/// Resources in a page when the client does not say.
const DEFAULT_COUNT: i64 = 100;

/// What a client asks of a list, in the query string or as a `.search` message
/// (RFC 7644 §3.4.2, §3.4.3). Sorting is not supported and ignored, as the RFC has it.
#[derive(Debug, Default)]
pub(crate) struct SearchQuery {
    /// By what the filter was read.
    pub rules: Rules,
    pub filter: Option<Filter>,
    pub selection: Selection,
    /// Whether `attributes` or `excludedAttributes` was given.
    pub selected: bool,
    /// From 1.
    pub start_index: i64,
    /// `None`: the client does not say.
    count: Option<i64>,
}

impl SearchQuery {
    /// Resources to return, within what the server allows.
    pub(crate) fn count(&self, most: usize) -> i64 {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.count.unwrap_or(DEFAULT_COUNT).clamp(0, most)
    }

    /// From a `SearchRequest` message.
    ///
    /// # Errors
    /// 400 naming the member that cannot be read.
    pub(crate) fn from_message(rules: Rules, message: &Value) -> Result<SearchQuery, ScimError> {
        let Value::Object(message) = message else {
            return Err(ScimError::invalid_syntax("a search request is a JSON object"));
        };
        let get = |name: &str| {
            let found = message.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value).filter(|value| !value.is_null())
        };
        let text = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ScimError::invalid_value(format!("{name} must be a string"))),
        };
        let list = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Array(names)) => names
                .iter()
                .map(Value::as_str)
                .collect::<Option<Vec<&str>>>()
                .map(|names| Some(names.join(",")))
                .ok_or_else(|| ScimError::invalid_value(format!("{name} must be an array of strings"))),
            Some(_) => Err(ScimError::invalid_value(format!(
                "{name} must be an array of strings"
            ))),
        };
        let number = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(ScimError::invalid_value(format!("{name} must be a number"))),
        };
        SearchQuery::new(
            rules,
            text("filter")?.as_deref(),
            list("attributes")?.as_deref(),
            list("excludedAttributes")?.as_deref(),
            number("startIndex")?.as_deref(),
            number("count")?.as_deref(),
        )
    }

    fn new(
        rules: Rules,
        filter: Option<&str>,
        attributes: Option<&str>,
        excluded: Option<&str>,
        start_index: Option<&str>,
        count: Option<&str>,
    ) -> Result<SearchQuery, ScimError> {
        Ok(SearchQuery {
            rules,
            filter: filter.map(|filter| filter::parse(rules, filter)).transpose()?,
            selection: Selection::parse(rules.schemas, attributes, excluded)?,
            selected: attributes.is_some() || excluded.is_some(),
            start_index: integer("startIndex", start_index)?.unwrap_or(1).max(1),
            count: integer("count", count)?,
        })
    }
}

impl FromRequestParts<App> for SearchQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<SearchQuery, Response> {
        let Protocol(rules) = Protocol::from_request_parts(parts, app).await?;
        SearchQuery::from_url(rules, parts).map_err(IntoResponse::into_response)
    }
}

impl SearchQuery {
    fn from_url(rules: Rules, parts: &Parts) -> Result<SearchQuery, ScimFailure> {
        let pairs = pairs(parts)?;
        let get = |name: &str| value(&pairs, name);
        Ok(SearchQuery::new(
            rules,
            get("filter"),
            get("attributes"),
            get("excludedAttributes"),
            get("startIndex"),
            get("count"),
        )?)
    }
}

/// `startIndex` and `count` outside SCIM.
pub(crate) struct Page {
    /// From 1.
    pub start_index: i64,
    pub count: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Page, Problem> {
        let pairs = pairs(parts)?;
        Ok(Page {
            start_index: integer("startIndex", value(&pairs, "startIndex"))?
                .unwrap_or(1)
                .max(1),
            count: integer("count", value(&pairs, "count"))?
                .unwrap_or(DEFAULT_COUNT)
                .clamp(0, 1000),
        })
    }
}

fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Failure> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the query string cannot be read"))
}

/// Names of parameters are taken in any case; an empty value counts as absent.
fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let parse = |text: &str| text.trim().parse::<i64>();
    text.map(parse)
        .transpose()
        .map_err(|_| ScimError::invalid_value(format!("{name} must be an integer")))
}
