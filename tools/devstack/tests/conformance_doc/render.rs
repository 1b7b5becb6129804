//! The document.

use crate::collect::Statement;
use crate::unsupported::{UNSUPPORTED, Unsupported};
use std::fmt::Write as _;

const HEAD: &str = "\
# SCIM conformance

Every statement of the SCIM RFCs that Rollcall's tests prove, in the order of the sections. Written by
`make conformance-doc` from the comments above the tests; a test fails when this file is out of date.
Statements that address clients only are not listed. That a statement is not here does not say that
it does not hold.

";

const TITLES: &[(u16, &str)] = &[
    (7643, "Core schema"),
    (7644, "Protocol"),
    (9865, "Cursor-based pagination"),
    (9967, "Security events and asynchronous requests"),
];

pub(crate) fn document(statements: &[Statement]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| RFC | Title | Statements | Not supported |\n|---|---|---|---|\n");
    let of = |rfc: u16| statements.iter().filter(move |statement| statement.rfc == rfc);
    for (rfc, title) in TITLES {
        let not = of(*rfc)
            .filter(|statement| unsupported(statement).is_some())
            .count();
        let _ = writeln!(text, "| {rfc} | {title} | {} | {not} |", of(*rfc).count());
    }
    for (rfc, title) in TITLES.iter().filter(|(rfc, _)| of(*rfc).count() > 0) {
        let _ = write!(text, "\n## RFC {rfc}: {title}\n\n");
        text.push_str("| § | Statement | Test | Status |\n|---|---|---|---|\n");
        for statement in of(*rfc) {
            row(&mut text, statement);
        }
    }
    text
}

fn row(text: &mut String, statement: &Statement) {
    let Statement {
        section, test, file, ..
    } = statement;
    let status = match unsupported(statement) {
        Some(unsupported) => format!("not supported: {}", unsupported.reason),
        None => "holds".to_owned(),
    };
    let said = statement.text.replace('|', "\\|");
    let file = file.display();
    let _ = writeln!(text, "| {section} | {said} | [`{test}`](../{file}) | {status} |");
}

fn unsupported(statement: &Statement) -> Option<&'static Unsupported> {
    UNSUPPORTED
        .iter()
        .find(|unsupported| unsupported.names(statement))
}

impl Unsupported {
    pub(crate) fn names(&self, statement: &Statement) -> bool {
        (self.rfc, self.section, self.test) == (statement.rfc, &*statement.section, &*statement.test)
    }
}
