//! Filters over the whole grammar (RFC 7644 §3.4.2.2, figure 1).

use super::values::{ENTERPRISE_TEXTS, Kind, MULTI_VALUED, NAME, TEXTS, person, pick, sub_value, subs, text};
use crate::both::ENTERPRISE;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use std::fmt;

#[derive(Debug, Clone)]
pub(crate) enum Filter {
    Leaf(Leaf),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    /// In parentheses that change nothing.
    Grouped(Box<Filter>),
}

/// One comparison, presence or value path.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub text: String,
    /// Empty for value paths.
    pub operator: &'static str,
    /// Whether it looks at the values of a multi-valued attribute.
    pub multi_valued: bool,
}

const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |filter: &Filter| match filter {
            Filter::Or(..) => format!("({filter})"),
            filter => filter.to_string(),
        };
        match self {
            Filter::Leaf(leaf) => f.write_str(&leaf.text),
            Filter::Not(filter) => write!(f, "not ({filter})"),
            Filter::And(left, right) => write!(f, "{} and {}", bound(left), bound(right)),
            Filter::Or(left, right) => write!(f, "{left} or {right}"),
            Filter::Grouped(filter) => write!(f, "({filter})"),
        }
    }
}

impl Filter {
    pub(crate) fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Filter::Leaf(leaf) => vec![leaf],
            Filter::Not(filter) | Filter::Grouped(filter) => filter.leaves(),
            Filter::And(left, right) | Filter::Or(left, right) => [left.leaves(), right.leaves()].concat(),
        }
    }
}

pub(crate) fn filter(rng: &mut StdRng, kind: Kind) -> Filter {
    tree(rng, 3, &mut |rng| leaf(rng, kind))
}

/// What is between the brackets of a value path.
pub(super) fn selecting(rng: &mut StdRng, attribute: &str) -> String {
    let depth = if rng.random_bool(0.6) { 1 } else { 2 };
    let mut inner = |rng: &mut StdRng| {
        let sub = pick(rng, subs(attribute));
        let (text, operator) = comparison(rng, sub, only_equality(attribute, sub), |rng| {
            sub_value(rng, attribute, sub).to_string()
        });
        Leaf {
            text,
            operator,
            multi_valued: false,
        }
    };
    tree(rng, depth, &mut inner).to_string()
}

fn tree(rng: &mut StdRng, depth: usize, leaf: &mut impl FnMut(&mut StdRng) -> Leaf) -> Filter {
    if depth <= 1 || rng.random_bool(0.3) {
        return Filter::Leaf(leaf(rng));
    }
    let one = Box::new(tree(rng, depth - 1, leaf));
    match rng.random_range(0..7) {
        0 => Filter::Not(one),
        1 => Filter::Grouped(one),
        2..5 => Filter::And(one, Box::new(tree(rng, depth - 1, leaf))),
        _ => Filter::Or(one, Box::new(tree(rng, depth - 1, leaf))),
    }
}

fn leaf(rng: &mut StdRng, kind: Kind) -> Leaf {
    let scalar = |rng: &mut StdRng, path: String| {
        let (text, operator) = comparison(rng, &path, false, |rng| json!(text(rng)).to_string());
        Leaf {
            text,
            operator,
            multi_valued: false,
        }
    };
    if kind == Kind::Group {
        return match rng.random_range(0..4) {
            0 => scalar(rng, "externalId".to_owned()),
            1 => scalar(rng, "displayName".to_owned()),
            _ => of_multi_valued(rng, "members"),
        };
    }
    match rng.random_range(0..16) {
        14 => {
            let path = pick(rng, &["meta.created", "meta.lastModified"]);
            // Before and after all that the servers have seen.
            let moments = ["2000-01-01T00:00:00Z", "2099-01-01T00:00:00+02:00"];
            let (text, operator) = dated(rng, path, &moments);
            Leaf {
                text,
                operator,
                multi_valued: false,
            }
        }
        15 => {
            let path = format!("{ENTERPRISE}:manager");
            let (text, operator) = comparison(rng, &path, true, |rng| json!(person(rng)).to_string());
            Leaf {
                text,
                operator,
                multi_valued: false,
            }
        }
        0..4 => {
            let path = pick(rng, TEXTS).to_owned();
            scalar(rng, path)
        }
        4 => {
            let (text, operator) = comparison(rng, "active", true, |rng| rng.random_bool(0.5).to_string());
            Leaf {
                text,
                operator,
                multi_valued: false,
            }
        }
        5..7 => {
            let path = format!("name.{}", pick(rng, NAME));
            scalar(rng, path)
        }
        7 => {
            let path = format!("{ENTERPRISE}:{}", pick(rng, ENTERPRISE_TEXTS));
            scalar(rng, path)
        }
        8 => {
            let path = format!("{ENTERPRISE}:manager.value");
            let (text, operator) = comparison(rng, &path, true, |rng| json!(person(rng)).to_string());
            Leaf {
                text,
                operator,
                multi_valued: false,
            }
        }
        9 => scalar(rng, format!("{}:userName", kind.urn())),
        _ => {
            let attribute = pick(rng, MULTI_VALUED);
            of_multi_valued(rng, attribute)
        }
    }
}

fn of_multi_valued(rng: &mut StdRng, attribute: &str) -> Leaf {
    if rng.random_bool(0.4) {
        return Leaf {
            text: format!("{attribute}[{}]", selecting(rng, attribute)),
            operator: "",
            multi_valued: true,
        };
    }
    let sub = pick(rng, subs(attribute));
    let whole = sub == "value" && rng.random_bool(0.4);
    let path = match whole {
        true => attribute.to_owned(),
        false => format!("{attribute}.{sub}"),
    };
    let (text, operator) = comparison(rng, &path, only_equality(attribute, sub), |rng| {
        sub_value(rng, attribute, sub).to_string()
    });
    Leaf {
        text,
        operator,
        multi_valued: true,
    }
}

/// Booleans have no order, and ids are in another one on each server.
fn only_equality(attribute: &str, sub: &str) -> bool {
    sub == "primary" || attribute == "members"
}

/// A comparison of a date, which has an order and no parts.
fn dated(rng: &mut StdRng, path: &str, moments: &[&str]) -> (String, &'static str) {
    let operator = pick(rng, &["eq", "ne", "gt", "ge", "lt", "le"]);
    let moment = pick(rng, moments);
    (format!("{path} {operator} \"{moment}\""), operator)
}

/// A comparison by any operator the attribute can have, its words in any case.
fn comparison(
    rng: &mut StdRng,
    path: &str,
    only_equality: bool,
    value: impl Fn(&mut StdRng) -> String,
) -> (String, &'static str) {
    let operator = match only_equality {
        true => pick(rng, &["eq", "ne", "pr"]),
        false => pick(rng, OPERATORS),
    };
    let spelled = match rng.random_bool(0.1) {
        true => operator.to_uppercase(),
        false => operator.to_owned(),
    };
    let path = match rng.random_bool(0.1) && !path.starts_with("urn:") {
        true => path.to_uppercase(),
        false => path.to_owned(),
    };
    let text = match operator {
        "pr" => format!("{path} {spelled}"),
        _ => format!("{path} {spelled} {}", value(rng)),
    };
    (text, operator)
}
