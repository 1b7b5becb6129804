//! The property that must hold: for one accept order, any interleaving, duplication, crash and
//! retry of the workers gives the directory a single-threaded reading of that order gives.
//!
//! Two APIs and two workers, each with its own connections, serve random clients over HTTP while
//! failpoints before and after every commit and acknowledgement fire at random. Afterwards the
//! directory of each seed's tenant is compared, both ways, with the model's.
//!
//! `ROLLCALL_SEEDS` sets how many seeds run (300), `ROLLCALL_FIRST_SEED` where they start.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod directory;
mod model;
mod permutation;
mod script;
mod stack;

use futures::StreamExt;
use model::Model;
use script::{Client, Receipt, World};
use stack::Stack;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CLIENTS: u32 = 4;
const STEPS: usize = 12;
/// Seeds under way at once.
const AT_ONCE: usize = 12;
/// Longest a tenant may take to come to rest: what failed six times in a row has been put off for a minute.
const DEADLINE: Duration = Duration::from_secs(180);

/// Paths that every full run must have taken, or the test tested too little.
const REQUIRED: &[&str] = &[
    "rehire",
    "ambiguous",
    "self-management",
    "additional manager named twice",
    "waits for a deleted person",
    "waits for a value",
    "group member linked",
    "group member waits",
    "group in a group",
    "group in itself",
    "waits for a deleted group",
    "bulk",
    "bulk operation refused",
    "unchanged",
    "stored though the answer was lost",
    "POST 201",
    "POST 409",
    "PUT 200",
    "PATCH 204",
    "DELETE 204",
    "link resolved immediate",
    "link resolved arrival",
];

fn setting(name: &str, default: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how much to test is the developer's to say"
    )]
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directory_under_any_interleaving_and_crash_equals_the_single_threaded_model() {
    let seeds = setting("ROLLCALL_SEEDS", 300);
    let first = setting("ROLLCALL_FIRST_SEED", 1);
    let stack = Arc::new(Stack::start().await);
    stack.failpoints("2%return");
    let started = Instant::now();
    let mut paths: BTreeMap<String, u64> = BTreeMap::new();
    let mut runs = futures::stream::iter(first..first + seeds)
        .map(|seed| {
            let stack = Arc::clone(&stack);
            tokio::spawn(async move { run(&stack, seed).await })
        })
        .buffer_unordered(AT_ONCE);
    let mut failures = vec![];
    while let Some(outcome) = runs.next().await {
        match outcome.expect("a seed's task does not panic") {
            Ok(taken) => taken
                .into_iter()
                .for_each(|(path, count)| *paths.entry(path).or_default() += count),
            Err(failure) => failures.push(failure),
        }
    }
    drop(runs);
    let fired = rollcall_shared::failpoint::hits();
    for (name, count) in &fired {
        paths.insert(format!("failpoint {name}"), *count);
    }
    paths.extend(stack.link_paths().await);
    println!(
        "{seeds} seeds in {:.1} s; how often each path ran:",
        started.elapsed().as_secs_f64()
    );
    for (path, count) in &paths {
        println!("{count:>8}  {path}");
    }
    assert!(
        failures.is_empty(),
        "{} seeds differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(stack.deadlocks().await, 0, "deadlocks");
    if seeds >= 100 {
        for path in REQUIRED {
            assert!(paths.contains_key(*path), "the path {path:?} never ran");
        }
        for name in stack::failpoints() {
            assert!(fired.contains_key(name), "the failpoint {name:?} never fired");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directory_after_any_order_of_the_same_writes_is_the_same() {
    let seeds = setting("ROLLCALL_SEEDS", 300).div_ceil(10);
    let first = setting("ROLLCALL_FIRST_SEED", 1);
    let stack = Arc::new(Stack::start().await);
    stack.failpoints("2%return");
    let failures: Vec<String> = futures::stream::iter(first..first + seeds)
        .map(|seed| {
            let stack = Arc::clone(&stack);
            async move { permutation::compare(&stack, seed).await.err() }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failure| failure)
        .collect()
        .await;
    assert!(
        failures.is_empty(),
        "{} seeds differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

async fn run(stack: &Stack, seed: u64) -> Result<BTreeMap<String, u64>, String> {
    let (tenant, token) = stack.tenant(&format!("seed-{seed}")).await;
    let world = Arc::new(World {
        base: stack.bases.clone(),
        token,
        tenant,
        pool: stack.pool.clone(),
        http: stack.http.clone(),
        known: Default::default(),
        known_groups: Default::default(),
        log: Default::default(),
        paths: Default::default(),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(Client::new(Arc::clone(&world), seed, number).run(STEPS)))
        .collect();
    for client in clients {
        client
            .await
            .map_err(|error| format!("seed {seed}: a client failed: {error}"))?;
    }
    let mut model = replay(&world)
        .await
        .map_err(|error| format!("seed {seed}: {error}"))?;
    let expected = model.rows();
    let started = Instant::now();
    let mut late = false;
    loop {
        let quiet = directory::quiet(&stack.pool, tenant).await;
        if quiet {
            let actual = directory::rows(&stack.pool, tenant).await;
            if actual == expected {
                break;
            }
            // Something moved between the two readings, or a retry is still to come.
            late = true;
        }
        if started.elapsed() > DEADLINE {
            let actual = directory::rows(&stack.pool, tenant).await;
            let missing: Vec<&String> = expected.difference(&actual).take(8).collect();
            let extra: Vec<&String> = actual.difference(&expected).take(8).collect();
            return Err(format!(
                "seed {seed} (quiet: {quiet}): missing {missing:#?}, extra {extra:#?}"
            ));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut paths = world.paths.lock().unwrap().clone();
    paths.extend(
        model
            .paths
            .iter()
            .map(|(path, count)| ((*path).to_owned(), *count)),
    );
    if late {
        paths.insert("repaired by a retry after all was quiet".to_owned(), 1);
    }
    Ok(paths)
}

/// Run the log through the model in accept order, without what asserted nothing new.
async fn replay(world: &World) -> Result<Model, String> {
    let changes: Vec<(i64, Uuid, i32, Uuid, bool)> = sqlx::query_as(
        "select seq, txn, txn_index, resource_id, unchanged from changes where tenant_id = $1",
    )
    .bind(world.tenant)
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let by_txn: HashMap<(Uuid, i32), i64> = changes.iter().map(|c| ((c.1, c.2), c.0)).collect();
    let by_seq: HashMap<i64, (Uuid, bool)> = changes.iter().map(|c| (c.0, (c.3, c.4))).collect();
    let log = std::mem::take(&mut *world.log.lock().unwrap());
    let mut events = vec![];
    for (receipt, event) in log {
        let seq = match &receipt {
            Receipt::Seq(seq) => *seq,
            Receipt::Txn(txn, index) => *by_txn
                .get(&(*txn, *index))
                .ok_or_else(|| format!("acknowledged {txn}:{index} is not in the ledger"))?,
        };
        events.push((seq, event));
    }
    let logged: std::collections::BTreeSet<i64> = events.iter().map(|(seq, _)| *seq).collect();
    if let Some(seq) = by_seq.keys().find(|seq| !logged.contains(seq)) {
        return Err(format!(
            "change {seq} is in the ledger, but nobody knows of having sent it"
        ));
    }
    events.sort_by_key(|(seq, _)| *seq);
    let mut model = Model::default();
    for (seq, event) in &events {
        if by_seq[seq].1 {
            world.hit("unchanged");
        } else {
            model.apply(*seq, event);
        }
    }
    Ok(model)
}
