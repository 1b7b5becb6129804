//! Arrivals do the work; retries are the safety net.

use crate::harness::people::{Company, bulk_of_users, expect_company};
use crate::harness::{Options, Stack};
use std::time::{Duration, Instant};

/// For the import to be applied and linked.
const CATCH_UP: Duration = Duration::from_secs(300);
const PEOPLE: usize = 20_000;
const REPORTS_EACH: usize = 8;
const A_REQUEST: usize = 500;

fn name(number: usize) -> String {
    format!("p{number}@order.example")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_of_reports_before_their_managers_is_linked_by_arrivals_and_not_by_retries() {
    let people = PEOPLE;
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("worst-order").await;
    let manager = |number: usize| (number > 0).then(|| name((number - 1) / REPORTS_EACH));
    // From the leaves up: a manager comes after everyone below them.
    let order: Vec<(String, Option<String>)> = (0..people)
        .rev()
        .map(|number| (name(number), manager(number)))
        .collect();
    let started = Instant::now();
    for part in order.chunks(A_REQUEST) {
        tenant.scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
    }
    stack.converged(CATCH_UP).await;
    let took = started.elapsed();
    expect_company(&stack.db, tenant.id, &order.into_iter().collect::<Company>()).await;
    let waiting: i64 = sqlx::query_scalar("select count(*) from waiters")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(waiting, 0);

    let worker = &stack.workers[0];
    let by = async |path: &str| {
        let sample = format!(r#"rollcall_links_resolved_total{{slot="manager",path="{path}"}}"#);
        worker.metric(&sample).await
    };
    let (immediate, arrival, retry) = (by("immediate").await, by("arrival").await, by("retry").await);
    println!(
        "worst order: {people} people in {took:.1?}; links by immediate {immediate}, arrival {arrival}, retry {retry}"
    );
    assert_eq!(immediate + arrival + retry, (people - 1) as f64, "each link once");
    assert!(arrival > 0.0, "nobody had to wait: the order was not the worst");
    assert!(
        retry < 0.01 * people as f64,
        "retries resolved {retry} of {people} links"
    );
    let waited = r#"rollcall_link_resolution_seconds_count{slot="manager",path="arrival"}"#;
    assert_eq!(
        worker.metric(waited).await,
        arrival,
        "each with the time it waited"
    );
    assert_eq!(worker.metric("rollcall_oldest_waiter_age_seconds").await, 0.0);
}
