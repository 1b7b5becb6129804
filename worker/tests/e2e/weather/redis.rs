//! Redis goes, hangs, or forgets everything.

use super::{CATCH_UP, chain};
use crate::harness::people::{Company, bulk_of_users, expect_company, user};
use crate::harness::{Options, Stack, Tenant, percentile};
use std::time::{Duration, Instant};

/// An acknowledgement without Redis, 95 of 100.
const PROMPT: Duration = Duration::from_secs(1);
/// Writers at the same time, and the writes of each, while Redis is away.
const WRITERS: usize = 8;
const EACH: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_redis_down_are_acknowledged_promptly_and_applied_when_it_returns() {
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("redis-down").await;
    stack.stores.kill_redis();
    write_without_redis(&mut stack, &tenant, "down").await;
    stack.stores.start_redis().await;
    apply_with_redis(&mut stack, &tenant, "down").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_redis_hanging_are_acknowledged_promptly_and_applied_when_it_goes_on() {
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        ..Options::default()
    })
    .await;
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
                    took.push(
                        scim.post("/Users", &user(&name, manager.as_deref()))
                            .await
                            .expect(201)
                            .took,
                    );
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
    println!(
        "redis {how}: {} writes acknowledged, p50 {p50:?}, p95 {p95:?}",
        took.len()
    );
    assert!(p95 < PROMPT, "p95 {p95:?}");
    stack.expect_alive();
    assert!(
        stack.outstanding().await.expect("Postgres is up") > 0,
        "without Redis nothing travels"
    );
}

async fn apply_with_redis(stack: &mut Stack, tenant: &Tenant, how: &str) {
    let returned = Instant::now();
    stack.converged(CATCH_UP).await;
    println!("redis {how}: applied {:?} after its return", returned.elapsed());
    let company: Company = (0..WRITERS)
        .flat_map(|writer| chain(&format!("w{writer}"), EACH))
        .collect();
    expect_company(&stack.db, tenant.id, &company).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushall_again_and_again_under_load_loses_nothing() {
    const WRITERS: usize = 6;
    const EACH: usize = 150;
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("flushed").await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let scim = tenant.scim.another();
            tokio::spawn(async move {
                let people = chain(&format!("w{writer}"), EACH);
                let (singles, bulk) = people.split_at(EACH / 3);
                for (name, manager) in singles {
                    scim.post("/Users", &user(name, manager.as_deref()))
                        .await
                        .expect(201);
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
    println!(
        "flushall: {flushes} times under load; applied {:?} after the last",
        last.elapsed()
    );
    assert!(flushes >= 3, "only {flushes} times under load");
    let company: Company = (0..WRITERS)
        .flat_map(|writer| chain(&format!("w{writer}"), EACH))
        .collect();
    expect_company(&stack.db, tenant.id, &company).await;
}
