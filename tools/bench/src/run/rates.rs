//! Creates per second, bulk operations per second, people applied per second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;

use super::floor::{BATCH, Scratch};
use super::report::{Measure, Report, Unit};
use super::rows::{self, Batched};
use super::stack::{Stack, Tenant};
use super::wire::Endpoint;
use super::{Scale, median};
use crate::company::Company;
use crate::converge::{self, State};
use crate::send::{Operation, Plan, bulk_body, create_body};

/// Bulk requests in flight.
const BULK_CONNECTIONS: usize = 4;

#[derive(Default)]
struct Runs {
    singles: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    bulk: Vec<f64>,
    applied: Vec<f64>,
    accept_floor: Vec<f64>,
    apply_floor: Vec<f64>,
}

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let mut runs = Runs::default();
    for run in 1..=scale.runs {
        eprintln!("rates: run {run} of {}", scale.runs);
        let tenant = stack.tenant().await?;
        let company = Company::roster(scale.singles, run as u64);
        let (rate, latency) = singles(stack, &tenant, &company, scale.connections).await?;
        runs.singles.push(rate);
        runs.p50.push(latency.value_at_quantile(0.50) as f64 / 1_000.0);
        runs.p99.push(latency.value_at_quantile(0.99) as f64 / 1_000.0);
        stack.forget_backlog(&tenant).await?;

        let tenant = stack.tenant().await?;
        let company = Company::roster(scale.people, run as u64);
        runs.bulk
            .push(bulk(stack, &tenant, &company, scale.bulk_size).await?);
        stack.ensure_paused(&tenant).await?;
        let accepted = rows::accepted(&stack.pool, tenant.id, BATCH).await?;

        runs.applied.push(apply(stack, &tenant, scale.people).await?);
        let applied = rows::applied(&stack.pool, tenant.id, BATCH).await?;
        let people = scale.people as f64;
        let (accept_floor, apply_floor) = floors(stack, &accepted, &applied).await?;
        runs.accept_floor.push(people / accept_floor.as_secs_f64());
        runs.apply_floor.push(people / apply_floor.as_secs_f64());
        if run == 1 {
            report.notes.push(per_person("accepted", &accepted, people));
            report.notes.push(per_person("applied", &applied, people));
        }
    }
    let title = format!("single creates, {} connections", scale.connections);
    let latency = format!("p50 {:.1} ms, p99 {:.1} ms", median(&runs.p50), median(&runs.p99));
    report.add(Measure::new(title, Unit::PerSecond, &runs.singles, &runs.accept_floor).with(latency));
    let title = format!("/Bulk operations, {} a request", scale.bulk_size);
    report.add(Measure::new(
        title,
        Unit::PerSecond,
        &runs.bulk,
        &runs.accept_floor,
    ));
    let backlog = format!("from starting the worker on a backlog of {} people", scale.people);
    let applied = Measure::new(
        "people applied".to_owned(),
        Unit::PerSecond,
        &runs.applied,
        &runs.apply_floor,
    );
    report.add(applied.with(backlog));
    Ok(())
}

async fn singles(
    stack: &Stack,
    tenant: &Tenant,
    company: &Company,
    connections: usize,
) -> Result<(f64, Histogram<u64>)> {
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let mut requests = Vec::with_capacity(company.people.len());
    for person in in_hard_order(company) {
        let body = serde_json::to_vec(&create_body(company, person)?)?;
        requests.push(endpoint.post("/Users", &body));
    }
    let replies = flood(&endpoint, requests, connections, |status, _| match status {
        201 => Ok(()),
        429 => bail!("the API limits the rate: start it with ROLLCALL_REQUESTS_PER_SECOND=0"),
        other => bail!("a create answered {other}"),
    });
    let (elapsed, latency) = replies.await?;
    Ok((company.people.len() as f64 / elapsed.as_secs_f64(), latency))
}

pub(super) async fn bulk(stack: &Stack, tenant: &Tenant, company: &Company, size: usize) -> Result<f64> {
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let operations: Vec<Operation> = in_hard_order(company)
        .into_iter()
        .map(Operation::CreatePerson)
        .collect();
    let mut requests = Vec::new();
    for operations in operations.chunks(size) {
        let body = serde_json::to_vec(&bulk_body(operations, company)?)?;
        requests.push(endpoint.post("/Bulk", &body));
    }
    let check = |status: u16, body: &[u8]| {
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
            .find(|result| result.get("status") != Some(&Value::from("201")));
        ensure!(refused.is_none(), "a bulk operation was refused: {refused:?}");
        Ok(())
    };
    let (elapsed, _) = flood(&endpoint, requests, BULK_CONNECTIONS, check).await?;
    Ok(company.people.len() as f64 / elapsed.as_secs_f64())
}

/// Deepest level first, as the demo sends them.
fn in_hard_order(company: &Company) -> Vec<usize> {
    let plan = Plan::new(company, 100, 1);
    let people = plan.operations().filter_map(|operation| match operation {
        Operation::CreatePerson(person) => Some(*person),
        _ => None,
    });
    people.collect()
}

/// Sends everything as fast as the connections allow; latencies in microseconds.
pub(super) async fn flood(
    endpoint: &Endpoint,
    requests: Vec<Vec<u8>>,
    connections: usize,
    check: fn(u16, &[u8]) -> Result<()>,
) -> Result<(Duration, Histogram<u64>)> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(endpoint.connect().await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for mut wire in wires {
        let (requests, next) = (requests.clone(), next.clone());
        tasks.spawn(async move {
            let mut latency = Histogram::<u64>::new(3)?;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let (status, body) = wire.exchange(request).await?;
                latency.record(sent.elapsed().as_micros() as u64)?;
                check(status, body)?;
            }
            anyhow::Ok(latency)
        });
    }
    let mut latency = Histogram::<u64>::new(3)?;
    while let Some(finished) = tasks.join_next().await {
        latency.add(finished??)?;
    }
    Ok((started.elapsed(), latency))
}

/// People per second from the start of the worker's process until nothing is pending.
pub(super) async fn apply(stack: &Stack, tenant: &Tenant, people: usize) -> Result<f64> {
    let started = Instant::now();
    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    let deadline = started + Duration::from_secs(120 + people as u64 / 100);
    let state = converge::wait(&stack.pool, tenant.id, 0, deadline).await?;
    worker.stop().await?;
    match state {
        State::Converged(at) => Ok(people as f64 / (at - started).as_secs_f64()),
        State::Late(backlog) => bail!("the backlog was not worked off: {backlog}"),
    }
}

async fn floors(stack: &Stack, accepted: &[Batched], applied: &[Batched]) -> Result<(Duration, Duration)> {
    let mut scratch = Scratch::create(&stack.pool, &stack.target.database_url).await?;
    let accept = scratch.write(accepted).await?;
    let pending = accepted
        .iter()
        .find(|rows| rows.table.name == "pending")
        .context("pending was not read")?;
    let apply = scratch.write_and_settle(applied, pending).await?;
    scratch.drop().await?;
    Ok((accept, apply))
}

fn per_person(what: &str, tables: &[Batched], people: f64) -> String {
    let counts: Vec<String> = tables
        .iter()
        .filter(|rows| !rows.table.rows.is_empty())
        .map(|rows| format!("{:.2} {}", rows.table.rows.len() as f64 / people, rows.table.name))
        .collect();
    format!("rows per person {what}: {}", counts.join(", "))
}
