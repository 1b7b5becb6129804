//! Bad weather, one cloud at a time.

use crate::harness::people::{Company, bulk_of_users, expect_company, user};
use crate::harness::{Options, Reply, Scim, Stack, Tenant, percentile, seed, within};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// For the directory to catch up in good weather.
const CATCH_UP: Duration = Duration::from_secs(60);
/// An acknowledgement without Redis, 95 of 100.
const PROMPT: Duration = Duration::from_secs(1);
/// For a worker to put down what it holds.
const DRAIN: Duration = Duration::from_secs(30);
/// Longer than a token is remembered, so that it must be looked up while Postgres is away.
const BLACKOUT: Duration = Duration::from_secs(7);

/// `prefix-0` has no manager, everybody else the one before, most of whom come later.
fn chain(prefix: &str, people: usize) -> Vec<(String, Option<String>)> {
    let name = |number: usize| format!("{prefix}-{number}@weather.example");
    (0..people).rev().map(|n| (name(n), n.checked_sub(1).map(name))).collect()
}

/// Writers at the same time, and the writes of each, while Redis is away.
const WRITERS: usize = 8;
const EACH: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_redis_down_are_acknowledged_promptly_and_applied_when_it_returns() {
    let mut stack = Stack::start(Options { apis: 2, workers: 2, ..Options::default() }).await;
    let tenant = stack.tenant("redis-down").await;
    stack.stores.kill_redis();
    write_without_redis(&mut stack, &tenant, "down").await;
    stack.stores.start_redis().await;
    apply_with_redis(&mut stack, &tenant, "down").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_redis_hanging_are_acknowledged_promptly_and_applied_when_it_goes_on() {
    let mut stack = Stack::start(Options { apis: 2, workers: 2, ..Options::default() }).await;
    let tenant = stack.tenant("redis-hangs").await;
    stack.stores.pause_redis();
    write_without_redis(&mut stack, &tenant, "hanging").await;
    stack.stores.resume_redis();
    apply_with_redis(&mut stack, &tenant, "hanging").await;
}

async fn write_without_redis(stack: &mut Stack, tenant: &Tenant, how: &str) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let scim = tenant.scim.another();
            tokio::spawn(async move {
                let mut took = vec![];
                for (name, manager) in chain(&format!("w{writer}"), EACH) {
                    took.push(scim.post("/Users", &user(&name, manager.as_deref())).await.expect(201).took);
                }
                took
            })
        })
        .collect();
    let mut took = vec![];
    for writer in writers {
        took.extend(writer.await.expect("every write is acknowledged"));
    }
    let (p50, p95) = (percentile(&mut took, 0.5), percentile(&mut took, 0.95));
    println!("redis {how}: {} writes acknowledged, p50 {p50:?}, p95 {p95:?}", took.len());
    assert!(p95 < PROMPT, "p95 {p95:?}");
    stack.expect_alive();
    assert!(stack.outstanding().await.expect("Postgres is up") > 0, "without Redis nothing travels");
}

async fn apply_with_redis(stack: &mut Stack, tenant: &Tenant, how: &str) {
    let returned = Instant::now();
    stack.converged(CATCH_UP).await;
    println!("redis {how}: applied {:?} after its return", returned.elapsed());
    let company: Company = (0..WRITERS).flat_map(|writer| chain(&format!("w{writer}"), EACH)).collect();
    expect_company(&stack.db, tenant.id, &company).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_postgres_down_get_503_and_no_acknowledged_write_is_lost() {
    const WRITERS: usize = 6;
    let mut stack =
        Stack::start(Options { apis: 2, workers: 2, durable: true, ..Options::default() }).await;
    let tenant = stack.tenant("postgres-down").await;
    // The writers use one API; the other never saw the token before Postgres goes.
    let (known, fresh) = (tenant.scim.only(0), tenant.scim.only(1));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write_until(stop.clone(), known.another(), writer)))
        .collect();
    within(Duration::from_secs(30), "some writes are accepted", async || {
        (known.get("/Users?count=0").await.body["totalResults"].as_u64()? >= 100).then_some(())
    })
    .await;
    stack.stores.crash_postgres();
    let dark = Instant::now();
    let mut asked = 0;
    while dark.elapsed() < BLACKOUT {
        for scim in [&known, &fresh] {
            for (method, path, body) in [
                (Method::GET, "/Users?count=1", None),
                (Method::POST, "/Users", Some(user("nobody@weather.example", None))),
                (Method::DELETE, "/Users/00000000-0000-7000-8000-000000000000", None),
            ] {
                let answer = scim.call(method.clone(), path, body.as_ref()).await;
                assert_eq!(answer.status.as_u16(), 503, "{method} {path}: {}", answer.body);
                let after = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
                assert!(after.is_some(), "{method} {path}: 503 without Retry-After");
                assert_eq!(answer.body["status"], "503", "{method} {path}: a SCIM error");
                asked += 1;
            }
        }
    }
    stack.expect_alive();
    stack.stores.start_postgres().await;
    within(Duration::from_secs(30), "writes are accepted again", async || {
        let answer = fresh.post("/Users", &user("again@weather.example", None)).await;
        (answer.status.as_u16() == 201).then_some(())
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Company::from([("again@weather.example".to_owned(), None)]);
    let mut unknown = vec![];
    for writer in writers {
        let (certain, open) = writer.await.expect("201, or 503 while Postgres is away");
        acknowledged.extend(certain);
        unknown.extend(open);
    }
    println!(
        "postgres down: {asked} requests answered 503; {} acknowledged writes, {} unknown",
        acknowledged.len(),
        unknown.len()
    );
    stack.converged(CATCH_UP).await;
    // What nobody acknowledged may be there or not, but then in both places.
    for user in known.list("/Users").await {
        let name = user["userName"].as_str().expect("userName").to_owned();
        if unknown.contains(&name) {
            acknowledged.insert(name, None);
        }
    }
    expect_company(&stack.db, tenant.id, &acknowledged).await;
}

/// Create people until told to stop; answers the acknowledged ones and those of unknown outcome.
async fn write_until(stop: Arc<AtomicBool>, scim: Scim, writer: usize) -> (Company, Vec<String>) {
    let (mut acknowledged, mut unknown) = (Company::new(), vec![]);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let name = format!("w{writer}-{number}@weather.example");
        match scim.send(Method::POST, "/Users", Some(&user(&name, None))).await {
            Reply::Answer(answer) if answer.status.as_u16() == 201 => {
                acknowledged.insert(name, None);
            }
            Reply::Answer(answer) => {
                assert_eq!(answer.status.as_u16(), 503, "{}", answer.body);
                unknown.push(name);
                // As a polite client does, only faster.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            lost => panic!("the API stays up: {lost:?}"),
        }
    }
    (acknowledged, unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushall_again_and_again_under_load_loses_nothing() {
    const WRITERS: usize = 6;
    const EACH: usize = 150;
    let mut stack = Stack::start(Options { apis: 2, workers: 2, ..Options::default() }).await;
    let tenant = stack.tenant("flushed").await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let scim = tenant.scim.another();
            tokio::spawn(async move {
                let people = chain(&format!("w{writer}"), EACH);
                let (singles, bulk) = people.split_at(EACH / 3);
                for (name, manager) in singles {
                    scim.post("/Users", &user(name, manager.as_deref())).await.expect(201);
                }
                for part in bulk.chunks(25) {
                    scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
                }
            })
        })
        .collect();
    let mut flushes = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        stack.stores.flush_redis().await;
        flushes += 1;
        // The moment at which it strikes.
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    for writer in writers {
        writer.await.expect("every write is acknowledged");
    }
    stack.stores.flush_redis().await;
    let last = Instant::now();
    stack.converged(CATCH_UP).await;
    println!("flushall: {flushes} times under load; applied {:?} after the last", last.elapsed());
    assert!(flushes >= 3, "only {flushes} times under load");
    let company: Company = (0..WRITERS).flat_map(|writer| chain(&format!("w{writer}"), EACH)).collect();
    expect_company(&stack.db, tenant.id, &company).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_sigterm_under_load_drains_and_loses_nothing() {
    const ROUNDS: usize = 5;
    const PEOPLE: usize = 2_000;
    let mut random = StdRng::seed_from_u64(seed("sigterm"));
    // Slow enough for a backlog at every round.
    let environment = vec![("ROLLCALL_APPLY_PER_SECOND", "400".to_owned())];
    let mut stack = Stack::start(Options { workers: 2, environment, ..Options::default() }).await;
    let tenant = stack.tenant("terminated").await;
    let people = chain("p", PEOPLE);
    for part in people.chunks(500) {
        tenant.scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
    }
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let before = applied(&stack).await;
        within(CATCH_UP, "the workers work", async || (applied(&stack).await > before).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
        let asked = Instant::now();
        let status = stack.workers[round % 2].terminate(DRAIN).await;
        longest = longest.max(asked.elapsed());
        assert_eq!(status.code(), Some(0), "round {round}: {status}\n{}", stack.log_tails());
        assert!(stack.outstanding().await.expect("Postgres is up") > 0, "round {round}: no load any more");
        stack.workers[round % 2].start();
        stack.workers[round % 2].ready().await;
    }
    let asked = Instant::now();
    let status = stack.apis[0].terminate(DRAIN).await;
    assert_eq!(status.code(), Some(0), "api: {status}");
    println!("sigterm: a worker took at most {longest:?}, the API {:?}", asked.elapsed());
    stack.apis[0].start();
    stack.ready().await;
    stack.converged(CATCH_UP).await;
    expect_company(&stack.db, tenant.id, &people.into_iter().collect()).await;
    let failures: i64 =
        sqlx::query_scalar("select count(*) from key_failures").fetch_one(&stack.db).await.unwrap();
    assert_eq!(failures, 0, "a drained worker leaves no job to expire");
}

/// Keys applied so far.
async fn applied(stack: &Stack) -> i64 {
    sqlx::query_scalar("select count(*) from history").fetch_one(&stack.db).await.unwrap()
}
