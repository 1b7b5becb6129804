//! Reading the statements of the RFCs that tests prove from the comments above them.

use std::path::{Path, PathBuf};

/// The RFCs of SCIM.
const RFCS: &[u16] = &[7643, 7644, 9865, 9967];

/// One statement, and a test that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub rfc: u16,
    /// `3.5.2.1`
    pub section: String,
    pub text: String,
    pub test: String,
    /// From the project's folder.
    pub file: PathBuf,
}

impl Statement {
    /// The numbers of the section, for the order of the document.
    pub(crate) fn order(&self) -> (u16, Vec<u32>) {
        let numbers = self.section.split('.').map(|number| number.parse().unwrap_or(0));
        (self.rfc, numbers.collect())
    }
}

/// The statements of one source file, and complaints about comments that are none.
pub(crate) fn statements_of(file: &Path, source: &str) -> (Vec<Statement>, Vec<String>) {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let (mut found, mut wrong) = (vec![], vec![]);
    let mut next = 0;
    while next < lines.len() {
        let begin = next;
        let comment = lines[begin..]
            .iter()
            .take_while(|line| line.starts_with("///"))
            .count();
        next += comment.max(1);
        let comment = &lines[begin..begin + comment];
        let Some(first) = comment.iter().position(|line| is_statement(line)) else {
            continue;
        };
        let complain = |line: usize, what: &str| format!("{}:{}: {what}", file.display(), line + 1);
        let Some(test) = test_below(&lines[next..]) else {
            wrong.push(complain(begin, "stands above something that is no test"));
            continue;
        };
        for (index, line) in comment.iter().enumerate().skip(first) {
            match parse(line) {
                Ok((rfc, section, text)) => found.push(Statement {
                    rfc,
                    section: section.to_owned(),
                    text: text.to_owned(),
                    test: test.to_owned(),
                    file: file.to_owned(),
                }),
                Err(what) => wrong.push(complain(begin + index, what)),
            }
        }
    }
    (found, wrong)
}

/// Whether a line of a comment means to be a statement: it begins with a section of an RFC.
fn is_statement(line: &str) -> bool {
    let rest = line.trim_start_matches('/').trim_start();
    let rest = rest.strip_prefix("RFC").map(str::trim_start);
    rest.is_some_and(|rest| {
        let number = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        number.len() < rest.len() && number.trim_start().starts_with('§')
    })
}

/// `/// RFC 7644 §3.5.2.1: the statement.` as number, section and statement.
fn parse(line: &str) -> Result<(u16, &str, &str), &'static str> {
    let rest = line
        .strip_prefix("/// RFC ")
        .ok_or("a statement is one line that begins with RFC and its number")?;
    let (rfc, rest) = rest
        .split_once(" §")
        .ok_or("the section must follow the number of the RFC after a space")?;
    let rfc = rfc.parse().ok().filter(|rfc| RFCS.contains(rfc));
    let rfc = rfc.ok_or("the RFC is none of SCIM")?;
    let (section, text) = rest.split_once(": ").ok_or("a colon must follow the section")?;
    let numbers = section.split('.').all(|number| number.parse::<u32>().is_ok());
    if !numbers {
        return Err("a section is numbers between dots");
    }
    match text.len() > 10 && text.ends_with('.') {
        true => Ok((rfc, section, text)),
        false => Err("the statement must be a sentence that ends with a full stop"),
    }
}

/// The name of the test that these lines begin with: attributes, one of them `test`, and `fn`.
fn test_below<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let head = lines.iter().position(|line| line.contains("fn "))?;
    let attributes = lines[..head].join(" ");
    let is_test = ["#[test]", "#[tokio::test]", "#[tokio::test("];
    let only_attributes = attributes.is_empty() || attributes.starts_with("#[");
    let is_test = only_attributes && is_test.iter().any(|test| attributes.contains(test));
    let name = lines[head].split("fn ").nth(1)?;
    let name = name.split(['(', '<']).next()?;
    is_test.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(source: &str) -> (Vec<Statement>, Vec<String>) {
        statements_of(Path::new("a.rs"), source)
    }

    #[test]
    fn statements_of_a_test_are_collected_with_its_name() {
        let source = "/// RFC 7644 §3.10: names have no case.\n/// RFC 7643 §2.1: names have a grammar.\n\
            #[tokio::test]\nasync fn names_are_names() {\n}\n";
        let (found, wrong) = collect(source);
        assert_eq!(wrong, [""; 0]);
        let one = |index: usize| (found[index].rfc, found[index].section.as_str());
        assert_eq!((one(0), one(1)), ((7644, "3.10"), (7643, "2.1")));
        assert_eq!(found[0].text, "names have no case.");
        assert!(found.iter().all(|statement| statement.test == "names_are_names"));
        assert!(found[1].order() < found[0].order());
    }

    #[test]
    fn statements_above_what_is_no_test_or_of_another_form_are_complained_about() {
        for source in [
            "/// RFC 7644 §3.10: names have no case.\nfn helper() {}\n",
            "/// RFC 7644 §3.10: names have no case.\nstruct Nothing;\n#[test]\nfn later() {}\n",
            "/// RFC 7644 §3.10 names have no case.\n#[test]\nfn a() {}\n",
            "/// RFC 7644 §3.10: names have no case\n#[test]\nfn a() {}\n",
            "/// RFC 7644 §three: names have no case.\n#[test]\nfn a() {}\n",
            "/// RFC 7662 §3.10: names have no case.\n#[test]\nfn a() {}\n",
            "/// RFC7644 §3.10: names have no case.\n#[test]\nfn a() {}\n",
            "/// RFC 7644 §3.10: names have no case.\n/// Continued.\n#[test]\nfn a() {}\n",
        ] {
            assert_eq!(collect(source).1.len(), 1, "{source}");
        }
        let prose = "/// See RFC 7644 §3.10.\nfn helper() {}\n";
        assert_eq!(collect(prose), (vec![], vec![]));
    }
}
