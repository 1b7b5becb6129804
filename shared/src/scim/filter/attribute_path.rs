//! Names of attributes in filters, paths and selections (RFC 7644 §3.10).

use crate::scim::schema::{self, SchemaSet};

/// A reference to an attribute: `urn:…:User:name.givenName`. Names as the client spelled them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema; the table's spelling of one it knows.
    pub urn: Option<String>,
    /// Empty when the path names a schema as a whole.
    pub name: String,
    pub sub: Option<String>,
}

impl AttributePath {
    /// Read a path; `None` when it is not one. Attributes of extensions may have any name
    /// (raw ids, names with spaces), those of the core schemas only names of the grammar.
    pub fn parse(schemas: SchemaSet, text: &str) -> Option<AttributePath> {
        let (urn, rest) = split_urn(schemas, text)?;
        let known = urn.as_deref().and_then(|urn| schemas.by_urn(urn));
        let custom = urn.is_some()
            && !known.is_some_and(|schema| {
                let head = rest.split('.').next().unwrap_or(rest);
                schema.attribute(head).is_some() || schema.id == schema::USER || schema.id == schema::GROUP
            });
        if custom {
            let valid = !rest.chars().any(char::is_control);
            return valid.then(|| AttributePath {
                urn,
                name: rest.to_owned(),
                sub: None,
            });
        }
        if rest.is_empty() {
            return urn.is_some().then(|| AttributePath {
                urn,
                name: String::new(),
                sub: None,
            });
        }
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return None;
        }
        Some(AttributePath {
            urn,
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }
}

/// `ATTRNAME`, and the `$ref` that the grammar forgets.
fn is_name(text: &str) -> bool {
    let mut characters = text.strip_prefix('$').unwrap_or(text).chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'))
}

/// The schema a path begins with, and the rest. A known URN is recognised as a whole, an
/// unknown one ends at the last colon.
fn split_urn(schemas: SchemaSet, text: &str) -> Option<(Option<String>, &str)> {
    let prefixed = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if !prefixed("urn:") {
        return Some((None, text));
    }
    if let Some(schema) = schemas.leading(text) {
        let urn = Some(schema.id.to_owned());
        return match text[schema.id.len()..].strip_prefix(':') {
            None => Some((urn, "")),
            Some(rest) => (!rest.is_empty()).then_some((urn, rest)),
        };
    }
    let (urn, rest) = text.rsplit_once(':')?;
    let is_urn = urn.len() > "urn:".len() && !urn.contains(char::is_control);
    (is_urn && !rest.is_empty()).then(|| (Some(urn.to_owned()), rest))
}

impl std::fmt::Display for AttributePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(urn) = &self.urn {
            f.write_str(urn)?;
            if !self.name.is_empty() {
                f.write_str(":")?;
            }
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(Option<String>, String, Option<String>)> {
        AttributePath::parse(SchemaSet::default(), text).map(|path| (path.urn, path.name, path.sub))
    }

    #[test]
    fn parse_known_urn_splits_after_the_urn_whatever_its_case() {
        let enterprise = Some(schema::ENTERPRISE_USER.to_owned());
        let text = format!("{}:manager.value", schema::ENTERPRISE_USER.to_uppercase());
        assert_eq!(
            parts(&text),
            Some((enterprise.clone(), "manager".into(), Some("value".into())))
        );
        assert_eq!(
            parts(schema::ENTERPRISE_USER),
            Some((enterprise, String::new(), None))
        );
    }

    #[test]
    fn parse_custom_attribute_of_extension_keeps_spaces_and_dots() {
        let (_, name, sub) = parts(&format!("{}:Shirt size v1.2", schema::ENTERPRISE_USER)).unwrap();
        assert_eq!((name.as_str(), sub), ("Shirt size v1.2", None));
        assert_eq!(
            parts("urn:example:2.0:User:tag").unwrap().0.as_deref(),
            Some("urn:example:2.0:User")
        );
    }

    #[test]
    fn parse_what_is_no_name_is_none() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a b",
            "1a",
            "a.b.c",
            "urn:",
            "urn:x",
            "urn::",
            "a\0",
            "urn:a\0:b",
        ] {
            assert_eq!(parts(text), None, "{text:?}");
        }
        assert!(parts("members.$ref").is_some());
    }
}
