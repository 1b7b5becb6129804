use std::fmt;

use serde_json::Value;

use crate::expect::{Directory, Rows, Want};

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Difference {
    Missing {
        table: &'static str,
        key: String,
    },
    Extra {
        table: &'static str,
        key: String,
    },
    Field {
        table: &'static str,
        key: String,
        field: String,
        expected: Want,
        found: Value,
    },
    /// Something that has no row to compare with: an unknown column, a rejected value.
    Odd(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing { table, key } => write!(f, "missing {table}: {key}"),
            Difference::Extra { table, key } => write!(f, "extra {table}: {key}"),
            Difference::Field {
                table,
                key,
                field,
                expected,
                found,
            } => {
                write!(f, "{table} {key}: {field} is {found}, expected ")?;
                match expected {
                    Want::Is(value) => write!(f, "{value}"),
                    Want::OneOf(values) => write!(f, "one of {}", Value::Array(values.clone())),
                }
            }
            Difference::Odd(what) => f.write_str(what),
        }
    }
}

pub(super) fn between(expected: &Directory<Want>, actual: &Directory<Value>) -> Vec<Difference> {
    let tables = expected.tables().into_iter().zip(actual.tables());
    tables
        .flat_map(|((table, expected), (_, actual))| rows(table, expected, actual))
        .collect()
}

fn rows(table: &'static str, expected: &Rows<Want>, actual: &Rows<Value>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (key, wanted) in expected {
        let Some(found) = actual.get(key) else {
            differences.push(Difference::Missing {
                table,
                key: key.clone(),
            });
            continue;
        };
        for (field, want) in wanted {
            let value = found.get(field).unwrap_or(&Value::Null);
            let equal = match want {
                Want::Is(wanted) => wanted == value,
                Want::OneOf(wanted) => wanted.contains(value),
            };
            if !equal {
                differences.push(Difference::Field {
                    table,
                    key: key.clone(),
                    field: field.clone(),
                    expected: want.clone(),
                    found: value.clone(),
                });
            }
        }
    }
    let extra = actual.keys().filter(|key| !expected.contains_key(*key));
    differences.extend(extra.map(|key| Difference::Extra {
        table,
        key: key.clone(),
    }));
    differences
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn rows_missing_extra_and_changed_are_each_told_once() {
        let want = |value: &str| BTreeMap::from([("name".to_owned(), Want::Is(json!(value)))]);
        let have = |value: &str| BTreeMap::from([("name".to_owned(), json!(value))]);
        let expected = Rows::from([
            ("a".into(), want("A")),
            ("b".into(), want("B")),
            ("c".into(), want("C")),
        ]);
        let actual = Rows::from([
            ("b".into(), have("B")),
            ("c".into(), have("X")),
            ("d".into(), have("D")),
        ]);
        let told: Vec<String> = rows("team", &expected, &actual)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "missing team: a",
                r#"team c: name is "X", expected "C""#,
                "extra team: d"
            ]
        );
    }

    #[test]
    fn rows_one_of_several_spellings_is_no_difference() {
        let want = Want::OneOf(vec![json!("Sales"), json!("SALES")]);
        let expected = Rows::from([("a".into(), BTreeMap::from([("name".to_owned(), want)]))]);
        let actual = Rows::from([("a".into(), BTreeMap::from([("name".to_owned(), json!("SALES"))]))]);
        assert_eq!(rows("team", &expected, &actual), []);
    }
}
