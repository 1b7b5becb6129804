//! Text → tokens.

use crate::scim::ScimError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A quoted string, unescaped.
    Text(String),
    /// Anything else up to white space or a bracket: names, operators, unquoted values.
    Word(String),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ScimError> {
    if text.contains('\0') {
        return Err(ScimError::invalid_filter("the filter contains a NUL character"));
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => {
                let length = quoted_length(rest)
                    .ok_or_else(|| ScimError::invalid_filter("a quoted value in the filter does not end"))?;
                let value: String = serde_json::from_str(&rest[..length]).map_err(|_| {
                    ScimError::invalid_filter("a quoted value in the filter is no JSON string")
                })?;
                if value.contains('\0') {
                    return Err(ScimError::invalid_filter("the filter contains a NUL character"));
                }
                (Token::Text(value), length)
            }
            _ => {
                let end =
                    rest.find(|character: char| character.is_whitespace() || "()[]\"".contains(character));
                let length = end.unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The length in bytes of the quoted string `text` begins with.
pub(in crate::scim) fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_quoted_value_with_escapes_and_brackets_is_one_token() {
        let tokens = tokens(r#"emails[value eq "a\"]b (c)"]"#).unwrap();
        assert_eq!(tokens[4], Token::Text("a\"]b (c)".into()));
        assert_eq!(tokens.len(), 6);
    }

    #[test]
    fn tokens_unterminated_or_nul_is_invalid_filter() {
        for text in [
            "a eq \"b",
            "a eq \"b\\\"",
            "a eq \"\\u0000\"",
            "a\0",
            r#"a eq "\q""#,
        ] {
            assert!(tokens(text).is_err(), "{text:?}");
        }
    }
}
