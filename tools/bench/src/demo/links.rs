//! How the worker's links came right, from its metrics.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

const COUNTER: &str = "rollcall_links_resolved_total";

/// Links resolved, by slot.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<String, Resolved>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The target was there already.
    pub(super) immediate: u64,
    /// Waited, and was woken by the target's arrival.
    pub(super) arrival: u64,
    /// Waited, and was found by looking again.
    pub(super) retry: u64,
}

impl Resolved {
    pub(super) fn waited(&self) -> u64 {
        self.arrival + self.retry
    }

    pub(super) fn all(&self) -> u64 {
        self.immediate + self.waited()
    }

    fn combine(&mut self, other: Resolved, with: fn(u64, u64) -> u64) {
        self.immediate = with(self.immediate, other.immediate);
        self.arrival = with(self.arrival, other.arrival);
        self.retry = with(self.retry, other.retry);
    }
}

impl Tally {
    pub(super) fn all(&self) -> Resolved {
        self.sum(|_| true)
    }

    /// Primary and additional managers.
    pub(super) fn managers(&self) -> Resolved {
        self.sum(|slot| slot.contains("manager"))
    }

    /// What was counted after `before`; a worker restarted in between begins at 0.
    pub(super) fn since(mut self, before: &Tally) -> Tally {
        for (slot, resolved) in &mut self.0 {
            resolved.combine(
                before.0.get(slot).copied().unwrap_or_default(),
                u64::saturating_sub,
            );
        }
        self
    }

    fn sum(&self, wanted: fn(&str) -> bool) -> Resolved {
        let mut sum = Resolved::default();
        for (_, resolved) in self.0.iter().filter(|(slot, _)| wanted(slot)) {
            sum.combine(*resolved, |a, b| a + b);
        }
        sum
    }

    /// Adds one metrics page in the Prometheus text format.
    fn add(&mut self, page: &str) {
        for line in page.lines() {
            let Some(rest) = line.strip_prefix(COUNTER).and_then(|rest| rest.strip_prefix('{')) else {
                continue;
            };
            let Some((labels, value)) = rest.rsplit_once('}') else {
                continue;
            };
            let label = |name: &str| {
                let value = labels
                    .split(',')
                    .find_map(|label| label.strip_prefix(name)?.strip_prefix("=\""));
                value.map(|value| value.trim_end_matches('"'))
            };
            let value = value
                .split_whitespace()
                .next()
                .and_then(|value| value.parse::<f64>().ok());
            let (Some(slot), Some(path), Some(value)) = (label("slot"), label("path"), value) else {
                continue;
            };
            let resolved = self.0.entry(slot.to_owned()).or_default();
            match path {
                "immediate" => resolved.immediate += value as u64,
                "arrival" => resolved.arrival += value as u64,
                "retry" => resolved.retry += value as u64,
                _ => {}
            }
        }
    }
}

/// The sum over all workers.
pub(super) async fn read(urls: &[String]) -> Result<Tally> {
    ensure!(
        !urls.is_empty(),
        "WORKER_METRICS_URL is needed to see how links were resolved"
    );
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut tally = Tally::default();
    for url in urls {
        let url = url.trim_end_matches('/');
        let url = if url.ends_with("/metrics") {
            url.to_owned()
        } else {
            format!("{url}/metrics")
        };
        let page = http
            .get(&url)
            .send()
            .await
            .with_context(|| format!("reading {url}"))?;
        tally.add(&page.error_for_status()?.text().await?);
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_pages_of_two_workers_are_summed_and_other_counters_left_out() {
        let mut tally = Tally::default();
        tally.add("# HELP x\nrollcall_links_resolved_total{slot=\"manager\",path=\"arrival\"} 3\n");
        tally.add(
            "rollcall_links_resolved_total{path=\"arrival\",slot=\"manager\"} 4\nother{slot=\"manager\"} 9\n",
        );
        tally.add("rollcall_links_resolved_total{slot=\"member\",path=\"immediate\"} 5\n");
        assert_eq!(
            tally.managers(),
            Resolved {
                immediate: 0,
                arrival: 7,
                retry: 0
            }
        );
        assert_eq!(tally.all().all(), 12);
        let later = tally.clone().since(&tally);
        assert_eq!(later.all().all(), 0);
    }
}
