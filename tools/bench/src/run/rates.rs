//! Bulk operations accepted per second; people applied per second from a backlog.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Scale;
use super::flood::{Pace, flood};
use super::floor::{BATCH, Scratch};
use super::report::{Measure, Report, Target, Unit};
use super::rows::{self, Batched};
use super::stack::{Stack, Tenant};
use super::usage::Shares;
use super::wire::Endpoint;
use crate::company::Company;
use crate::converge::{self, State};
use crate::send::{Operation, Plan, Progress, bulk_body, send};

/// Bulk requests in flight.
const BULK_CONNECTIONS: usize = 4;

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    bulk_operations(stack, scale, report).await?;
    applied(stack, scale, report).await
}

async fn bulk_operations(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let (mut rates, mut floors, mut shares) = (vec![], vec![], Shares::default());
    for run in 1..=scale.runs {
        let tenant = stack.tenant().await?;
        let company = Company::roster(scale.people, run as u64);
        let before = stack.processes.read(None)?;
        rates.push(bulk(stack, &tenant, &company, scale.bulk_size).await?);
        shares = before.until(stack.processes.read(None)?);
        stack.ensure_paused(&tenant).await?;
        let rows = rows::accepted(&stack.pool, tenant.id, BATCH).await?;
        stack.forget_backlog(&tenant).await?;
        let mut scratch = Scratch::create(&stack.pool, &stack.target.database_url).await?;
        floors.push(scale.people as f64 / scratch.write(&rows).await?.as_secs_f64());
        scratch.drop().await?;
        if run == 1 {
            report.notes.push(per_person("accepted", &rows, scale.people));
        }
    }
    let title = format!("/Bulk operations, {} a request", scale.bulk_size);
    let measure = Measure::new(title, Unit::PerSecond, &rates, &floors);
    report.add(measure.with(shares.to_string()).target(Target::AtLeast(20_000.0)));
    Ok(())
}

/// A company with departments, groups and managers, accepted while no worker runs.
async fn applied(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let (mut rates, mut floors, mut shares) = (vec![], vec![], Shares::default());
    for run in 1..=scale.runs {
        let tenant = stack.tenant().await?;
        let company = Company::generate(scale.people, run as u64);
        let plan = Plan::new(&company, scale.bulk_size, run as u64);
        let client = stack.client(&tenant)?;
        let progress = Progress::new("sending", plan.operations().count());
        let sent = send(&company, &plan, &client, 2 * BULK_CONNECTIONS, &progress).await?;
        ensure!(sent.refused.is_empty(), "refused: {}", sent.refused.join("; "));
        stack.ensure_paused(&tenant).await?;
        let accepted = rows::accepted(&stack.pool, tenant.id, BATCH).await?;
        let pending = accepted
            .into_iter()
            .find(|rows| rows.table.name == "pending")
            .context("pending was not read")?;
        let waiting = crate::expect::directory(&company, &sent.ids).waiters.len();
        let (rate, share) = apply(stack, &tenant, scale.people, waiting).await?;
        rates.push(rate);
        shares = share;
        let rows = rows::applied(&stack.pool, tenant.id, BATCH).await?;
        let mut scratch = Scratch::create(&stack.pool, &stack.target.database_url).await?;
        let floor = scratch.write_and_settle(&rows, &pending).await?;
        floors.push(scale.people as f64 / floor.as_secs_f64());
        scratch.drop().await?;
        if run == 1 {
            report.notes.push(per_person("applied", &rows, scale.people));
        }
    }
    let detail = format!(
        "a worker started on a backlog of {} people; {shares}",
        scale.people
    );
    let measure = Measure::new("people applied", Unit::PerSecond, &rates, &floors);
    report.add(
        measure
            .with(detail)
            .target(Target::AtLeast(8_000.0))
            .target(Target::RatioAtMost(1.0 / 0.6)),
    );
    Ok(())
}

/// Store a company through `/Bulk`; operations per second.
pub(super) async fn bulk(stack: &Stack, tenant: &Tenant, company: &Company, size: usize) -> Result<f64> {
    let operations: Vec<Operation> = in_hard_order(company)
        .into_iter()
        .map(Operation::CreatePerson)
        .collect();
    let bodies = operations
        .chunks(size)
        .map(|operations| bulk_body(operations, company));
    send_bulk(stack, tenant, bodies, company.people.len(), all_created).await
}

/// Send bulk requests, whose answers `check` looks at; operations per second.
pub(super) async fn send_bulk(
    stack: &Stack,
    tenant: &Tenant,
    bodies: impl Iterator<Item = Result<Value>>,
    operations: usize,
    check: fn(u16, &[u8]) -> Result<()>,
) -> Result<f64> {
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let mut requests = Vec::new();
    for body in bodies {
        requests.push(endpoint.post("/Bulk", &serde_json::to_vec(&body?)?));
    }
    let flooded = flood(
        &endpoint,
        Arc::new(requests),
        BULK_CONNECTIONS,
        Pace::Unpaced,
        check,
    )
    .await?;
    Ok(operations as f64 / flooded.elapsed.as_secs_f64())
}

fn all_created(status: u16, body: &[u8]) -> Result<()> {
    all(status, body, "201")
}

/// Every operation of a bulk request replaced something, or found it as it is to be.
pub(super) fn all_replaced(status: u16, body: &[u8]) -> Result<()> {
    all(status, body, "200")
}

fn all(status: u16, body: &[u8], wanted: &str) -> Result<()> {
    ensure!(
        status == 200,
        "a bulk request answered {status}: {}",
        String::from_utf8_lossy(body)
    );
    let body: Value = serde_json::from_slice(body)?;
    let results = body
        .get("Operations")
        .and_then(Value::as_array)
        .context("a bulk answer without results")?;
    let refused = results
        .iter()
        .find(|result| result.get("status").and_then(Value::as_str) != Some(wanted));
    ensure!(refused.is_none(), "a bulk operation was refused: {refused:?}");
    Ok(())
}

/// Deepest level first, as the demo sends them.
pub(super) fn in_hard_order(company: &Company) -> Vec<usize> {
    let plan = Plan::new(company, 100, 1);
    let people = plan.operations().filter_map(|operation| match operation {
        Operation::CreatePerson(person) => Some(*person),
        _ => None,
    });
    people.collect()
}

/// People per second from the start of the worker's process until nothing is pending and no more
/// than `waiting` links wait.
pub(super) async fn apply(
    stack: &Stack,
    tenant: &Tenant,
    people: usize,
    waiting: usize,
) -> Result<(f64, Shares)> {
    let started = Instant::now();
    let mut worker = stack.start_worker()?;
    let before = stack.processes.read(worker.pid())?;
    worker.ready().await?;
    let deadline = started + Duration::from_secs(120 + people as u64 / 100);
    let state = converge::wait(&stack.pool, tenant.id, waiting, deadline).await?;
    let shares = before.until(stack.processes.read(worker.pid())?);
    worker.stop().await?;
    match state {
        State::Converged(at) => Ok((people as f64 / (at - started).as_secs_f64(), shares)),
        State::Late(backlog) => bail!("the backlog was not worked off: {backlog}"),
    }
}

fn per_person(what: &str, tables: &[Batched], people: usize) -> String {
    let counts: Vec<String> = tables
        .iter()
        .filter(|rows| !rows.table.rows.is_empty())
        .map(|rows| {
            let rate = rows.table.rows.len() as f64 / people.max(1) as f64;
            format!("{rate:.2} {}", rows.table.name)
        })
        .collect();
    format!("rows per person {what}: {}", counts.join(", "))
}
