//! Evaluation on JSON, for value paths and for the members of groups.

use super::{AttributePath, Filter, Literal, Operator};
use crate::scim::schema::{self, Attribute, SchemaSet, Type};
use crate::scim::{Dialect, Object, Rules};
use chrono::DateTime;
use serde_json::Value;
use std::cmp::Ordering;
use unicode_normalization::UnicodeNormalization;

/// The form under which texts compare without regard to case. The upper case, because SQL can
/// compute the same from a stored text (`upper` of the NFC form under the root locale).
pub fn fold_text(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.nfc().collect::<String>().to_uppercase()
}

impl Filter {
    /// Whether a value (an object, or an element of a multi-valued attribute) satisfies the
    /// filter. Names match in any case and texts compare without case.
    pub fn matches(&self, value: &Value) -> bool {
        self.matches_as(Rules::default(), value, &[])
    }

    /// [`Filter::matches`] where `attributes` define what is inside `value`.
    pub fn matches_as(&self, rules: Rules, value: &Value, attributes: &'static [Attribute]) -> bool {
        match self {
            Filter::And(all) => all
                .iter()
                .all(|filter| filter.matches_as(rules, value, attributes)),
            Filter::Or(any) => any
                .iter()
                .any(|filter| filter.matches_as(rules, value, attributes)),
            Filter::Not(filter) => !filter.matches_as(rules, value, attributes),
            Filter::Present(path) => {
                let (found, _) = select(rules.schemas, value, path, attributes);
                found.into_iter().any(is_present)
            }
            Filter::Compare {
                path,
                operator,
                value: literal,
            } => {
                let (found, definition) = select(rules.schemas, value, path, attributes);
                compare(rules.dialect, &found, definition, *operator, literal)
            }
            Filter::Element { path, filter } => {
                let (found, definition) = select(rules.schemas, value, path, attributes);
                let inner = definition.map_or(&[][..], |definition| definition.sub_attributes);
                found
                    .into_iter()
                    .any(|element| filter.matches_as(rules, element, inner))
            }
        }
    }
}

/// The values at a path, arrays flattened, and what the schema says of them.
fn select<'a>(
    schemas: SchemaSet,
    value: &'a Value,
    path: &AttributePath,
    attributes: &'static [Attribute],
) -> (Vec<&'a Value>, Option<&'static Attribute>) {
    let known = path.urn.as_deref().and_then(|urn| schemas.by_urn(urn));
    let (container, attributes) = match (&path.urn, known) {
        (None, _) => (Some(value), attributes),
        // The attributes of the core schemas lie at the top.
        (Some(_), Some(schema)) if [schema::USER, schema::GROUP].contains(&schema.id) => {
            (Some(value), schema.attributes)
        }
        (Some(urn), known) => (
            value.as_object().and_then(|object| get(object, urn)),
            known.map_or(&[][..], |schema| schema.attributes),
        ),
    };
    let definition = schema::find(attributes, &path.name);
    let mut found = Vec::new();
    match container {
        Some(Value::Object(object)) => flatten(get(object, &path.name), &mut found),
        // An element that is a plain value is its own `value`.
        Some(plain) if path.name.eq_ignore_ascii_case("value") => flatten(Some(plain), &mut found),
        _ => {}
    }
    let Some(sub) = &path.sub else {
        return (found, definition);
    };
    let mut inner = Vec::new();
    for element in found {
        flatten(
            element.as_object().and_then(|object| get(object, sub)),
            &mut inner,
        );
    }
    (
        inner,
        definition.and_then(|definition| definition.sub_attribute(sub)),
    )
}

fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let mut entries = object.iter();
        entries.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

fn flatten<'a>(value: Option<&'a Value>, into: &mut Vec<&'a Value>) {
    match value {
        Some(Value::Array(elements)) => into.extend(elements),
        Some(value) => into.push(value),
        None => {}
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(
    dialect: Dialect,
    found: &[&Value],
    definition: Option<&'static Attribute>,
    operator: Operator,
    literal: &Literal,
) -> bool {
    let present = found.iter().any(|value| is_present(value));
    match (operator, literal) {
        (Operator::Eq, Literal::Null) => return !present,
        (Operator::Ne, Literal::Null) => return present,
        (Operator::Ne, _) if !present => return true,
        _ => {}
    }
    found.iter().any(|value| match value {
        // A complex value is compared by its `value` (RFC 7644 §3.4.2.2).
        Value::Object(object) => {
            let definition = definition.and_then(|definition| definition.sub_attribute("value"));
            get(object, "value")
                .is_some_and(|value| compare_one(dialect, value, definition, operator, literal))
        }
        value => compare_one(dialect, value, definition, operator, literal),
    })
}

fn compare_one(
    dialect: Dialect,
    value: &Value,
    definition: Option<&'static Attribute>,
    operator: Operator,
    literal: &Literal,
) -> bool {
    match value {
        Value::Bool(value) => match literal.boolean(dialect) {
            Some(literal) => match operator {
                Operator::Eq => *value == literal,
                Operator::Ne => *value != literal,
                _ => false,
            },
            None => operator == Operator::Ne,
        },
        Value::Number(number) => match (number.as_f64(), literal.number(dialect)) {
            (Some(number), Some(literal)) => number
                .partial_cmp(&literal)
                .is_some_and(|ordering| holds(operator, ordering)),
            _ => operator == Operator::Ne,
        },
        Value::String(value) => match literal.text() {
            Some(literal) => compare_text(value, definition, operator, literal),
            None => operator == Operator::Ne,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn compare_text(
    value: &str,
    definition: Option<&'static Attribute>,
    operator: Operator,
    literal: &str,
) -> bool {
    if definition.is_some_and(|definition| definition.kind == Type::DateTime) && !operator.is_substring() {
        let instants = (
            DateTime::parse_from_rfc3339(value),
            DateTime::parse_from_rfc3339(literal),
        );
        return match instants {
            (Ok(value), Ok(literal)) => holds(operator, value.cmp(&literal)),
            _ => operator == Operator::Ne,
        };
    }
    let (value, literal) = match definition.is_some_and(|definition| definition.case_exact) {
        true => (value.nfc().collect::<String>(), literal.nfc().collect::<String>()),
        false => (fold_text(value), fold_text(literal)),
    };
    match operator {
        Operator::Co => value.contains(&literal),
        Operator::Sw => value.starts_with(&literal),
        Operator::Ew => value.ends_with(&literal),
        _ => holds(operator, value.cmp(&literal)),
    }
}

fn holds(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use serde_json::json;

    fn user(filter: &str) -> bool {
        let user = json!({
            "userName": "BJensen", "externalId": "Ab", "active": true, "title": "Ünit Lead",
            "emails": [{"value": "b@work.example", "type": "work", "primary": true}, {"value": "b@home.example", "type": "home"}],
            "meta": {"created": "2024-01-01T10:00:00+01:00"},
            schema::ENTERPRISE_USER: {"employeeNumber": "701984", "Badge colour": "red", "size": 5},
        });
        let attributes = schema::core(crate::scim::ResourceType::User).attributes;
        let rules = Rules::default();
        parse(rules, filter).unwrap().matches_as(rules, &user, attributes)
    }

    #[test]
    fn matches_text_compares_without_case_in_any_operator() {
        for filter in [
            r#"USERNAME eq "bjensen""#,
            r#"userName sw "BJ""#,
            r#"userName ew "SEN""#,
            r#"userName co "jen""#,
            r#"userName gt "a""#,
            r#"userName le "bjensen""#,
            r#"title eq "ÜNIT lead""#,
            "userName pr",
            r#"userName ne "x""#,
            r#"nickName ne "x""#,
            "nickName eq null",
            "userName ne null",
        ] {
            assert!(user(filter), "{filter}");
        }
        for filter in [
            r#"userName eq "jensen""#,
            "nickName pr",
            r#"nickName eq "x""#,
            r#"userName ne "bjensen""#,
        ] {
            assert!(!user(filter), "{filter}");
        }
    }

    #[test]
    fn matches_value_path_needs_one_element_for_all() {
        assert!(user(r#"emails[type eq "work" and value co "work"]"#));
        assert!(!user(r#"emails[type eq "work" and value co "home"]"#));
        assert!(user(r#"emails.type eq "work" and emails.value co "home""#));
        assert!(user(r#"emails[primary eq "True"]"#));
        assert!(user(r#"emails co "home.example""#));
        assert!(user(r#"not (emails[type eq "other"])"#));
    }

    #[test]
    fn matches_extension_attribute_by_urn() {
        let urn = schema::ENTERPRISE_USER;
        assert!(user(&format!("{urn}:employeeNumber eq 701984")));
        assert!(user(&format!("{urn}:size gt 4")));
        assert!(!user(&format!("{urn}:size gt 5")));
        assert!(user(&format!(r#"{}:userName eq "bjensen""#, schema::USER)));
    }

    #[test]
    fn matches_case_exact_and_boolean() {
        assert!(user("active eq true") && user(r#"active eq "True""#) && !user("active eq false"));
        assert!(!user("active gt false"));
    }

    #[test]
    fn matches_element_that_is_a_plain_value_is_its_own_value() {
        assert!(
            parse(Rules::default(), r#"value eq "X""#)
                .unwrap()
                .matches(&json!("x"))
        );
        assert!(
            !parse(Rules::default(), r#"type eq "x""#)
                .unwrap()
                .matches(&json!("x"))
        );
    }
}
