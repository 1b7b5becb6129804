//! The benchmark: what the product does per second, beside what plain SQL does with the same
//! rows on the same machine at the same time.

mod convergence;
mod floor;
mod rates;
mod reads;
mod report;
mod resync;
mod rows;
mod stack;
mod wire;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::target::Target;
use report::Report;
use stack::{Binaries, Stack};

/// Measures a running API; starts and stops the worker itself.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    binaries: Binaries,
    /// One run of everything, with fewer people (reads and runs among 10,000 instead of 100,000), to see
    /// that it works
    #[arg(long)]
    quick: bool,
    /// Connections for single creates
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Operations in one /Bulk request
    #[arg(long, default_value_t = 250)]
    bulk_size: usize,
    /// Sizes of the companies whose convergence is timed [default: 2000,20000; quick: 2000]
    #[arg(long, value_delimiter = ',')]
    convergence: Vec<usize>,
    /// What is measured [default: everything]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Where the figures are written, as one JSON file per day
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Creates, bulk operations and applying
    Rates,
    /// Look-ups, walks, members added
    Reads,
    /// Resync runs, and what they cost live writes
    Runs,
    /// Whole companies
    Convergence,
}

/// How much of everything is done.
#[derive(Debug, Clone)]
struct Scale {
    runs: usize,
    singles: usize,
    people: usize,
    connections: usize,
    bulk_size: usize,
    /// Users, and members of the large group, that reads are measured among.
    stored: usize,
    /// Look-ups.
    reads: usize,
    /// Members added one by one to each group.
    members: usize,
    /// People that resync runs compare; of the larger company some differ.
    compared: [usize; 2],
    /// Single writes, during runs and without.
    live: usize,
}

/// Runs the benchmark, prints the table and writes the file.
pub(crate) async fn run(options: Options) -> Result<()> {
    ensure!(
        options.bulk_size > 0 && options.connections > 0,
        "--bulk-size and --connections start at 1"
    );
    let (runs, singles, people) = if options.quick {
        (1, 2_000, 4_000)
    } else {
        (3, 10_000, 20_000)
    };
    let (stored, reads, members) = if options.quick {
        (10_000, 2_000, 100)
    } else {
        (100_000, 20_000, 500)
    };
    let (compared, live) = if options.quick {
        ([2_000, 10_000], 500)
    } else {
        ([20_000, 100_000], 2_000)
    };
    let (connections, bulk_size) = (options.connections, options.bulk_size);
    let scale = Scale {
        runs,
        singles,
        people,
        connections,
        bulk_size,
        stored,
        reads,
        members,
        compared,
        live,
    };
    let sizes = match options.convergence.as_slice() {
        [] if options.quick => vec![2_000],
        [] => vec![2_000, 20_000],
        sizes => sizes.to_vec(),
    };
    let stack = Stack::new(options.target, options.binaries).await?;
    let mut report = Report::new(options.quick);
    let asked = |part| options.only.is_empty() || options.only.contains(&part);
    if asked(Part::Rates) {
        rates::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Reads) {
        reads::measure(&stack, &scale, &mut report).await?;
    }
    if asked(Part::Runs) {
        resync::measure(&stack, &scale, &mut report).await?;
    }
    for size in sizes.into_iter().filter(|_| asked(Part::Convergence)) {
        // A large company takes minutes and converges much the same every time.
        let runs = if size > 5_000 { 1 } else { scale.runs };
        let measure = convergence::measure(&stack, size, runs, &mut report.notes).await?;
        report.add(measure);
    }
    report.print();
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
