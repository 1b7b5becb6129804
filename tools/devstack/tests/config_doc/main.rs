//! `docs/configuration.md` says what the programs say of their settings, no more and no less.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails with the line that went wrong"
)]

use clap::{Arg, Command};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "docs/configuration.md";
/// Set: write the document instead of comparing it.
const WRITE: &str = "WRITE_CONFIG_DOC";
const HEAD: &str = "# Configuration

Every setting of both processes. Each is an environment variable or the flag beside it; a flag wins. `--help` says the
same. Written by `make config-doc` from the programs themselves: change the text there. `.env.sample` has every setting
with its default.
";

/// A setting as both programs, or one of them, know it.
#[derive(PartialEq)]
struct Setting {
    variable: String,
    flag: String,
    value: String,
    default: String,
    meaning: String,
}

/// Settings by heading, in the order in which the programs show them; with each the programs.
type Sections = Vec<(String, Vec<(Setting, Vec<&'static str>)>)>;

fn setting(argument: &Arg) -> Option<Setting> {
    let variable = argument.get_env()?.to_str()?.to_owned();
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    let name = argument.get_value_names().and_then(|names| names.first());
    let value = match choices.is_empty() {
        true => name.map_or_else(String::new, |name| name.to_lowercase()),
        false => choices.join(" or "),
    };
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let default = match (defaults.is_empty(), argument.is_required_set()) {
        (false, _) => defaults.join(", "),
        (true, true) => "required".to_owned(),
        (true, false) => "none".to_owned(),
    };
    let meaning = argument.get_long_help().or_else(|| argument.get_help())?;
    let meaning = meaning
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    Some(Setting {
        flag: format!("--{}", argument.get_long()?),
        meaning: meaning.replace('|', "\\|"),
        variable,
        value,
        default,
    })
}

/// What settings without a heading stand under: those of commands.
const COMMANDS: &str = "Commands of operators";

/// Add what `command` can be set to.
fn add(sections: &mut Sections, program: &'static str, command: &Command) {
    for argument in command.get_arguments() {
        let Some(setting) = setting(argument) else {
            continue;
        };
        let heading = argument.get_help_heading().unwrap_or(COMMANDS).to_owned();
        let place = sections.iter().position(|(known, _)| *known == heading);
        let place = place.unwrap_or_else(|| {
            sections.push((heading, vec![]));
            sections.len() - 1
        });
        let known = &mut sections[place].1;
        match known.iter_mut().find(|(known, _)| *known == setting) {
            Some((_, programs)) => programs.push(program),
            None => known.push((setting, vec![program])),
        }
    }
}

fn sections() -> Sections {
    let api = rollcall_api::cli::command();
    let serve = api.find_subcommand("serve").unwrap();
    let mut sections = vec![];
    add(&mut sections, "api", serve);
    add(&mut sections, "api", &api);
    add(&mut sections, "worker", &rollcall_worker::cli::command());
    add(&mut sections, "api ops", api.find_subcommand("ops").unwrap());
    sections
}

fn document(sections: &Sections) -> String {
    let mut text = HEAD.to_owned();
    for (heading, settings) in sections {
        write!(text, "\n## {heading}\n\n").unwrap();
        text.push_str(
            "| Variable | Flag | Value | Default | Meaning | Read by |\n|---|---|---|---|---|---|\n",
        );
        for (setting, programs) in settings {
            let Setting {
                variable,
                flag,
                value,
                default,
                meaning,
            } = setting;
            let programs = programs.join(", ");
            writeln!(
                text,
                "| `{variable}` | `{flag}` | {value} | {default} | {meaning} | {programs} |"
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn setting_means_the_same_to_both_programs() {
    let mut meanings: BTreeMap<&str, usize> = BTreeMap::new();
    let sections = sections();
    for (setting, _) in sections.iter().flat_map(|(_, settings)| settings) {
        *meanings.entry(&setting.variable).or_default() += 1;
    }
    assert!(meanings.len() > 25, "only {} settings were found", meanings.len());
    let several: Vec<_> = meanings.iter().filter(|(_, meanings)| **meanings > 1).collect();
    assert!(several.is_empty(), "{several:?}");
}

#[test]
fn setting_has_a_heading_and_a_meaning() {
    for (heading, settings) in sections() {
        for (setting, programs) in settings {
            let of_a_command = programs == ["api ops"];
            assert_eq!(heading == COMMANDS, of_a_command, "{}", setting.variable);
            assert!(setting.meaning.len() > 10, "{}", setting.variable);
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "no setting of a program: how `make config-doc` asks for the document"
)]
fn configuration_document_is_what_the_programs_say() {
    let wanted = document(&sections());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DOCUMENT);
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
        "{DOCUMENT} is out of date, run `make config-doc`; the first difference: {differs:?}"
    );
}
