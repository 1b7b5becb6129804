//! Large groups: filled by many PATCHes, and what one member more costs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::report::{Measure, Report, Target, Unit};
use super::stack::Stack;
use super::wire::{Endpoint, Wire, patch_body};
use super::{Scale, median};
use crate::converge::{self, State};

/// Members of the small group.
const FEW: usize = 10;
/// Members in one PATCH that fills a group.
const PATCHED: usize = 100;
/// How many times the cost of the small group the large one may have.
const MOST: f64 = 1.5;

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    eprintln!("groups: filling one of {} members", scale.stored);
    let tenant = stack.tenant().await?;
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let mut wire = endpoint.connect().await?;

    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    let large = create(&endpoint, &mut wire, "large").await?;
    let filled = fill(&endpoint, &mut wire, &large, "large", scale.stored).await?;
    let last = Instant::now();
    let deadline = last + Duration::from_secs(60 + scale.stored as u64 / 500);
    let state = converge::wait(&stack.pool, tenant.id, usize::MAX >> 1, deadline).await?;
    worker.stop().await?;
    let lag = match state {
        State::Converged(at) => at.saturating_duration_since(last),
        State::Late(backlog) => bail!("a large group is not applied: {backlog}"),
    };
    let (first, end) = filled;
    let title = format!("members added {PATCHED} at once, group of {}", scale.stored);
    let measure = Measure::new(title, Unit::PerSecond, &[end], &[first]);
    report.add(measure.target(Target::RatioAtMost(MOST)).with(format!(
        "the last tenth; floor: the first tenth; all applied {:.2} s after the last",
        lag.as_secs_f64()
    )));

    let small = create(&endpoint, &mut wire, "small").await?;
    fill(&endpoint, &mut wire, &small, "small", FEW).await?;
    report.add(one_more(&endpoint, &mut wire, [&large, &small], scale).await?);
    stack.forget_backlog(&tenant).await
}

/// The path of a new group.
async fn create(endpoint: &Endpoint, wire: &mut Wire, name: &str) -> Result<String> {
    let body = serde_json::to_vec(&json!({"displayName": format!("bench {name}")}))?;
    let (status, answer) = wire.exchange(&endpoint.post("/Groups", &body)).await?;
    ensure!(status == 201, "a group answered {status}");
    let group: Value = serde_json::from_slice(answer)?;
    let id = group
        .get("id")
        .and_then(Value::as_str)
        .context("a group without id")?;
    Ok(format!("/Groups/{id}"))
}

/// Give a group this many members; members a second over the first tenth and the last.
async fn fill(
    endpoint: &Endpoint,
    wire: &mut Wire,
    path: &str,
    name: &str,
    size: usize,
) -> Result<(f64, f64)> {
    let members: Vec<String> = (0..size).map(|member| format!("{name}-{member}")).collect();
    let parts: Vec<&[String]> = members.chunks(PATCHED).collect();
    let mut taken = Vec::with_capacity(parts.len());
    for members in &parts {
        let request = endpoint.patch(path, &add(members)?);
        let started = Instant::now();
        let (status, _) = wire.exchange(&request).await?;
        taken.push(started.elapsed().as_secs_f64());
        ensure!(status == 204, "{} members answered {status}", members.len());
    }
    let tenth = taken.len().div_ceil(10);
    let rate = |times: &[f64]| (times.len() * PATCHED) as f64 / times.iter().sum::<f64>();
    Ok((rate(&taken[..tenth]), rate(&taken[taken.len() - tenth..])))
}

/// Members added one by one to a large group, beside a small one.
async fn one_more(
    endpoint: &Endpoint,
    wire: &mut Wire,
    [large, small]: [&String; 2],
    scale: &Scale,
) -> Result<Measure> {
    let (mut of_large, mut of_small) = (vec![], vec![]);
    for run in 0..scale.runs {
        let (mut in_large, mut in_small) = (Duration::ZERO, Duration::ZERO);
        // By turns, so that whatever else the machine does meets both.
        for number in 0..scale.members {
            for (group, taken) in [(large, &mut in_large), (small, &mut in_small)] {
                let request = endpoint.patch(group, &add(&[format!("more-{run}-{number}")])?);
                let started = Instant::now();
                let (status, _) = wire.exchange(&request).await?;
                *taken += started.elapsed();
                ensure!(status == 204, "a member added answered {status}");
            }
        }
        of_large.push(scale.members as f64 / in_large.as_secs_f64());
        of_small.push(scale.members as f64 / in_small.as_secs_f64());
    }
    let title = format!("member added, group of {}", scale.stored);
    let detail = format!("floor: in a group of {FEW}; {:.0}/s there", median(&of_small));
    let measure = Measure::new(title, Unit::PerSecond, &of_large, &of_small);
    Ok(measure.with(detail).target(Target::RatioAtMost(MOST)))
}

/// A PATCH that adds members.
fn add(members: &[String]) -> Result<Vec<u8>> {
    let members: Vec<Value> = members.iter().map(|member| json!({"value": member})).collect();
    Ok(serde_json::to_vec(&patch_body(
        "add",
        "members",
        Value::from(members),
    ))?)
}
