use super::query::{integer, pairs, value};
use crate::error::{Failure, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The query string of a route outside SCIM.
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
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
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Asked, Problem> {
        Ok(Asked(pairs(parts)?))
    }
}
