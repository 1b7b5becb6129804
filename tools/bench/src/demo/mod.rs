//! The demo: one company, sent in the hard order, watched until it is right, then checked.

mod links;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;
use sqlx::PgPool;

use crate::company::Company;
use crate::compare::{Comparison, compare, tenant_id};
use crate::converge::{self, State};
use crate::expect;
use crate::send::{Client, Plan, Progress, Sent, send};
use crate::target::Target;
use links::{Resolved, Tally};

/// Sends a made-up company and checks every row the directory makes of it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Token of scope `scim`
    #[arg(long, env = "SCIM_TOKEN", hide_env_values = true)]
    scim_token: String,
    /// Metrics address of the worker; several workers separated by commas
    #[arg(long, env = "WORKER_METRICS_URL", value_delimiter = ',')]
    worker_metrics_url: Vec<String>,
    /// The tenant that SCIM_TOKEN belongs to; it must be empty
    #[arg(long, default_value = "demo")]
    tenant: String,
    /// How many people, leavers included
    #[arg(long, default_value_t = 2_000)]
    people: usize,
    /// The same seed and number of people make the same company
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Requests in flight
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Operations in one /Bulk request
    #[arg(long, default_value_t = 100)]
    bulk_size: usize,
    /// Seconds to wait for the directory after the last acknowledgement [default: 60, and one
    /// more for every 100 people]
    #[arg(long)]
    deadline: Option<u64>,
}

/// Runs the demo; an error is what must make the process fail.
pub(crate) async fn run(options: Options) -> Result<()> {
    ensure!(
        options.bulk_size > 0 && options.connections > 0,
        "--bulk-size and --connections start at 1"
    );
    let company = Company::generate(options.people, options.seed);
    let plan = Plan::new(&company, options.bulk_size, options.seed);
    let pool = options.target.connect().await?;
    let tenant = tenant_id(&pool, &options.tenant).await?;
    ensure_empty(&pool, tenant, &options.tenant).await?;
    let before = links::read(&options.worker_metrics_url).await?;
    let writes = plan.operations().count();
    println!(
        "company            {} people, {} groups, {} manager links; {writes} writes in {} requests",
        company.people.len(),
        company.groups.len(),
        company.manager_links(),
        plan.steps().count(),
    );

    let client = Client::new(&options.target.scim_url, &options.scim_token)?;
    let sent = send(
        &company,
        &plan,
        &client,
        options.connections,
        &Progress::new("sending", writes),
    )
    .await?;
    print_sent(&sent);

    let expected = expect::directory(&company, &sent.ids);
    let patience = options.deadline.unwrap_or(60 + options.people as u64 / 100);
    let deadline = Instant::now() + Duration::from_secs(patience);
    let state = converge::wait(&pool, tenant, expected.waiters.len(), deadline).await?;
    print_convergence(&sent, &state);
    let tally = links::read(&options.worker_metrics_url).await?.since(&before);
    print_links(&tally);

    let comparison = compare(&pool, tenant, &expected).await?;
    comparison.print();
    verdict(&sent, &state, &tally, &comparison)
}

async fn ensure_empty(pool: &PgPool, tenant: i64, name: &str) -> Result<()> {
    let resources: i64 = sqlx::query_scalar("select count(*) from scim_resources where tenant_id = $1")
        .bind(tenant)
        .fetch_one(pool)
        .await?;
    ensure!(
        resources == 0,
        "tenant {name} already holds {resources} resources: the demo needs an empty one"
    );
    Ok(())
}

fn print_sent(sent: &Sent) {
    let seconds = sent.duration().as_secs_f64();
    println!(
        "accepted           {} writes in {seconds:.2} s: {:.0}/s ({} requests, {} asked to come back later)",
        sent.accepted(),
        sent.accepted() as f64 / seconds,
        sent.requests,
        sent.pushed_back,
    );
    if !sent.refused.is_empty() {
        println!("refused            {}", sent.refused.len());
        for refused in sent.refused.iter().take(20) {
            println!("  {refused}");
        }
    }
}

fn print_convergence(sent: &Sent, state: &State) {
    match state {
        State::Converged(at) => {
            let seconds = (*at - sent.started).as_secs_f64();
            let accepted = sent.accepted() as f64;
            println!(
                "applied            {:.0} writes/s, {:.0} people/s with all their links",
                accepted / seconds,
                sent.ids.people.len() as f64 / seconds,
            );
            let lag = at.saturating_duration_since(sent.last_acknowledged).as_secs_f64();
            println!("converged          {lag:.2} s after the last acknowledgement");
        }
        State::Late(backlog) => println!("converged          no: {backlog}"),
    }
}

fn print_links(tally: &Tally) {
    let Resolved {
        immediate,
        arrival,
        retry,
    } = tally.all();
    let waited = arrival + retry;
    println!(
        "links that waited  {waited} of {}: {arrival} resolved on arrival, {retry} by retry",
        waited + immediate,
    );
    let managers = tally.managers();
    let (waited, all) = (managers.waited(), managers.all());
    println!(
        "  manager links    {waited} of {all} ({:.0} %)",
        100.0 * waited as f64 / all.max(1) as f64
    );
}

fn verdict(sent: &Sent, state: &State, tally: &Tally, comparison: &Comparison) -> Result<()> {
    let managers = tally.managers();
    let mut faults = Vec::new();
    if !sent.refused.is_empty() {
        faults.push(format!("{} writes were refused", sent.refused.len()));
    }
    if let State::Late(backlog) = state {
        faults.push(format!("no convergence in time: {backlog}"));
    }
    if managers.waited() * 2 < managers.all() || managers.all() == 0 {
        faults
            .push("fewer than half of the manager links had to wait: this was not the hard order".to_owned());
    }
    if !comparison.differences.is_empty() {
        faults.push(format!("{} differences", comparison.differences.len()));
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    println!("every person, team, membership and reporting line is as it must be");
    Ok(())
}
