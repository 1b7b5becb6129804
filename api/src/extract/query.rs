use super::Protocol;
use crate::error::{Failure, Problem, ScimFailure};
use crate::state::App;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::filter::{self, AttributePath, Filter};
use rollcall_shared::scim::{Rules, ScimError, ScimType, Selection, declared};
use rollcall_shared::store::search::Sort;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use utoipa::IntoParams;

/// Items in a page outside SCIM when the client does not say.
const DEFAULT_COUNT: i64 = 100;

const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a client asks of a list, in the query string or as a `.search` message
/// (RFC 7644 §3.4.2, §3.4.3; RFC 9865 §2, §3).
#[derive(Debug)]
pub(crate) struct SearchQuery {
    /// By what the filter was read.
    pub rules: Rules,
    pub filter: Option<Filter>,
    pub sort: Option<Sort>,
    pub selection: Selection,
    /// Whether `attributes` or `excludedAttributes` was given.
    pub selected: bool,
    pub window: Window,
    /// Resources in a page, not negative; `None`: the client does not say.
    pub count: Option<i64>,
    /// Digest of everything that must stay the same from page to page.
    pub identity: [u8; 32],
}

/// Which page of a list, by the method the client chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Window {
    /// `startIndex`, from 1; what a client gets that chooses no method.
    Index(i64),
    /// `cursor`; empty for the first page.
    Cursor(String),
}

/// The parameters as they came.
#[derive(Debug, Default)]
struct Parameters<'a> {
    rules: Rules,
    filter: Option<Cow<'a, str>>,
    sort_by: Option<Cow<'a, str>>,
    sort_order: Option<Cow<'a, str>>,
    attributes: Option<Cow<'a, str>>,
    excluded: Option<Cow<'a, str>>,
    start_index: Option<Cow<'a, str>>,
    count: Option<Cow<'a, str>>,
    cursor: Option<Cow<'a, str>>,
}

impl SearchQuery {
    /// From a `SearchRequest` message.
    ///
    /// # Errors
    /// 400 naming the member that cannot be read.
    pub(crate) fn from_message(rules: Rules, message: &Value) -> Result<SearchQuery, ScimError> {
        let Value::Object(message) = message else {
            return Err(ScimError::invalid_syntax("a search request is a JSON object"));
        };
        declared::message(rules.dialect, message, SEARCH_REQUEST)?;
        let get = |name: &str| {
            let found = message.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value).filter(|value| !value.is_null())
        };
        let text = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Cow::from(text.as_str()))),
            Some(_) => Err(ScimError::invalid_value(format!("{name} must be a string"))),
        };
        let list = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Cow::from(text.as_str()))),
            Some(Value::Array(names)) => names
                .iter()
                .map(Value::as_str)
                .collect::<Option<Vec<&str>>>()
                .map(|names| Some(Cow::from(names.join(","))))
                .ok_or_else(|| ScimError::invalid_value(format!("{name} must be an array of strings"))),
            Some(_) => Err(ScimError::invalid_value(format!(
                "{name} must be an array of strings"
            ))),
        };
        let number = |name: &str| match get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(Cow::from(number.to_string()))),
            Some(_) => Err(ScimError::invalid_value(format!("{name} must be a number"))),
        };
        SearchQuery::new(Parameters {
            filter: text("filter")?,
            sort_by: text("sortBy")?.filter(|by| !by.is_empty()),
            sort_order: text("sortOrder")?.filter(|order| !order.is_empty()),
            attributes: list("attributes")?,
            excluded: list("excludedAttributes")?,
            start_index: number("startIndex")?,
            count: number("count")?,
            cursor: text("cursor")?,
            rules,
        })
    }

    fn new(parameters: Parameters<'_>) -> Result<SearchQuery, ScimError> {
        let identity = parameters.identity();
        let Parameters {
            rules,
            filter,
            sort_by,
            sort_order,
            attributes,
            excluded,
            start_index,
            count,
            cursor,
        } = parameters;
        let start_index = integer("startIndex", start_index.as_deref())?;
        let count = integer("count", count.as_deref()).map_err(|error| match cursor {
            Some(_) => ScimError::bad_request(ScimType::InvalidCount, error.detail),
            None => error,
        })?;
        let window = match (cursor, start_index) {
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value(
                    "cursor and startIndex exclude each other: they choose between two ways of paging",
                ));
            }
            (Some(cursor), None) => Window::Cursor(cursor.into_owned()),
            (None, start_index) => Window::Index(start_index.unwrap_or(1).max(1)),
        };
        Ok(SearchQuery {
            rules,
            filter: filter
                .as_deref()
                .map(|filter| filter::parse(rules, filter))
                .transpose()?,
            sort: sort(rules, sort_by.as_deref(), sort_order.as_deref())?,
            selection: Selection::parse(rules.schemas, attributes.as_deref(), excluded.as_deref())?,
            selected: attributes.is_some() || excluded.is_some(),
            window,
            count: count.map(|count| count.max(0)),
            identity,
        })
    }
}

impl Parameters<'_> {
    fn identity(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [
            &self.filter,
            &self.sort_by,
            &self.sort_order,
            &self.attributes,
            &self.excluded,
        ] {
            let part = part.as_deref().unwrap_or_default();
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

/// An order without an attribute orders nothing.
fn sort(rules: Rules, by: Option<&str>, order: Option<&str>) -> Result<Option<Sort>, ScimError> {
    let descending = match order {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("ascending") => false,
        Some(order) if order.eq_ignore_ascii_case("descending") => true,
        Some(_) => {
            return Err(ScimError::invalid_value(
                "sortOrder must be ascending or descending",
            ));
        }
    };
    let Some(by) = by else { return Ok(None) };
    let by = AttributePath::parse(rules.schemas, by.trim())
        .filter(|by| !by.name.is_empty())
        .ok_or_else(|| ScimError::invalid_path("sortBy is no attribute"))?;
    Ok(Some(Sort { by, descending }))
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
        let get = |name: &str| value(&pairs, name).map(Cow::from);
        Ok(SearchQuery::new(Parameters {
            rules,
            filter: get("filter"),
            sort_by: get("sortBy"),
            sort_order: get("sortOrder"),
            attributes: get("attributes"),
            excluded: get("excludedAttributes"),
            start_index: get("startIndex"),
            count: get("count"),
            // An empty cursor is no absent one: it asks for the first page.
            cursor: given(&pairs, "cursor").map(Cow::from),
        })?)
    }
}

/// `startIndex` and `count` outside SCIM.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Page {
    /// The first of the page, from 1.
    #[param(required = false)]
    pub start_index: i64,
    /// Items in a page: 100 unless told, at most 1000.
    #[param(required = false)]
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

pub(super) fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Failure> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the query string cannot be read"))
}

/// As `given`; an empty value counts as absent.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    given(pairs, name).filter(|value| !value.is_empty())
}

/// Names of parameters are taken in any case.
fn given<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    #[cfg(test)]
    super::noted::note(name);
    let found = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

pub(super) fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let parse = |text: &str| text.trim().parse::<i64>();
    text.map(parse)
        .transpose()
        .map_err(|_| ScimError::invalid_value(format!("{name} must be an integer")))
}
