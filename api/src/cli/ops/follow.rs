//! Looking on while a run is under way.

use super::Session;
use super::client::{Answer, encoded};
use super::output::{count, text};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::time::Duration;

/// Time between two looks: the first, and the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(1);

/// Look on until the run is over: a bar on a terminal, elsewhere a line on stderr whenever it gets on by a tenth.
///
/// # Errors
/// When the server refuses or does not answer.
pub(super) fn follow(session: &Session, id: &str) -> anyhow::Result<Answer> {
    let path = format!("/runs/{}", encoded(id));
    let progress = Progress::new(session.output.is_terminal())?;
    let (mut pause, mut told) = (FIRST, None);
    loop {
        let answer = session.client.get(&path)?;
        let run = &answer.body;
        if run["state"] != "running" {
            progress.end();
            return Ok(answer);
        }
        told = progress.show(run, told);
        super::wait(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

enum Progress {
    Bar(ProgressBar),
    Lines,
}

impl Progress {
    fn new(terminal: bool) -> anyhow::Result<Progress> {
        if !terminal {
            return Ok(Progress::Lines);
        }
        let style = ProgressStyle::with_template("{prefix:9} [{bar:40}] {msg}")?;
        Ok(Progress::Bar(ProgressBar::new(0).with_style(style)))
    }

    /// Show how far it is; answers what is not to be told again.
    fn show(&self, run: &Value, told: Option<(String, u64)>) -> Option<(String, u64)> {
        let (done, parts) = (figure(run, "partsDone"), figure(run, "parts"));
        let (phase, message) = (text(run, "/phase"), message(run));
        match self {
            Progress::Bar(bar) => {
                bar.set_length(parts);
                bar.set_position(done);
                bar.set_prefix(phase);
                bar.set_message(message);
                None
            }
            Progress::Lines => {
                let now = Some((phase.clone(), (done * 10).checked_div(parts).unwrap_or(0)));
                if now != told {
                    eprintln!("{phase}: {message}");
                }
                now
            }
        }
    }

    fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn figure(run: &Value, name: &str) -> u64 {
    run["progress"][name].as_u64().unwrap_or(0)
}

fn message(run: &Value) -> String {
    let (done, parts) = (figure(run, "partsDone"), count(figure(run, "parts"), "part"));
    let mut message = format!("{done} of {parts}, {} checked", figure(run, "checked"));
    if let Some(seconds) = run["progress"]["secondsLeft"].as_f64() {
        message.push_str(&format!(", about {seconds:.0} s left"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn message_counts_one_part_and_several() {
        let told = |done: u64, parts: u64, left: Value| {
            let progress = json!({ "partsDone": done, "parts": parts, "checked": 40, "secondsLeft": left });
            message(&json!({ "progress": progress }))
        };
        assert_eq!(told(1, 1, Value::Null), "1 of 1 part, 40 checked");
        assert_eq!(told(1, 3, json!(8.4)), "1 of 3 parts, 40 checked, about 8 s left");
    }
}
