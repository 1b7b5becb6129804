//! Tokens → [`Filter`]: `or` binds weakest, then `and`, then `not (…)`.

use super::lexer::{Token, tokens};
use super::{AttributePath, Filter, Literal, Operator};
use crate::scim::{Rules, ScimError};

/// Bounds on what one filter may ask: the parser and all who walk its result recurse.
const MAX_LENGTH: usize = 16 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_TERMS: usize = 256;

/// Parse a filter.
///
/// # Errors
/// 400 `invalidFilter` for text that is no filter or asks for too much.
pub fn parse(rules: Rules, text: &str) -> Result<Filter, ScimError> {
    if text.len() > MAX_LENGTH {
        return Err(ScimError::invalid_filter(format!(
            "the filter is longer than {MAX_LENGTH} bytes"
        )));
    }
    let mut parser = Parser {
        rules,
        tokens: tokens(text)?.into_iter().peekable(),
        depth: 0,
        terms: 0,
        inside_element: false,
    };
    let filter = parser.any()?;
    match parser.tokens.next() {
        None => Ok(filter),
        Some(_) => Err(ScimError::invalid_filter("the filter goes on after its end")),
    }
}

struct Parser {
    rules: Rules,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
    terms: usize,
    inside_element: bool,
}

impl Parser {
    fn any(&mut self) -> Result<Filter, ScimError> {
        let mut alternatives = vec![self.all()?];
        while self.keyword("or") {
            alternatives.push(self.all()?);
        }
        Ok(only_or(alternatives, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, ScimError> {
        let mut conjuncts = vec![self.term()?];
        while self.keyword("and") {
            conjuncts.push(self.term()?);
        }
        Ok(only_or(conjuncts, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(ScimError::invalid_filter(format!(
                "the filter has more than {MAX_TERMS} terms"
            )));
        }
        match self.tokens.next() {
            Some(Token::Open) => self.group(),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.next_is(&Token::Open) => {
                self.tokens.next();
                Ok(Filter::Not(Box::new(self.group()?)))
            }
            Some(Token::Word(word)) => self.expression(&word),
            _ => Err(ScimError::invalid_filter(
                "an attribute name is missing in the filter",
            )),
        }
    }

    /// After `(`.
    fn group(&mut self) -> Result<Filter, ScimError> {
        self.enter()?;
        let filter = self.any()?;
        self.expect(&Token::Close, "a closing parenthesis is missing in the filter")?;
        self.depth -= 1;
        Ok(filter)
    }

    fn expression(&mut self, word: &str) -> Result<Filter, ScimError> {
        let path = AttributePath::parse(self.rules.schemas, word)
            .filter(|path| !path.name.is_empty())
            .ok_or_else(|| ScimError::invalid_filter("the filter has an attribute name that is none"))?;
        if self.next_is(&Token::OpenBracket) {
            return self.element(path);
        }
        self.comparison(path)
    }

    /// `[filter]`, and perhaps `.sub op value`.
    fn element(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if self.inside_element || path.sub.is_some() {
            return Err(ScimError::invalid_filter(format!(
                "{path} cannot be filtered inside its values"
            )));
        }
        self.tokens.next();
        self.enter()?;
        self.inside_element = true;
        let mut filter = self.any()?;
        self.expect(&Token::CloseBracket, "a closing bracket is missing in the filter")?;
        self.inside_element = false;
        self.depth -= 1;
        if let Some(sub) = self.sub_attribute() {
            let sub = AttributePath::parse(self.rules.schemas, &sub)
                .filter(|sub| sub.urn.is_none() && sub.sub.is_none())
                .ok_or_else(|| ScimError::invalid_filter(format!("{path} has no such sub-attribute")))?;
            filter = Filter::And(vec![filter, self.comparison(sub)?]);
        }
        Ok(Filter::Element {
            path,
            filter: Box::new(filter),
        })
    }

    fn sub_attribute(&mut self) -> Option<String> {
        let token = self
            .tokens
            .next_if(|token| matches!(token, Token::Word(word) if word.starts_with('.')))?;
        match token {
            Token::Word(word) => Some(word[1..].to_owned()),
            _ => None,
        }
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        let Some(Token::Word(word)) = self.tokens.next() else {
            return Err(ScimError::invalid_filter(format!(
                "an operator is missing after {path}"
            )));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::from_word(&word)
            .ok_or_else(|| ScimError::invalid_filter(format!("the operator after {path} does not exist")))?;
        let value = match self.tokens.next() {
            Some(Token::Text(text)) => Literal::Text(text),
            Some(Token::Word(word)) => self.unquoted(word, &path)?,
            _ => {
                return Err(ScimError::invalid_filter(format!(
                    "a value is missing after {path}"
                )));
            }
        };
        if value == Literal::Null && !matches!(operator, Operator::Eq | Operator::Ne) {
            return Err(ScimError::invalid_filter(format!(
                "{path} can only equal null or not"
            )));
        }
        Ok(Filter::Compare {
            path,
            operator,
            value,
        })
    }

    /// `true`, `false`, `null`, a number; anything else is a text whose quotes were forgotten.
    fn unquoted(&self, word: String, path: &AttributePath) -> Result<Literal, ScimError> {
        let tolerant = self.rules.dialect.takes_unquoted_values();
        let is = |keyword: &str| word == keyword || (tolerant && word.eq_ignore_ascii_case(keyword));
        if is("true") {
            return Ok(Literal::Boolean(true));
        }
        if is("false") {
            return Ok(Literal::Boolean(false));
        }
        if is("null") {
            return Ok(Literal::Null);
        }
        match serde_json::from_str::<serde_json::Number>(&word) {
            Ok(_) => Ok(Literal::Number(word)),
            Err(_) if tolerant => Ok(Literal::Text(word)),
            Err(_) => Err(ScimError::invalid_filter(format!(
                "the value after {path} must be quoted"
            ))),
        }
    }

    fn enter(&mut self) -> Result<(), ScimError> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(ScimError::invalid_filter(format!(
                "the filter nests deeper than {MAX_DEPTH}"
            ))),
            false => Ok(()),
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is_keyword =
            |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(is_keyword).is_some()
    }

    fn next_is(&mut self, token: &Token) -> bool {
        self.tokens.peek() == Some(token)
    }

    fn expect(&mut self, token: &Token, otherwise: &str) -> Result<(), ScimError> {
        match self.tokens.next_if_eq(token) {
            Some(_) => Ok(()),
            None => Err(ScimError::invalid_filter(otherwise)),
        }
    }
}

fn only_or(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            join(filters)
        }
        None => join(filters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::SchemaSet;
    use proptest::prelude::*;

    fn compare(name: &str, operator: Operator, value: Literal) -> Filter {
        let path = AttributePath::parse(SchemaSet::default(), name).unwrap();
        Filter::Compare {
            path,
            operator,
            value,
        }
    }

    fn text(value: &str) -> Literal {
        Literal::Text(value.into())
    }

    #[test]
    fn parse_and_binds_stronger_than_or() {
        let a = compare("a", Operator::Eq, text("1"));
        let b = compare("b", Operator::Co, text("2"));
        let c = Filter::Present(AttributePath::parse(SchemaSet::default(), "c").unwrap());
        let filter = parse(Rules::default(), r#"a eq "1" OR b CO "2" and c pr"#).unwrap();
        assert_eq!(
            filter,
            Filter::Or(vec![a.clone(), Filter::And(vec![b.clone(), c.clone()])])
        );
        let grouped = parse(Rules::default(), r#"(a eq "1" or b co "2") and not (c pr)"#).unwrap();
        let not_c = Filter::Not(Box::new(c));
        assert_eq!(grouped, Filter::And(vec![Filter::Or(vec![a, b]), not_c]));
    }

    #[test]
    fn parse_values_are_typed_and_unquoted_text_is_tolerated() {
        for (value, literal) in [
            ("true", Literal::Boolean(true)),
            ("False", Literal::Boolean(false)),
            ("null", Literal::Null),
            ("-1.5e3", Literal::Number("-1.5e3".into())),
            ("007", text("007")),
            ("bjensen@example.com", text("bjensen@example.com")),
            (r#""a b""#, text("a b")),
        ] {
            assert_eq!(
                parse(Rules::default(), &format!("a eq {value}")).unwrap(),
                compare("a", Operator::Eq, literal)
            );
        }
    }

    #[test]
    fn parse_entra_sub_attribute_after_value_path_is_one_element() {
        assert_eq!(
            parse(Rules::default(), r#"emails[type eq "work"].value eq "a@b.c""#).unwrap(),
            parse(Rules::default(), r#"emails[type eq "work" and value eq "a@b.c"]"#).unwrap(),
        );
    }

    #[test]
    fn parse_urn_qualified_attribute_has_its_schema() {
        let urn = crate::scim::schema::ENTERPRISE_USER;
        let Filter::Compare { path, .. } =
            parse(Rules::default(), &format!(r#"{urn}:manager.value eq "1""#)).unwrap()
        else {
            panic!("no comparison")
        };
        assert_eq!(path.urn.as_deref(), Some(urn));
        assert_eq!(
            (path.name.as_str(), path.sub.as_deref()),
            ("manager", Some("value"))
        );
    }

    #[test]
    fn parse_what_is_no_filter_is_invalid_filter() {
        for filter in [
            "",
            " ",
            "a",
            "a eq",
            "a xx \"b\"",
            "a eq \"b\" and",
            "(a pr",
            "a pr)",
            "not a pr",
            "a[b pr",
            "a[b[c pr]]",
            "a.b[c pr]",
            "a pr b pr",
            "a gt null",
            "\"a\" eq \"b\"",
            "a eq (b)",
            "urn:x pr",
            "a[b pr].c.d pr",
            "and pr or",
        ] {
            let error = parse(Rules::default(), filter).expect_err(filter);
            assert_eq!(
                error.scim_type,
                Some(crate::scim::ScimType::InvalidFilter),
                "{filter}"
            );
        }
    }

    #[test]
    fn parse_beyond_the_limits_is_invalid_filter() {
        assert!(
            parse(
                Rules::default(),
                &format!("{}a pr{}", "(".repeat(5_000), ")".repeat(5_000))
            )
            .is_err()
        );
        assert!(parse(Rules::default(), &"not (".repeat(3_000)).is_err());
        assert!(parse(Rules::default(), &vec!["a pr"; 1_000].join(" or ")).is_err());
        assert!(parse(Rules::default(), &format!("a eq \"{}\"", "x".repeat(20_000))).is_err());
        assert!(parse(Rules::default(), &vec!["a pr"; 200].join(" or ")).is_ok());
    }

    proptest! {
        #[test]
        fn parse_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = parse(Rules::default(), &text);
        }

        #[test]
        fn parse_text_like_a_filter_never_panics(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "emails", "[", "]", "(", ")", "not", "and", "or", "eq", "pr", "co", "\"x\"", "\"", ".value",
                    "null", "1", "urn:a:b", "\\", "é",
                ]),
                0..24,
            ),
            spaced in any::<bool>(),
        ) {
            let _ = parse(Rules::default(), &words.join(if spaced { " " } else { "" }));
        }
    }
}
