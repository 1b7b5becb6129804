//! `docs/scim-conformance.md` says what the tests prove, no more and no less.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails with the line that went wrong"
)]

mod collect;
mod render;
mod unsupported;

use collect::{Statement, statements_of};
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "docs/scim-conformance.md";
/// Where sources are.
const FOLDERS: &[&str] = &["api", "shared", "tools", "worker"];
/// Set: write the document instead of comparing it.
const WRITE: &str = "WRITE_CONFORMANCE_DOC";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // This generator's own tests quote statements.
        if path.is_dir() && !path.ends_with("conformance_doc") && !path.ends_with("target") {
            found.extend(sources_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// All statements in the order of the document, and what is wrong with comments.
fn collected() -> (Vec<Statement>, Vec<String>) {
    let mut sources: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| sources_below(&root().join(folder)))
        .collect();
    sources.sort();
    let (mut statements, mut wrong) = (vec![], vec![]);
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        let (found, complaints) = statements_of(source.strip_prefix(root()).unwrap(), &text);
        statements.extend(found);
        wrong.extend(complaints);
    }
    statements.sort_by_key(Statement::order);
    (statements, wrong)
}

#[test]
fn statements_of_rfcs_stand_above_tests_in_the_one_form() {
    let (statements, wrong) = collected();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        statements.len() > 150,
        "only {} statements were found: this test no longer sees them",
        statements.len()
    );
}

#[test]
fn statements_said_to_be_unsupported_have_a_test() {
    let (statements, _) = collected();
    for unsupported in unsupported::UNSUPPORTED {
        let named = statements.iter().any(|statement| unsupported.names(statement));
        assert!(
            named,
            "no comment above {} has a statement of RFC {} §{}",
            unsupported.test, unsupported.rfc, unsupported.section
        );
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "no setting of a program: how `make conformance-doc` asks for the document"
)]
fn conformance_document_is_what_the_tests_prove() {
    let wanted = render::document(&collected().0);
    let path = root().join(DOCUMENT);
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &wanted).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written
        .lines()
        .zip(wanted.lines())
        .find(|(written, wanted)| written != wanted);
    assert!(
        written == wanted,
        "{DOCUMENT} is out of date, run `make conformance-doc`; the first difference: {differs:?}"
    );
}
