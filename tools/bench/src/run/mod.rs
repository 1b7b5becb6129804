//! The benchmark: what the product does per second, beside what plain SQL does with the same
//! rows on the same machine at the same time.

pub(crate) mod bare;
mod chart;
mod convergence;
mod flood;
mod floor;
mod groups;
mod idle;
mod rates;
mod reads;
mod report;
mod resync;
mod roster;
mod rows;
mod saved;
mod singles;
pub(crate) mod soak;
mod stack;
mod tenants;
mod usage;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::target::Target;
use report::Report;
use stack::{Binaries, Stack};
use usage::Processes;

/// Measures a running API; starts and stops the worker itself.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    binaries: Binaries,
    #[command(flatten)]
    processes: Processes,
    /// Redis of the stack: what it does while nothing happens is looked at
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// One run of everything, with fewer people, in less than three minutes: to see that it works, or
    /// what a change did
    #[arg(long)]
    quick: bool,
    /// A company of a million people too
    #[arg(long, conflicts_with = "quick")]
    long: bool,
    /// Operations in one /Bulk request
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..))]
    bulk_size: u16,
    /// Sizes of the companies whose convergence is timed [default: 1000,10000,100000; quick: 1000,4000]
    #[arg(long, value_delimiter = ',')]
    convergence: Vec<usize>,
    /// What is measured [default: everything]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// A saved result to compare with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Where the figures are written, as one JSON file per day
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Single creates
    Singles,
    /// Bulk operations, and applying them
    Rates,
    /// Look-ups, PATCHes, walks
    Reads,
    /// Large groups
    Groups,
    /// The nightly roster
    Roster,
    /// Resync runs, and what they cost live writes
    Runs,
    /// Many tenants, one flooding
    Tenants,
    /// Nothing
    Idle,
    /// Whole companies
    Convergence,
}

/// How much of everything is done.
#[derive(Debug, Clone)]
struct Scale {
    runs: usize,
    /// Single creates.
    singles: usize,
    /// People in a backlog, and in the nightly roster.
    people: usize,
    /// How many single requests are under way at once.
    connections: [usize; 3],
    bulk_size: usize,
    /// Users that reads are measured among, and members of the large group.
    stored: usize,
    /// Look-ups.
    reads: usize,
    /// Members added one by one to each group.
    members: usize,
    /// People that resync runs compare; of the larger company some differ.
    compared: [usize; 2],
    /// Single writes, during runs and without.
    live: usize,
    tenants: usize,
    /// Writes of each quiet tenant in a round.
    tenant_writes: usize,
    idle: Duration,
}

impl Scale {
    const FULL: Scale = Scale {
        runs: 3,
        singles: 10_000,
        people: 20_000,
        connections: [1, 16, 64],
        bulk_size: 500,
        stored: 100_000,
        reads: 20_000,
        members: 500,
        compared: [20_000, 100_000],
        live: 2_000,
        tenants: 200,
        tenant_writes: 10,
        idle: Duration::from_secs(20),
    };
    const QUICK: Scale = Scale {
        runs: 1,
        singles: 2_000,
        people: 4_000,
        stored: 10_000,
        reads: 2_000,
        members: 100,
        compared: [2_000, 10_000],
        live: 500,
        tenants: 20,
        tenant_writes: 5,
        idle: Duration::from_secs(5),
        ..Scale::FULL
    };

    fn most_connections(&self) -> usize {
        self.connections[2]
    }
}

/// Runs the benchmark, prints the table and writes the file.
pub(crate) async fn run(options: Options) -> Result<()> {
    if let Some(path) = &options.against {
        ensure!(path.exists(), "{} is not there", path.display());
    }
    let scale = Scale {
        bulk_size: options.bulk_size.into(),
        ..if options.quick { Scale::QUICK } else { Scale::FULL }
    };
    let mut sizes = match options.convergence.as_slice() {
        [] if options.quick => vec![1_000, 4_000],
        [] => vec![1_000, 10_000, 100_000],
        sizes => sizes.to_vec(),
    };
    sizes.extend(options.long.then_some(1_000_000));
    let stack = Stack::new(options.target, options.binaries, options.processes).await?;
    let mut report = Report::new(options.quick);
    let asked = |part| options.only.is_empty() || options.only.contains(&part);
    if asked(Part::Idle) {
        idle::measure(&stack, &scale, &options.redis_url, &mut report).await?;
    }
    if asked(Part::Singles) {
        singles::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Rates) {
        rates::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Reads) {
        reads::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Groups) {
        groups::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Roster) {
        roster::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Runs) {
        resync::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Tenants) {
        tenants::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Convergence) {
        std::fs::create_dir_all(&options.results)?;
        let picture = options.results.join("throughput.svg");
        convergence::measure(&stack, &sizes, scale.runs, &mut report, &picture).await?;
    }
    report.print();
    if let Some(path) = &options.against {
        saved::compare(&report, path)?;
    }
    let path = report.write(&options.results)?;
    println!("written to {}", path.display());
    Ok(())
}

/// The middle one; of an even number the lower.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}
