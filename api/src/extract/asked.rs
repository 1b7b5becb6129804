use super::query::{integer, pairs, value};
use crate::error::{Failure, Problem};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The query string of a route outside SCIM.
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    /// What a page of ours asks; an empty value counts as absent.
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Asked {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Asked(pairs.iter().map(owned).collect())
    }

    /// The parameter of this name, in any case; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        value(&self.0, name)
    }

    /// `count`, from 1 to `most`.
    ///
    /// # Errors
    /// 400 when it is no integer.
    pub(crate) fn count(&self, usual: i64, most: i64) -> Result<i64, Failure> {
        Ok(integer("count", self.text("count"))?
            .unwrap_or(usual)
            .clamp(1, most))
    }

    /// `limit`, from 1 to `most`.
    ///
    /// # Errors
    /// 400 when it is no integer.
    pub(crate) fn limit(&self, usual: i64, most: i64) -> Result<i64, Failure> {
        Ok(self.number("limit")?.unwrap_or(usual).clamp(1, most))
    }

    /// # Errors
    /// 400 when the parameter of this name is no integer.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        Ok(integer(name, self.text(name))?)
    }

    /// # Errors
    /// 400 when the parameter of this name is no point in time (RFC 3339).
    pub(crate) fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Failure> {
        // A client that forgot to encode the `+` of an offset means it all the same.
        let parse = |text: &str| DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
        let time = self.text(name).map(parse).transpose().map_err(|_| {
            let detail = format!("{name} must be a time with its offset, like 2026-11-27T08:00:00Z");
            Failure::new(StatusCode::BAD_REQUEST, detail)
        })?;
        Ok(time.map(|time| time.to_utc()))
    }

    /// # Errors
    /// 400 when the parameter of this name is no UUID.
    pub(crate) fn id(&self, name: &str) -> Result<Option<Uuid>, Failure> {
        let id = self.text(name).map(Uuid::try_parse).transpose();
        id.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, format!("{name} must be an id")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Asked, Problem> {
        Ok(Asked(pairs(parts)?))
    }
}
