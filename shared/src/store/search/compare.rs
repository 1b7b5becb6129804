//! One comparison as SQL. Every condition pushed is true or false, never null, so that `not`
//! means what it says.

use crate::scim::filter::{Literal, Operator, fold_text};
use crate::scim::schema::{Attribute, Type};
use crate::scim::{Dialect, ScimError};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};
use unicode_normalization::UnicodeNormalization;

/// A jsonb expression: the root and the keys below it.
#[derive(Debug, Clone)]
pub(super) struct Json {
    pub(super) root: Root,
    pub(super) keys: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Root {
    /// Our own SQL.
    Sql(String),
    /// An attribute that no schema describes, found by its name in any case.
    Custom { urn: String, name: String },
}

impl Json {
    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>) {
        self.push_with(query, " #> ");
    }

    pub(super) fn push_text(&self, query: &mut QueryBuilder<Postgres>) {
        self.push_with(query, " #>> ");
    }

    fn push_with(&self, query: &mut QueryBuilder<Postgres>, operator: &'static str) {
        query.push("(");
        match &self.root {
            Root::Sql(sql) => {
                query.push(sql);
            }
            Root::Custom { urn, name } => {
                query.push("(select c.value from jsonb_each(case jsonb_typeof(r.document -> ");
                query
                    .push_bind(urn.clone())
                    .push(") when 'object' then r.document -> ");
                query
                    .push_bind(urn.clone())
                    .push(" else '{}' end) c where lower(c.key) = lower(");
                query.push_bind(name.clone()).push(") limit 1)");
            }
        }
        query.push(operator).push_bind(self.keys.clone()).push(")");
    }

    /// Has a value that is not empty (`pr`).
    pub(super) fn push_present(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("coalesce(");
        self.push(query);
        query.push(r#" not in ('null'::jsonb, '""', '[]', '{}'), false)"#);
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Gt => " > ",
        Operator::Ge => " >= ",
        Operator::Lt => " < ",
        Operator::Le => " <= ",
        Operator::Eq | Operator::Ne | Operator::Co | Operator::Sw | Operator::Ew => " = ",
    }
}

/// `json operator literal` for any operator but `ne`, which the caller negates.
pub(super) fn push_json(
    query: &mut QueryBuilder<Postgres>,
    dialect: Dialect,
    json: &Json,
    definition: Option<&'static Attribute>,
    operator: Operator,
    literal: &Literal,
) -> Result<(), ScimError> {
    let Some(definition) = definition else {
        return push_untyped(query, dialect, json, operator, literal);
    };
    let ordering = !matches!(operator, Operator::Eq | Operator::Ne);
    match definition.kind {
        Type::Boolean => {
            let literal = literal.boolean(dialect).filter(|_| !ordering).ok_or_else(|| {
                ScimError::invalid_filter(format!(
                    "{} is a boolean: only eq and ne true or false apply",
                    definition.name
                ))
            })?;
            push_boolean(query, json, literal);
            Ok(())
        }
        Type::Integer | Type::Decimal
            if !dialect.takes_quoted_values() && literal.number(dialect).is_none() =>
        {
            Err(ScimError::invalid_filter(format!(
                "{} is a number and compares with a number without quotes",
                definition.name
            )))
        }
        Type::Binary if ordering && !operator.is_substring() => Err(ScimError::invalid_filter(format!(
            "{} has no order",
            definition.name
        ))),
        Type::String | Type::Reference | Type::Binary => {
            push_text(
                query,
                &|query| json.push_text(query),
                definition.case_exact,
                operator,
                literal,
            );
            Ok(())
        }
        Type::DateTime if !operator.is_substring() => {
            query.push("coalesce(instant_of(");
            json.push_text(query);
            query
                .push(")")
                .push(sign(operator))
                .push_bind(as_instant(literal)?);
            query.push(", false)");
            Ok(())
        }
        _ => push_untyped(query, dialect, json, operator, literal),
    }
}

fn push_boolean(query: &mut QueryBuilder<Postgres>, json: &Json, literal: bool) {
    query.push("coalesce(");
    json.push(query);
    query.push(" = ").push_bind(Value::Bool(literal)).push(", false)");
}

/// A value no schema describes compares by the type it has.
fn push_untyped(
    query: &mut QueryBuilder<Postgres>,
    dialect: Dialect,
    json: &Json,
    operator: Operator,
    literal: &Literal,
) -> Result<(), ScimError> {
    query.push("coalesce(case jsonb_typeof(");
    json.push(query);
    query.push(") when 'string' then ");
    push_text(query, &|query| json.push_text(query), false, operator, literal);
    if let Some(number) = literal.number(dialect).filter(|_| !operator.is_substring()) {
        query.push(" when 'number' then ");
        json.push(query);
        query.push("::float8").push(sign(operator)).push_bind(number);
    }
    if let Some(boolean) = literal
        .boolean(dialect)
        .filter(|_| matches!(operator, Operator::Eq | Operator::Ne))
    {
        query.push(" when 'boolean' then ");
        push_boolean(query, json, boolean);
    }
    query.push(" else false end, false)");
    Ok(())
}

/// `text operator literal`, in code point order; without case unless `case_exact`. The folded
/// form is the one of [`fold_text`], under the root locale and not the server's.
pub(super) fn push_text(
    query: &mut QueryBuilder<Postgres>,
    text: &dyn Fn(&mut QueryBuilder<Postgres>),
    case_exact: bool,
    operator: Operator,
    literal: &Literal,
) {
    let Some(literal) = literal.text() else {
        query.push("false");
        return;
    };
    query.push("coalesce(");
    let literal = if case_exact {
        query.push("normalize(");
        text(query);
        query.push(", nfc) collate \"C\"");
        literal.nfc().collect()
    } else {
        query.push("upper(normalize(");
        text(query);
        query.push(", nfc) collate \"und-x-icu\") collate \"C\"");
        fold_text(literal)
    };
    match operator {
        Operator::Co => query.push(" like ").push_bind(format!("%{}%", escaped(&literal))),
        Operator::Sw => query.push(" like ").push_bind(format!("{}%", escaped(&literal))),
        Operator::Ew => query.push(" like ").push_bind(format!("%{}", escaped(&literal))),
        _ => query.push(sign(operator)).push_bind(literal),
    };
    query.push(", false)");
}

/// A literal as part of a LIKE pattern.
fn escaped(literal: &str) -> String {
    let mut pattern = String::with_capacity(literal.len());
    for character in literal.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// `column operator literal` for a timestamp.
pub(super) fn push_instant(
    query: &mut QueryBuilder<Postgres>,
    column: &'static str,
    operator: Operator,
    literal: &Literal,
) -> Result<(), ScimError> {
    if operator.is_substring() {
        return Err(no_instant());
    }
    let instant = as_instant(literal)?;
    query
        .push("(")
        .push(column)
        .push(sign(operator))
        .push_bind(instant)
        .push(")");
    Ok(())
}

fn as_instant(literal: &Literal) -> Result<DateTime<Utc>, ScimError> {
    literal.text().and_then(instant).ok_or_else(no_instant)
}

fn no_instant() -> ScimError {
    ScimError::invalid_filter("a date and time compares with a date and time by eq, ne, gt, ge, lt, le")
}

/// RFC 3339, or without a zone (UTC), or a day (its start).
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    if let Ok(instant) = text.parse::<NaiveDateTime>() {
        return Some(instant.and_utc());
    }
    let day = text.parse::<NaiveDate>().ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_wildcards_are_literal() {
        assert_eq!(escaped(r"100%_\"), r"100\%\_\\");
    }

    #[test]
    fn instant_with_zone_without_zone_and_day() {
        let noon = instant("2024-05-13T12:00:00Z");
        assert!(noon.is_some());
        assert_eq!(instant("2024-05-13T14:00:00+02:00"), noon);
        assert_eq!(instant("2024-05-13T12:00:00"), noon);
        assert_eq!(instant("2024-05-13"), instant("2024-05-13T00:00:00Z"));
        assert_eq!(instant("yesterday"), None);
    }
}
