//! Paths of PATCH operations (RFC 7644 §3.5.2).

use super::filter::{self, AttributePath, Filter};
use super::{Rules, ScimError};

/// Longest path accepted, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// `attribute`, `attribute.sub`, `attribute[filter]` or `attribute[filter].sub`, each perhaps
/// after a schema's URN; or the URN of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub attribute: AttributePath,
    /// Selects among the values of a multi-valued attribute.
    pub filter: Option<Filter>,
}

impl Path {
    /// # Errors
    /// 400 `invalidPath`; `invalidFilter` for what is between the brackets.
    pub fn parse(rules: Rules, text: &str) -> Result<Path, ScimError> {
        let text = text.trim();
        let malformed = || ScimError::invalid_path("the path is not an attribute path");
        if text.len() > MAX_LENGTH {
            return Err(malformed());
        }
        let Some((attribute, rest)) = text.split_once('[') else {
            let attribute = AttributePath::parse(rules.schemas, text).ok_or_else(malformed)?;
            return Ok(Path {
                attribute,
                filter: None,
            });
        };
        let mut attribute = AttributePath::parse(rules.schemas, attribute.trim_end())
            .filter(|attribute| attribute.sub.is_none() && !attribute.name.is_empty())
            .ok_or_else(malformed)?;
        let end = closing_bracket(rest).ok_or_else(malformed)?;
        let filter = filter::parse(rules, &rest[..end])?;
        match rest[end + 1..].trim() {
            "" => {}
            sub => {
                let sub = sub.strip_prefix('.');
                let sub = sub.and_then(|sub| AttributePath::parse(rules.schemas, sub));
                let sub = sub.filter(|sub| sub.urn.is_none() && sub.sub.is_none());
                attribute.sub = Some(sub.ok_or_else(malformed)?.name);
            }
        }
        Ok(Path {
            attribute,
            filter: Some(filter),
        })
    }
}

/// The byte position of the first `]` outside quotes.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{ScimType, schema};
    use proptest::prelude::*;

    #[test]
    fn parse_every_form_of_the_grammar() {
        let path = Path::parse(Rules::default(), r#"emails[type eq "a]b"].value"#).unwrap();
        assert_eq!(path.attribute.to_string(), "emails.value");
        assert!(path.filter.is_some());
        for text in [
            "members",
            "name.familyName",
            r#"addresses[type eq "work"]"#,
            schema::ENTERPRISE_USER,
        ] {
            assert!(Path::parse(Rules::default(), text).is_ok(), "{text}");
        }
        let manager = format!("{}:manager.value", schema::ENTERPRISE_USER);
        assert_eq!(
            Path::parse(Rules::default(), &manager)
                .unwrap()
                .attribute
                .to_string(),
            manager
        );
    }

    #[test]
    fn parse_what_is_no_path_is_invalid_path() {
        for text in [
            "",
            " ",
            "a b",
            "a[",
            "a[b pr",
            "a[b pr]c",
            "a[b pr].",
            "a.b[c pr]",
            "a[b pr].c.d",
            "[a pr]",
            "a.b.c",
        ] {
            let error = Path::parse(Rules::default(), text).expect_err(text);
            assert_eq!(error.scim_type, Some(ScimType::InvalidPath), "{text}");
        }
        assert_eq!(
            Path::parse(Rules::default(), "a[b xx 1]").unwrap_err().scim_type,
            Some(ScimType::InvalidFilter)
        );
    }

    proptest! {
        #[test]
        fn parse_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = Path::parse(Rules::default(), &text);
        }

        #[test]
        fn parse_text_like_a_path_never_panics(
            parts in prop::collection::vec(
                prop::sample::select(vec!["a", "emails", "[", "]", ".", "type eq \"w\"", "\"", "\\", "urn:a:b:", " ", "é"]),
                0..12,
            ),
        ) {
            let _ = Path::parse(Rules::default(), &parts.concat());
        }
    }
}
