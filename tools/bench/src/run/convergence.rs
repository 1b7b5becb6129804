//! How long a whole company takes, from the first write to the last link, and what that takes of
//! the machine.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::floor::{BATCH, Scratch};
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant, Worker};
use super::usage::{Peaks, Shares};
use super::{chart, median, rows};
use crate::company::Company;
use crate::compare::compare;
use crate::converge::{self, State};
use crate::expect;
use crate::send::{Plan, Progress, send};

const CONNECTIONS: usize = 8;
const BULK_SIZE: usize = 500;
/// Above this the floor is not measured: its rows would have to lie in the load generator's memory.
const FLOOR_UP_TO: usize = 100_000;
/// Sizes between which a person may not become dearer.
const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;

/// One company that converged.
struct Converged {
    seconds: f64,
    /// Of them, after the last acknowledgement.
    lag: f64,
    /// Memberships and reporting lines in the directory.
    links: usize,
    /// Links that a timed retry found, not the arrival of what they waited for.
    retried: f64,
    peaks: Peaks,
    shares: Shares,
    /// Bytes that the database grew by.
    stored: i64,
}

pub(super) async fn measure(
    stack: &Stack,
    sizes: &[usize],
    most_runs: usize,
    report: &mut Report,
    picture: &std::path::Path,
) -> Result<()> {
    let mut throughput = Vec::new();
    for &people in sizes {
        // A large company takes minutes and converges much the same every time.
        let runs = if people > 5_000 { 1 } else { most_runs };
        let seconds = one_size(stack, people, runs, report).await?;
        throughput.push((people, people as f64 / seconds));
    }
    let per_person = |size| {
        let (people, rate) = throughput.iter().find(|(people, _)| *people == size)?;
        Some((*people, 1.0 / rate))
    };
    if let (Some((_, small)), Some((_, large))) = (per_person(SMALL), per_person(LARGE)) {
        let what = "time per person, 1,000,000 beside 10,000";
        let measure = Measure::new(what, Unit::Times, &[large / small], &[]);
        report.add(measure.target(Target::AtMost(1.3)));
    }
    if chart::draw(picture, &throughput)? {
        report.notes.push(format!("chart: {}", picture.display()));
    }
    Ok(())
}

/// Seconds until a company of this size has converged.
async fn one_size(stack: &Stack, people: usize, runs: usize, report: &mut Report) -> Result<f64> {
    let (mut taken, mut lags, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for run in 1..=runs {
        eprintln!("convergence of {people} people: run {run} of {runs}");
        let tenant = stack.tenant().await?;
        let mut worker = stack.start_worker()?;
        worker.ready().await?;
        let outcome = converge_once(stack, &tenant, &worker, people, run as u64).await;
        worker.stop().await?;
        let converged = outcome?;
        taken.push(converged.seconds);
        lags.push(converged.lag);
        last = Some(converged);
        if people <= FLOOR_UP_TO {
            floors.push(floor(stack, &tenant).await?.as_secs_f64());
        }
    }
    let last = last.context("no run was asked for")?;
    let links = last.links as f64 / people.max(1) as f64;
    let detail = format!(
        "{:.0} people/s; {:.2} s after the last acknowledgement; {links:.2} links a person, {:.2} % of them by retry; \
         {:.1} kB stored a person; {}; {}",
        people as f64 / median(&taken),
        median(&lags),
        100.0 * last.retried / last.links.max(1) as f64,
        last.stored as f64 / 1024.0 / people.max(1) as f64,
        last.peaks,
        last.shares,
    );
    let measure = Measure::new(
        format!("convergence, {people} people"),
        Unit::Seconds,
        &taken,
        &floors,
    );
    let measure = measure.with(detail);
    let seconds = measure.median;
    if people == 100_000 {
        report.add(measure.target(Target::AtMost(25.0)));
        for (what, bytes, most) in [
            ("API", last.peaks.api, 150.0),
            ("worker", last.peaks.worker, 300.0),
        ] {
            let peak = [bytes as f64 / (1024.0 * 1024.0)];
            let what = format!("memory of the {what}, 100000 people");
            report.add(Measure::new(what, Unit::Megabytes, &peak, &[]).target(Target::AtMost(most)));
        }
    } else {
        report.add(measure);
    }
    if people >= SMALL {
        let what = format!("links found by retry, {people} people");
        let share = [100.0 * last.retried / last.links.max(1) as f64];
        report.add(Measure::new(what, Unit::Percent, &share, &[]).target(Target::AtMost(1.0)));
    }
    Ok(seconds)
}

async fn converge_once(
    stack: &Stack,
    tenant: &Tenant,
    worker: &Worker,
    people: usize,
    seed: u64,
) -> Result<Converged> {
    let company = Company::generate(people, seed);
    let plan = Plan::new(&company, BULK_SIZE, seed);
    let client = stack.client(tenant)?;
    let progress = Progress::new("sending", plan.operations().count());
    stack.processes.forget_peaks()?;
    let before = stack.processes.read(worker.pid())?;
    let size = database_size(stack).await?;
    let sent = send(&company, &plan, &client, CONNECTIONS, &progress).await?;
    ensure!(sent.refused.is_empty(), "refused: {}", sent.refused.join("; "));
    let expected = expect::directory(&company, &sent.ids);
    let deadline = Instant::now() + Duration::from_secs(120 + people as u64 / 50);
    let state = converge::wait(&stack.pool, tenant.id, expected.waiters.len(), deadline).await?;
    let shares = before.until(stack.processes.read(worker.pid())?);
    let at = match state {
        State::Converged(at) => at,
        State::Late(backlog) => bail!("no convergence of {people} people: {backlog}"),
    };
    let peaks = stack.processes.peaks(worker.pid())?;
    let stored = database_size(stack).await? - size;
    let comparison = compare(&stack.pool, tenant.id, &expected).await?;
    if !comparison.differences.is_empty() {
        comparison.print();
        bail!("the directory of {people} people is not as it must be");
    }
    let found = "rollcall_link_resolution_seconds_count";
    Ok(Converged {
        seconds: (at - sent.started).as_secs_f64(),
        lag: at.saturating_duration_since(sent.last_acknowledged).as_secs_f64(),
        links: expected.lines.len() + expected.memberships.len(),
        retried: worker.metric(found, &["path=\"retry\""]).await?,
        peaks,
        shares,
        stored,
    })
}

async fn database_size(stack: &Stack) -> Result<i64> {
    let size = "select pg_database_size(current_database())";
    Ok(sqlx::query_scalar(size).fetch_one(&stack.pool).await?)
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
