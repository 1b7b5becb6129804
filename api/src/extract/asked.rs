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
    /// 400 when the parameter of this name is neither `true` nor `false`.
    pub(crate) fn truth(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                format!("{name} must be true or false"),
            )),
        }
    }

    /// Refuse parameters that are none of these and begin otherwise, and values no text in Postgres can hold:
    /// a filter that is misspelt must not mean everything.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub(crate) fn only(&self, known: &[&str], prefix: Option<&str>) -> Result<(), Failure> {
        #[cfg(test)]
        super::noted::allow(known, prefix);
        for (name, value) in &self.0 {
            let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(name));
            let begins = prefix.is_some_and(|prefix| name.starts_with(prefix) && name.len() > prefix.len());
            if !is_known && !begins {
                let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
                let detail = format!(
                    "there is no parameter {name} here; there are: {}",
                    known.join(", ")
                );
                return Err(Failure::new(StatusCode::BAD_REQUEST, detail));
            }
            if name.contains('\0') || value.contains('\0') {
                let detail = "a parameter holds a NUL character, which nothing in the directory does";
                return Err(Failure::new(StatusCode::BAD_REQUEST, detail));
            }
        }
        Ok(())
    }

    /// The parameters whose names begin so, by what follows.
    pub(crate) fn beginning_with(&self, prefix: &str) -> Vec<(&str, &str)> {
        #[cfg(test)]
        super::noted::note(&format!("{prefix}{{key}}"));
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
            .collect()
    }

    /// Everything asked but these parameters, the same in whatever order it comes.
    pub(crate) fn question(&self, but: &[&str]) -> Vec<u8> {
        let mut parts: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| !but.iter().any(|but| but.eq_ignore_ascii_case(name)))
            .map(|(name, value)| format!("{}:{name}={}:{value};", name.len(), value.len()))
            .collect();
        parts.sort();
        parts.concat().into_bytes()
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
        #[cfg(test)]
        super::noted::begin();
        Ok(Asked(pairs(parts)?))
    }
}
