//! What the guides tell people to run does what they say.

mod curl;
mod hris;
mod webhooks;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// What a guide says in this language, part by part.
fn snippets(guide: &'static str, language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let parts = guide.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

/// Run it to its end with this on its standard input.
fn run(command: &mut Command, input: &str) -> Output {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}
