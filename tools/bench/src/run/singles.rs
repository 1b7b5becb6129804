//! Single requests: creates at several numbers of connections, at a pace below the most there is,
//! and with the workers applying them meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::bare::Bare;
use super::flood::{Flooded, Pace, flood};
use super::floor::{BATCH, Scratch};
use super::rates::in_hard_order;
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant};
use super::usage::Shares;
use super::wire::Endpoint;
use super::{Scale, median, rows};
use crate::company::Company;
use crate::converge::{self, State};
use crate::send::create_body;

/// What is left of the most creates a second when latency is looked at.
const LOADED: f64 = 0.7;

/// Rounds of one number of connections.
#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    shares: Shares,
}

impl Rounds {
    fn add(&mut self, flooded: &Flooded, shares: Shares) {
        self.rates.push(flooded.rate());
        self.p50.push(flooded.quantile(0.50));
        self.p99.push(flooded.quantile(0.99));
        self.shares = shares;
    }

    fn latency(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms", median(&self.p50), median(&self.p99))
    }
}

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let mut floors = vec![];
    let mut most = 0.0;
    for connections in scale.connections {
        let (mut rounds, mut http) = (Rounds::default(), vec![]);
        // One connection alone is many times slower.
        let count = if connections == 1 {
            scale.singles / 5
        } else {
            scale.singles
        };
        for run in 1..=scale.runs {
            let tenant = stack.tenant().await?;
            let company = Company::roster(count, run as u64);
            let before = stack.processes.read(None)?;
            let flooded = creates(stack, &tenant, &company, connections, Pace::Unpaced).await?;
            rounds.add(&flooded, before.until(stack.processes.read(None)?));
            let accepted = rows::accepted(&stack.pool, tenant.id, BATCH).await?;
            let mut scratch = Scratch::create(&stack.pool, &stack.target.database_url).await?;
            floors.push(count as f64 / scratch.write(&accepted).await?.as_secs_f64());
            scratch.drop().await?;
            stack.forget_backlog(&tenant).await?;
            http.push(bare(&company, connections).await?);
        }
        let measure = Measure::new(
            format!("single creates, {connections} connections"),
            Unit::PerSecond,
            &rounds.rates,
            &floors,
        );
        let bare = median(&http);
        let detail = format!(
            "{}; a bare handler {bare:.0}/s, {:.1}×; {}",
            rounds.latency(),
            bare / measure.median,
            rounds.shares
        );
        let mut measure = measure.with(detail);
        if connections == scale.most_connections() {
            most = measure.median;
            measure = measure.target(Target::AtLeast(6_000.0));
        }
        report.add(measure);
    }
    report.add(paced(stack, scale, most).await?);
    report.add(sustained(stack, scale).await?);
    Ok(())
}

/// The slowest percent of the creates at seven tenths of the most there is.
async fn paced(stack: &Stack, scale: &Scale, most: f64) -> Result<Measure> {
    let (pace, mut slowest) = (most * LOADED, vec![]);
    for run in 1..=scale.runs {
        let tenant = stack.tenant().await?;
        let company = Company::roster(scale.singles, run as u64);
        let connections = scale.most_connections();
        let flooded = creates(stack, &tenant, &company, connections, Pace::PerSecond(pace)).await?;
        slowest.push(flooded.quantile(0.99));
        stack.forget_backlog(&tenant).await?;
    }
    let measure = Measure::new(
        "single create, p99 at 70 % of the most",
        Unit::Milliseconds,
        &slowest,
        &[],
    );
    Ok(measure
        .with(format!("{pace:.0} creates/s, from when each was due"))
        .target(Target::AtMost(30.0)))
}

/// People per second from the first create to the last one applied, with the worker at work.
async fn sustained(stack: &Stack, scale: &Scale) -> Result<Measure> {
    let (mut rates, mut accepted, mut lags) = (vec![], vec![], vec![]);
    let mut shares = Shares::default();
    for run in 1..=scale.runs {
        let tenant = stack.tenant().await?;
        let company = Company::roster(scale.people, run as u64);
        let mut worker = stack.start_worker()?;
        worker.ready().await?;
        let before = stack.processes.read(worker.pid())?;
        let started = Instant::now();
        let connections = scale.most_connections();
        let flooded = creates(stack, &tenant, &company, connections, Pace::Unpaced).await?;
        let last = Instant::now();
        let deadline = last + Duration::from_secs(60 + scale.people as u64 / 100);
        let state = converge::wait(&stack.pool, tenant.id, 0, deadline).await?;
        shares = before.until(stack.processes.read(worker.pid())?);
        worker.stop().await?;
        let at = match state {
            State::Converged(at) => at,
            State::Late(backlog) => bail!("the backlog was not worked off: {backlog}"),
        };
        rates.push(scale.people as f64 / (at - started).as_secs_f64());
        accepted.push(flooded.rate());
        lags.push(at.saturating_duration_since(last).as_secs_f64());
    }
    let detail = format!(
        "accepted {:.0}/s, all applied {:.2} s after the last; {shares}",
        median(&accepted),
        median(&lags)
    );
    let measure = Measure::new("single creates, applied meanwhile", Unit::PerSecond, &rates, &[]);
    Ok(measure.with(detail).target(Target::AtLeast(3_500.0)))
}

async fn creates(
    stack: &Stack,
    tenant: &Tenant,
    company: &Company,
    connections: usize,
    pace: Pace,
) -> Result<Flooded> {
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    let requests = Arc::new(requests(&endpoint, company)?);
    flood(&endpoint, requests, connections, pace, created).await
}

/// The same requests to a handler that does nothing: per second.
async fn bare(company: &Company, connections: usize) -> Result<f64> {
    let bare = Bare::start().await?;
    let requests = Arc::new(requests(&bare.endpoint, company)?);
    let flooded = flood(&bare.endpoint, requests, connections, Pace::Unpaced, created).await?;
    Ok(flooded.rate())
}

fn requests(endpoint: &Endpoint, company: &Company) -> Result<Vec<Vec<u8>>> {
    in_hard_order(company)
        .into_iter()
        .map(|person| {
            let body = serde_json::to_vec(&create_body(company, person)?)?;
            Ok(endpoint.post("/Users", &body))
        })
        .collect()
}

fn created(status: u16, _: &[u8]) -> Result<()> {
    ensure!(
        status != 429,
        "the API limits the rate: start it with ROLLCALL_REQUESTS_PER_SECOND=0"
    );
    ensure!(status == 201, "a create answered {status}");
    Ok(())
}
