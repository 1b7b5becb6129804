//! Sends a company over HTTP, in the hard order: most people before their managers, most
//! members before or after their groups, corrections and departures on top.

mod answer;
mod bodies;
mod client;
mod plan;
mod progress;
mod render;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::StreamExt;
use uuid::Uuid;

use crate::company::Company;

pub(crate) use client::Client;
pub(crate) use plan::{Operation, Plan, Step};
pub(crate) use progress::Progress;
pub(crate) use render::{bulk_body, create_body};

/// The ids the server gave to what was created, by index in the company.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    pub(crate) people: HashMap<usize, Uuid>,
    pub(crate) groups: HashMap<usize, Uuid>,
}

/// What the server answered, and when.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) ids: Ids,
    pub(crate) started: Instant,
    pub(crate) last_acknowledged: Instant,
    /// When each request was acknowledged, and how many writes it held.
    pub(crate) acknowledgements: Vec<(Instant, usize)>,
    pub(crate) requests: usize,
    /// Answers 429 and 503, each tried again.
    pub(crate) pushed_back: usize,
    /// Writes the server refused: method, path, status and detail.
    pub(crate) refused: Vec<String>,
}

impl Sent {
    /// Writes acknowledged with success.
    pub(crate) fn accepted(&self) -> usize {
        self.acknowledgements.iter().map(|(_, writes)| writes).sum()
    }

    /// From the first request to the last acknowledgement.
    pub(crate) fn duration(&self) -> Duration {
        self.last_acknowledged - self.started
    }
}

/// Sends every phase of `plan`, at most `connections` requests at once; a phase starts when
/// the one before it is acknowledged, since its writes name ids learnt there.
pub(crate) async fn send(
    company: &Company,
    plan: &Plan,
    client: &Client,
    connections: usize,
    progress: &Progress,
) -> Result<Sent> {
    let started = Instant::now();
    let mut sent = Sent {
        ids: Ids::default(),
        started,
        last_acknowledged: started,
        acknowledgements: Vec::new(),
        requests: 0,
        pushed_back: 0,
        refused: Vec::new(),
    };
    for phase in &plan.phases {
        let known = sent.ids.clone();
        let mut answers = futures::stream::iter(phase)
            .map(|step| answer::perform(step, company, &known, client))
            .buffer_unordered(connections);
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            progress.advance(answer.accepted + answer.refused.len());
            sent.requests += 1;
            sent.pushed_back += answer.pushed_back;
            sent.last_acknowledged = sent.last_acknowledged.max(answer.acknowledged);
            sent.acknowledgements.push((answer.acknowledged, answer.accepted));
            sent.ids.people.extend(answer.people);
            sent.ids.groups.extend(answer.groups);
            sent.refused.extend(answer.refused);
        }
    }
    progress.finish();
    Ok(sent)
}
