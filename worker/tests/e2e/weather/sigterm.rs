//! Processes are told to stop.

use super::{CATCH_UP, chain};
use crate::harness::people::{bulk_of_users, expect_company};
use crate::harness::{Options, Stack, seed, within};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::{Duration, Instant};

/// For a process to put down what it holds.
const DRAIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_sigterm_under_load_drains_and_loses_nothing() {
    const ROUNDS: usize = 5;
    const PEOPLE: usize = 3_000;
    let mut random = StdRng::seed_from_u64(seed("sigterm"));
    // Slow enough for a backlog at every round, though every start brings another second's burst.
    let environment = vec![("ROLLCALL_APPLY_PER_SECOND", "200".to_owned())];
    let mut stack = Stack::start(Options {
        workers: 2,
        environment,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("terminated").await;
    let people = chain("p", PEOPLE);
    for part in people.chunks(500) {
        tenant.scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
    }
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let before = applied(&stack).await;
        within(CATCH_UP, "the workers work", async || {
            (applied(&stack).await > before).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
        let asked = Instant::now();
        let status = stack.workers[round % 2].terminate(DRAIN).await;
        longest = longest.max(asked.elapsed());
        assert_eq!(
            status.code(),
            Some(0),
            "round {round}: {status}\n{}",
            stack.log_tails()
        );
        assert!(
            stack.outstanding().await.expect("Postgres is up") > 0,
            "round {round}: no load any more"
        );
        stack.workers[round % 2].start();
        stack.workers[round % 2].ready().await;
    }
    let asked = Instant::now();
    let status = stack.apis[0].terminate(DRAIN).await;
    assert_eq!(status.code(), Some(0), "api: {status}");
    println!(
        "sigterm: a worker took at most {longest:?}, the API {:?}",
        asked.elapsed()
    );
    stack.apis[0].start();
    stack.ready().await;
    stack.converged(CATCH_UP).await;
    expect_company(&stack.db, tenant.id, &people.into_iter().collect()).await;
    let failures: i64 = sqlx::query_scalar("select count(*) from key_failures")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(failures, 0, "a drained worker leaves no job to expire");
}

/// Keys applied so far.
async fn applied(stack: &Stack) -> i64 {
    sqlx::query_scalar("select count(*) from history where cause = 'apply'")
        .fetch_one(&stack.db)
        .await
        .unwrap()
}
