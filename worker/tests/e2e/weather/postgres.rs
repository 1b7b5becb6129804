//! Postgres goes and comes back.

use super::CATCH_UP;
use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Options, Reply, Scim, Stack, within};
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than a token is remembered, so that it must be looked up while Postgres is away.
const BLACKOUT: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_postgres_down_get_503_and_no_acknowledged_write_is_lost() {
    const WRITERS: usize = 6;
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        durable: true,
        ..Options::default()
    })
    .await;
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
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    while dark.elapsed() < BLACKOUT {
        for scim in [&known, &fresh] {
            for (method, path, body) in [
                (Method::GET, "/Users?count=1", None),
                (Method::POST, "/Users", Some(user("nobody@weather.example", None))),
                (
                    Method::DELETE,
                    "/Users/00000000-0000-7000-8000-000000000000",
                    None,
                ),
            ] {
                let answer = scim.call(method.clone(), path, body.as_ref()).await;
                assert_eq!(answer.status.as_u16(), 503, "{method} {path}: {}", answer.body);
                let after = answer
                    .header("retry-after")
                    .and_then(|seconds| seconds.parse::<u64>().ok());
                assert!(after.is_some(), "{method} {path}: 503 without Retry-After");
                assert_eq!(answer.body["status"], "503", "{method} {path}: a SCIM error");
                asked += 1;
                slowest = slowest.max(answer.took);
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
        "postgres down: {asked} requests answered 503, the slowest after {slowest:?}; {} acknowledged writes, {} unknown",
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
