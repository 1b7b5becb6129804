//! The documentation stays true: what it names exists.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails with the line that went wrong"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A longer one is not read.
const README_LINES: usize = 150;
/// Top-level folders of the project: what begins with one of them is a path.
const FOLDERS: &[&str] = &[
    ".ci",
    ".config",
    "api",
    "deploy",
    "docs",
    "fuzz",
    "migrations",
    "scripts",
    "shared",
    "tools",
    "worker",
];
/// Endings of files that are named without a folder.
const FILES: &[&str] = &[
    ".lock",
    ".md",
    ".sample",
    ".toml",
    ".yml",
    "Dockerfile",
    "Makefile",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// README, CHANGELOG and everything in docs.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    documents.extend(files_below(&root().join("docs"), ".md"));
    documents
}

/// What stands in single backticks, outside of fenced blocks.
fn code_spans(text: &str) -> Vec<&str> {
    let fences = text.split("```");
    let prose = fences.enumerate().filter(|(place, _)| place % 2 == 0);
    prose
        .flat_map(|(_, prose)| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// Targets of links, without fragments.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
        .collect()
}

fn is_path(span: &str) -> bool {
    let plain = span
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
    let file = !span.contains('/') && FILES.iter().any(|ending| span.ends_with(ending));
    let below = span
        .split_once('/')
        .is_some_and(|(folder, _)| FOLDERS.contains(&folder));
    plain && (file || below)
}

/// Fields of the `metrics!` block in `shared/src/telemetry/metrics.rs`.
fn metric_names() -> BTreeSet<String> {
    let source = read(&root().join("shared/src/telemetry/metrics.rs"));
    let block = source.split("\nmetrics! {").nth(1).unwrap();
    let block = block.split("\n}").next().unwrap();
    block
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .filter_map(|line| line.split_once(": "))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Every environment variable a setting can be given by.
fn variables() -> BTreeSet<String> {
    let mut variables = BTreeSet::new();
    for sources in ["api/src", "worker/src", "shared/src"] {
        for file in files_below(&root().join(sources), ".rs") {
            let text = read(&file);
            let names = text
                .split("env = \"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            variables.extend(names.map(str::to_owned));
        }
    }
    variables
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documents_name_only_files_and_folders_that_exist() {
    let mut wrong = vec![];
    let mut named = 0;
    for document in documents() {
        let text = read(&document);
        let here = document.parent().unwrap();
        for span in code_spans(&text).into_iter().filter(|span| is_path(span)) {
            named += 1;
            if !root().join(span).exists() && !here.join(span).exists() {
                wrong.push(format!("{}: there is no {span}", document.display()));
            }
        }
        for target in links(&text).into_iter().filter(|target| !target.contains("://")) {
            named += 1;
            if !here.join(target).exists() {
                wrong.push(format!("{}: a link leads nowhere: {target}", document.display()));
            }
        }
    }
    none(&wrong);
    assert!(
        named > 50,
        "only {named} paths were found: this test no longer sees them"
    );
}

#[test]
fn documents_name_only_metrics_make_targets_and_settings_that_exist() {
    let metrics = metric_names();
    assert!(metrics.len() > 20, "{metrics:?}");
    let makefile = read(&root().join("Makefile"));
    let settings = read(&root().join(".env.sample"));
    let tests = files_below(&root().join("worker/tests"), ".rs");
    let known_to_tests: String = tests.iter().map(|file| read(file)).collect();
    let mut wrong = vec![];
    for document in documents() {
        let text = read(&document);
        for span in code_spans(&text) {
            if let Some(name) = span.strip_prefix("rollcall_") {
                let stem = name.strip_suffix("_total").unwrap_or(name);
                if !metrics.contains(stem) {
                    wrong.push(format!("{}: there is no metric {span}", document.display()));
                }
            }
            if let Some(target) = span.strip_prefix("make ") {
                let target = target.split(' ').next().unwrap();
                if !makefile.contains(&format!("\n{target}:")) {
                    wrong.push(format!("{}: there is no {span}", document.display()));
                }
            }
            let name = span.split('=').next().unwrap();
            let setting = name.starts_with("ROLLCALL_");
            if setting && !settings.contains(&format!("\n{name}=")) && !known_to_tests.contains(name) {
                wrong.push(format!("{}: there is no setting {name}", document.display()));
            }
        }
    }
    none(&wrong);
}

/// Names of the alerts in `deploy/prometheus/alerts.yml`.
fn alerts() -> BTreeSet<String> {
    let rules = read(&root().join("deploy/prometheus/alerts.yml"));
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

#[test]
fn alert_each_has_its_entry_in_the_runbook_its_link_and_its_test() {
    let alerts = alerts();
    assert!(alerts.len() > 10, "{alerts:?}");
    let rules = read(&root().join("deploy/prometheus/alerts.yml"));
    let tests = read(&root().join("deploy/prometheus/alerts.test.yml"));
    let runbook = read(&root().join("docs/RUNBOOK.md"));
    let entries: BTreeSet<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### Rollcall"))
        .collect();
    let mut wrong = vec![];
    for alert in &alerts {
        let entry = runbook
            .split(&format!("\n### {alert}\n"))
            .nth(1)
            .unwrap_or_default();
        let entry = entry.split("\n#").next().unwrap_or_default();
        for part in ["**Meaning**", "**First look**", "**Remedy**"] {
            if !entry.contains(part) {
                wrong.push(format!("docs/RUNBOOK.md: the entry {alert} has no {part}"));
            }
        }
        let anchor = format!("docs/RUNBOOK.md#{}\n", alert.to_lowercase());
        if !rules.contains(&anchor) {
            wrong.push(format!("alerts.yml: {alert} does not lead to its entry"));
        }
        // A test that it fires: its summary is expected somewhere.
        let fires = format!("alertname: {alert}\n        exp_alerts:\n");
        if !tests.contains(&fires) {
            wrong.push(format!("alerts.test.yml: no test sees {alert} fire"));
        }
    }
    let gone = entries
        .iter()
        .filter(|entry| !alerts.contains(&format!("Rollcall{entry}")));
    wrong.extend(gone.map(|entry| format!("docs/RUNBOOK.md: there is no alert Rollcall{entry}")));
    none(&wrong);
}

#[test]
fn alerts_and_dashboards_name_only_metrics_that_exist() {
    let metrics = metric_names();
    let mut wrong = vec![];
    let mut named = 0;
    for file in [
        files_below(&root().join("deploy"), ".yml"),
        files_below(&root().join("deploy"), ".json"),
    ]
    .concat()
    {
        let text = read(&file);
        for rest in text.split("rollcall_").skip(1) {
            let end = rest
                .find(|letter: char| {
                    !(letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
                })
                .unwrap_or(rest.len());
            let name = &rest[..end];
            let stem = ["_total", "_bucket", "_count", "_sum"]
                .iter()
                .find_map(|ending| name.strip_suffix(ending))
                .unwrap_or(name);
            named += 1;
            if !metrics.contains(stem) && !metrics.contains(name) {
                wrong.push(format!("{}: there is no metric rollcall_{name}", file.display()));
            }
        }
    }
    none(&wrong);
    assert!(
        named > 30,
        "only {named} metrics were found: this test no longer sees them"
    );
}

/// ``[`test`](../file.rs)``: the test and the file it is said to be in.
fn tests_linked_in(text: &str) -> Vec<(&str, &str)> {
    let spans = text.split("[`").skip(1);
    spans
        .filter_map(|rest| rest.split_once("`]("))
        .filter_map(|(test, rest)| Some((test, rest.split_once(')')?.0)))
        .filter(|(_, file)| file.ends_with(".rs"))
        .collect()
}

#[test]
fn documents_link_only_tests_that_exist() {
    let mut wrong = vec![];
    let mut linked = 0;
    for document in documents() {
        let text = read(&document);
        let here = document.parent().unwrap();
        for (test, file) in tests_linked_in(&text) {
            linked += 1;
            if !read(&here.join(file)).contains(&format!("fn {test}(")) {
                wrong.push(format!("{}: {file} has no {test}", document.display()));
            }
        }
    }
    none(&wrong);
    assert!(
        linked > 100,
        "only {linked} tests were found: this test no longer sees them"
    );
}

#[test]
fn every_rule_of_links_has_a_test() {
    let text = read(&root().join("docs/links.md"));
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let rules: Vec<&str> = rows.filter(|row| !row.starts_with("| **")).collect();
    assert!(rules.len() > 20, "{rules:?}");
    let unproven = rules.iter().filter(|rule| tests_linked_in(rule).is_empty());
    none(&unproven.map(|rule| (*rule).to_owned()).collect::<Vec<_>>());
}

#[test]
fn readme_is_short_enough_to_be_read() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(
        lines <= README_LINES,
        "README.md has {lines} lines; {README_LINES} at most"
    );
}

#[test]
fn env_sample_names_every_setting_and_none_that_is_gone() {
    let sample = read(&root().join(".env.sample"));
    let named: BTreeSet<&str> = sample
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    let variables = variables();
    assert!(variables.len() > 15, "{variables:?}");
    let mut wrong: Vec<String> = variables
        .iter()
        .filter(|name| !named.contains(name.as_str()))
        .map(|name| format!(".env.sample does not name {name}"))
        .collect();
    let gone = named
        .iter()
        .filter(|name| name.starts_with("ROLLCALL_") && !variables.contains(**name));
    wrong.extend(gone.map(|name| format!(".env.sample names {name}, which no program reads")));
    none(&wrong);
}
