//! How long a whole company takes, from the first write to the last link.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::floor::{BATCH, Scratch};
use super::report::{Measure, Unit};
use super::stack::{Stack, Tenant};
use super::{median, rows};
use crate::company::Company;
use crate::compare::compare;
use crate::converge::{self, State};
use crate::expect;
use crate::send::{Plan, Progress, send};

const CONNECTIONS: usize = 8;
const BULK_SIZE: usize = 100;

pub(super) async fn measure(
    stack: &Stack,
    people: usize,
    runs: usize,
    notes: &mut Vec<String>,
) -> Result<Measure> {
    let (mut taken, mut lags, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=runs {
        eprintln!("convergence of {people} people: run {run} of {runs}");
        let tenant = stack.tenant().await?;
        let mut worker = stack.start_worker()?;
        worker.ready().await?;
        let outcome = converge_once(stack, &tenant, people, run as u64).await;
        worker.stop().await?;
        let (total, lag, links) = outcome?;
        taken.push(total);
        lags.push(lag);
        floors.push(floor(stack, &tenant).await?.as_secs_f64());
        if run == 1 {
            notes.push(format!(
                "the company of {people}: {:.2} memberships and reporting lines per person",
                links as f64 / people.max(1) as f64
            ));
        }
    }
    let lag = format!("{:.2} s of it after the last acknowledgement", median(&lags));
    Ok(Measure::new(
        format!("convergence, {people} people"),
        Unit::Seconds,
        &taken,
        &floors,
    )
    .with(lag))
}

/// Seconds in all, seconds after the last acknowledgement, links in the directory.
async fn converge_once(
    stack: &Stack,
    tenant: &Tenant,
    people: usize,
    seed: u64,
) -> Result<(f64, f64, usize)> {
    let company = Company::generate(people, seed);
    let plan = Plan::new(&company, BULK_SIZE, seed);
    let client = stack.client(tenant)?;
    let progress = Progress::new("sending", plan.operations().count());
    let sent = send(&company, &plan, &client, CONNECTIONS, &progress).await?;
    ensure!(sent.refused.is_empty(), "refused: {}", sent.refused.join("; "));
    let expected = expect::directory(&company, &sent.ids);
    let deadline = Instant::now() + Duration::from_secs(120 + people as u64 / 50);
    let state = converge::wait(&stack.pool, tenant.id, expected.waiters.len(), deadline).await?;
    let at = match state {
        State::Converged(at) => at,
        State::Late(backlog) => bail!("no convergence of {people} people: {backlog}"),
    };
    let comparison = compare(&stack.pool, tenant.id, &expected).await?;
    if !comparison.differences.is_empty() {
        comparison.print();
        bail!("the directory of {people} people is not as it must be");
    }
    let lag = at.saturating_duration_since(sent.last_acknowledged);
    let links = expected.lines.len() + expected.memberships.len();
    Ok(((at - sent.started).as_secs_f64(), lag.as_secs_f64(), links))
}

/// Everything that was written, first what accepting leaves, then what applying leaves.
async fn floor(stack: &Stack, tenant: &Tenant) -> Result<Duration> {
    let mut accepted = rows::accepted(&stack.pool, tenant.id, BATCH).await?;
    let applied = rows::applied(&stack.pool, tenant.id, BATCH).await?;
    let history = applied
        .iter()
        .find(|rows| rows.table.name == "history")
        .context("history was not read")?;
    let pending = rows::pending_of(&stack.pool, history).await?;
    accepted.retain(|rows| rows.table.name != "pending");
    let mut scratch = Scratch::create(&stack.pool, &stack.target.database_url).await?;
    accepted.push(pending);
    let accept = scratch.write(&accepted).await?;
    let pending = accepted.last().context("pending was just added")?;
    let apply = scratch.write_and_settle(&applied, pending).await?;
    scratch.drop().await?;
    Ok(accept + apply)
}
