//! Conditions on one value: `path operator literal` as SQL, with the meaning
//! [`Filter::matches`](crate::scim::filter::Filter::matches) has on JSON.

use crate::scim::filter::{Literal, Operator, fold_text};
use sqlx::{Postgres, QueryBuilder};
use unicode_normalization::UnicodeNormalization;

/// SQL of a comparison operator; substring operators have none.
fn symbol(operator: Operator) -> Option<&'static str> {
    match operator {
        Operator::Eq => Some("="),
        Operator::Ne => Some("<>"),
        Operator::Gt => Some(">"),
        Operator::Ge => Some(">="),
        Operator::Lt => Some("<"),
        Operator::Le => Some("<="),
        Operator::Co | Operator::Sw | Operator::Ew => None,
    }
}

/// Compare the text expression `sql` with the literal.
pub(super) fn text(
    query: &mut QueryBuilder<Postgres>,
    sql: &str,
    case_exact: bool,
    operator: Operator,
    literal: &str,
) {
    // Folding and order are the root locale's and the code points': never the server's own.
    let (left, right) = match case_exact {
        true => (format!("normalize({sql}) collate \"C\""), literal.nfc().collect()),
        false => (
            format!("upper(normalize({sql}) collate \"und-x-icu\") collate \"C\""),
            fold_text(literal),
        ),
    };
    match operator {
        Operator::Co => query
            .push("position(")
            .push_bind(right)
            .push(format!("::text collate \"C\" in {left}) > 0")),
        Operator::Sw => query
            .push(format!("starts_with({left}, "))
            .push_bind(right)
            .push(")"),
        Operator::Ew => query
            .push(format!("right({left}, length("))
            .push_bind(right.clone())
            .push("::text)) = ")
            .push_bind(right),
        compared => query
            .push(format!("{left} {} ", symbol(compared).unwrap_or("=")))
            .push_bind(right),
    };
}

/// Compare the JSON scalar expression `sql` with the literal, by the type it has.
pub(super) fn json(
    query: &mut QueryBuilder<Postgres>,
    sql: &str,
    case_exact: bool,
    operator: Operator,
    literal: &Literal,
) {
    let otherwise = if operator == Operator::Ne { "true" } else { "false" };
    query.push(format!("case jsonb_typeof({sql}) when 'boolean' then "));
    match (literal.boolean(), operator) {
        (Some(value), Operator::Eq | Operator::Ne) => {
            let symbol = symbol(operator).unwrap_or("=");
            query.push(format!("({sql})::boolean {symbol} ")).push_bind(value);
        }
        (Some(_), _) => {
            query.push("false");
        }
        (None, _) => {
            query.push(otherwise);
        }
    }
    query.push(" when 'number' then ");
    match (literal.number(), symbol(operator)) {
        (Some(value), Some(symbol)) => {
            query.push(format!("({sql})::float8 {symbol} ")).push_bind(value);
        }
        _ => {
            query.push(otherwise);
        }
    }
    query.push(" when 'string' then ");
    match literal.text() {
        Some(literal) => text(
            query,
            &format!("({sql} #>> '{{}}')"),
            case_exact,
            operator,
            literal,
        ),
        None => {
            query.push(otherwise);
        }
    }
    query.push(" else false end");
}

/// Whether the JSON expression holds something (`pr`).
pub(super) fn present(sql: &str) -> String {
    format!("coalesce({sql} not in ('null'::jsonb, '\"\"'::jsonb, '[]'::jsonb, '{{}}'::jsonb), false)")
}
