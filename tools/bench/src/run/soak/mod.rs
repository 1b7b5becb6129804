//! Hours of it in half an hour: seven tenths of the most writes that can be applied as they come, held for
//! long, while memory, latency, tables and backlog are watched. Whatever grows with time and not with rows shows.

mod interval;
mod load;
mod mix;
mod outcome;
mod pace;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::rates::bulk;
use super::stack::{Binaries, Stack, Tenant, Worker};
use super::usage::Processes;
use super::wire::Endpoint;
use crate::company::Company;
use crate::converge::{self, State};
use crate::target::Target;
use interval::{Interval, Watch};
use load::{Load, Pace};
use mix::Mix;
use outcome::Outcome;

/// What is left of the most writes a second.
const SHARE: f64 = 0.7;
/// Intervals that a soak has, unless they would be shorter than [`SHORTEST`].
const INTERVALS: u32 = 10;
const SHORTEST: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 64;
const BULK_SIZE: usize = 500;

/// Measures a running API; starts and stops the worker itself.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    binaries: Binaries,
    #[command(flatten)]
    processes: Processes,
    /// How long the load is held
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    minutes: u16,
    /// People of the company that is written to
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(100..))]
    people: u32,
    /// Writes a second [default: 70 % of the most there is, which is looked for first]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pace: Option<u32>,
    /// Where the figures and the picture are written
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
}

/// Holds the load, prints a line per interval and the verdict; fails when a rule was broken.
pub(crate) async fn run(options: Options) -> Result<()> {
    let stack = Stack::new(options.target, options.binaries, options.processes).await?;
    let tenant = stack.tenant().await?;
    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    let length = Duration::from_secs(60 * u64::from(options.minutes));
    let mix = Arc::new(stored(&stack, &tenant, options.people as usize).await?);
    let (most, pace) = match options.pace {
        Some(pace) => (None, f64::from(pace)),
        None => {
            let most = pace::most(&stack, &tenant, &mix, probe(length)).await?;
            (Some(most), most * SHARE)
        }
    };
    let held = hold(&stack, &tenant, &worker, &mix, pace, length).await;
    worker.stop().await?;
    let outcome = Outcome::new(options.minutes, most, pace, held?);
    outcome.print();
    outcome.write(&options.results)?;
    ensure!(outcome.passed(), "something grows that must not");
    Ok(())
}

/// How long one attempt at the most writes a second lasts.
fn probe(length: Duration) -> Duration {
    (length / 30).clamp(Duration::from_secs(5), Duration::from_secs(60))
}

/// A company that is applied, and what can be written to it.
async fn stored(stack: &Stack, tenant: &Tenant, people: usize) -> Result<Mix> {
    eprintln!("soak: storing {people} people");
    let company = Company::roster(people, 1);
    bulk(stack, tenant, &company, BULK_SIZE).await?;
    drained(stack, tenant, people).await?;
    let ids = "select id::text from scim_resources where tenant_id = $1 and kind = 1 and deleted_seq is null";
    let ids: Vec<String> = sqlx::query_scalar(ids)
        .bind(tenant.id)
        .fetch_all(&stack.pool)
        .await?;
    let endpoint = Endpoint::new(&stack.target.scim_url, &tenant.token)?;
    Mix::new(endpoint, ids).await
}

/// When the last of what was accepted is in the directory.
async fn drained(stack: &Stack, tenant: &Tenant, writes: usize) -> Result<Instant> {
    let deadline = Instant::now() + Duration::from_secs(60 + writes as u64 / 100);
    match converge::wait(&stack.pool, tenant.id, usize::MAX >> 1, deadline).await? {
        State::Converged(at) => Ok(at),
        State::Late(backlog) => bail!("the backlog was not worked off: {backlog}"),
    }
}

async fn hold(
    stack: &Stack,
    tenant: &Tenant,
    worker: &Worker,
    mix: &Arc<Mix>,
    pace: f64,
    length: Duration,
) -> Result<Vec<Interval>> {
    let (each, count) = divide(length);
    eprintln!(
        "soak: {pace:.0} writes/s for {} s, {count} intervals",
        length.as_secs()
    );
    let mut watch = Watch::new(stack, tenant, worker).await?;
    let mut load = Load::start(mix, CONNECTIONS, Pace::PerSecond(pace), length).await?;
    let started = Instant::now();
    let mut intervals = Vec::new();
    eprintln!("{}", Interval::HEAD);
    for number in 1..=count {
        let until = started + each * number;
        // Where everything stood still, looking did too: what was missed belongs to the interval before.
        if until <= Instant::now() {
            continue;
        }
        let interval = watch.interval(&mut load, until).await?;
        eprintln!("{}", interval.row());
        intervals.push(interval);
    }
    load.end().await?;
    Ok(intervals)
}

/// Into how many intervals a time falls, and how long each is.
fn divide(length: Duration) -> (Duration, u32) {
    let each = (length / INTERVALS).max(SHORTEST);
    (each, (length.as_secs() / each.as_secs().max(1)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divide_gives_ten_intervals_and_fewer_where_they_would_be_too_short() {
        assert_eq!(divide(Duration::from_secs(1_800)), (Duration::from_secs(180), 10));
        assert_eq!(divide(Duration::from_secs(60)), (Duration::from_secs(6), 10));
        assert_eq!(divide(Duration::from_secs(30)), (Duration::from_secs(5), 6));
    }
}
