//! Filters (RFC 7644 §3.4.2.2): text → [`Filter`] → evaluation on JSON, or SQL in the store.

mod attribute_path;
mod evaluate;
mod lexer;
mod parser;
mod target;

pub use attribute_path::AttributePath;
pub use evaluate::fold_text;
pub use parser::parse;
pub use target::{Target, compared, target};

use super::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    const ALL: [(&'static str, Operator); 9] = [
        ("eq", Operator::Eq),
        ("ne", Operator::Ne),
        ("co", Operator::Co),
        ("sw", Operator::Sw),
        ("ew", Operator::Ew),
        ("gt", Operator::Gt),
        ("ge", Operator::Ge),
        ("lt", Operator::Lt),
        ("le", Operator::Le),
    ];

    fn from_word(word: &str) -> Option<Operator> {
        let known = Operator::ALL
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, operator)| operator)
    }

    /// Whether the operator compares parts of a text (`co`, `sw`, `ew`).
    pub fn is_substring(self) -> bool {
        matches!(self, Operator::Co | Operator::Sw | Operator::Ew)
    }
}

/// The right-hand side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(String),
    /// A JSON number as written: an attribute of type string compares with the text.
    Number(String),
    Boolean(bool),
    Null,
}

impl Literal {
    /// The literal as the text a string attribute is compared with; `None` for `null`.
    pub fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) | Literal::Number(text) => Some(text),
            Literal::Boolean(true) => Some("true"),
            Literal::Boolean(false) => Some("false"),
            Literal::Null => None,
        }
    }

    /// The literal as a boolean; clients quote them and write them in any case.
    pub fn boolean(&self, dialect: Dialect) -> Option<bool> {
        match self {
            Literal::Boolean(value) => Some(*value),
            Literal::Text(text) if dialect.takes_quoted_values() => {
                let is = |word: &str| text.eq_ignore_ascii_case(word);
                is("true").then_some(true).or(is("false").then_some(false))
            }
            _ => None,
        }
    }

    /// The literal as a finite number.
    pub fn number(&self, dialect: Dialect) -> Option<f64> {
        let text = match self {
            Literal::Number(text) => text,
            Literal::Text(text) if dialect.takes_quoted_values() => text,
            _ => return None,
        };
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of at least two.
    And(Vec<Filter>),
    /// Any of at least two.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `attribute pr`
    Present(AttributePath),
    Compare {
        path: AttributePath,
        operator: Operator,
        value: Literal,
    },
    /// `emails[type eq "work"]`: one element satisfies the whole inner filter. The dialect
    /// `emails[type eq "work"].value eq "x"` is `emails[type eq "work" and value eq "x"]`.
    Element {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

impl Filter {
    /// The (attribute, literal) pairs when the filter is one `eq` or a conjunction of them,
    /// without sub-attributes; `None` for any other.
    pub fn equalities(&self) -> Option<Vec<(&str, &Literal)>> {
        match self {
            Filter::Compare {
                path,
                operator: Operator::Eq,
                value,
            } if path.urn.is_none() && path.sub.is_none() => Some(vec![(path.name.as_str(), value)]),
            Filter::And(all) => {
                let mut pairs = Vec::new();
                for one in all {
                    pairs.extend(one.equalities()?);
                }
                Some(pairs)
            }
            _ => None,
        }
    }
}
