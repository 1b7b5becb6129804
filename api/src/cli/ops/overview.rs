use super::Session;
use super::output::{count, text, time};
use clap::Args;
use console::{Term, style};
use serde_json::Value;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Overview {
    /// Show it again and again, with this many seconds between
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

impl Overview {
    /// # Errors
    /// When the server does not answer; when watched too, if it is not merely out of reach for a while.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        loop {
            let answer = session.client.get("/overview")?;
            if !session.output.document(&answer)? {
                if self.watch.is_some() && session.output.is_terminal() {
                    Term::stdout().clear_screen()?;
                }
                show(session, &answer.body)?;
            }
            match self.watch {
                Some(seconds) => super::wait(Duration::from_secs(seconds)),
                None => return Ok(()),
            }
        }
    }
}

fn show(session: &Session, overview: &Value) -> anyhow::Result<()> {
    session.output.line(&verdict(overview))?;
    for (section, figures) in overview.as_object().into_iter().flatten() {
        if section == "queues" || figures.is_null() {
            continue;
        }
        session.output.line("")?;
        session.output.values(&Value::Object(
            [(section.clone(), figures.clone())].into_iter().collect(),
        ))?;
    }
    let queues = overview["queues"].as_object();
    let Some(queues) = queues else { return Ok(()) };
    let rows = queues.iter().map(|(queue, depth)| {
        let figures = ["/ready", "/running", "/scheduled", "/dead", "/oldestReadySeconds"];
        std::iter::once(queue.clone())
            .chain(figures.iter().map(|figure| text(depth, figure)))
            .collect()
    });
    session.output.line("")?;
    let titles = ["QUEUE", "READY", "RUNNING", "SCHEDULED", "DEAD", "OLDEST (S)"];
    session.output.table(&titles, rows.collect())
}

/// Whether all is well, first of all.
fn verdict(overview: &Value) -> String {
    let number = |pointer: &str| overview.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let mut wrong = vec![];
    if overview["queues"].is_null() {
        wrong.push("Redis does not answer".to_owned());
    } else if number("/workers") == 0 {
        wrong.push("no worker is running".to_owned());
    }
    let queues = overview["queues"].as_object().into_iter().flatten();
    let dead: u64 = queues.filter_map(|(_, depth)| depth["dead"].as_u64()).sum();
    if dead > 0 {
        wrong.push(count(dead, "dead letter"));
    }
    let parked = number("/backlog/parkedKeys");
    if parked > 0 {
        wrong.push(format!("{} parked", count(parked, "key")));
    }
    let pending = number("/backlog/pendingChanges");
    let oldest = overview
        .pointer("/backlog/oldestPendingSeconds")
        .and_then(Value::as_f64);
    let state = match pending {
        0 => style("All in step".to_owned()).green(),
        pending => style(format!(
            "Catching up: {} to apply, the oldest {:.0} s old",
            count(pending, "change"),
            oldest.unwrap_or(0.0)
        ))
        .yellow(),
    };
    let waiting = overview.pointer("/backlog/waiters").and_then(Value::as_object);
    let waiting: u64 = waiting
        .into_iter()
        .flatten()
        .filter_map(|(_, links)| links.as_u64())
        .sum();
    let mut line = match wrong.is_empty() {
        true => state.bold().to_string(),
        false => style(format!("Attention: {}", wrong.join(", ")))
            .red()
            .bold()
            .to_string(),
    };
    if waiting > 0 {
        let since = time(overview, "/backlog/oldestWaiterSince");
        line.push_str(&format!(
            "; {} waiting, the oldest since {since}",
            count(waiting, "link")
        ));
    }
    let rejections = number("/backlog/rejections");
    if rejections > 0 {
        line.push_str(&format!("; {} rejected", count(rejections, "value")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn overview(backlog: Value) -> Value {
        json!({ "backlog": backlog, "queues": { "live": { "dead": 0 } }, "workers": 1 })
    }

    #[test]
    fn verdict_tells_what_is_wrong_before_what_is_going_on() {
        console::set_colors_enabled(false);
        assert_eq!(verdict(&overview(json!({ "pendingChanges": 0 }))), "All in step");
        let behind = overview(json!({ "pendingChanges": 1, "oldestPendingSeconds": 2.6 }));
        assert_eq!(
            verdict(&behind),
            "Catching up: 1 change to apply, the oldest 3 s old"
        );
        let mut wrong = behind;
        wrong["workers"] = json!(0);
        wrong["queues"]["live"]["dead"] = json!(2);
        wrong["backlog"]["parkedKeys"] = json!(1);
        wrong["backlog"]["rejections"] = json!(3);
        assert_eq!(
            verdict(&wrong),
            "Attention: no worker is running, 2 dead letters, 1 key parked; 3 values rejected"
        );
        wrong["queues"] = Value::Null;
        assert!(verdict(&wrong).starts_with("Attention: Redis does not answer, 1 key parked"));
    }
}
