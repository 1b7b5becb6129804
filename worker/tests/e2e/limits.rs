//! The rate limit of a whole deployment, and what a flood does to its neighbours.

use crate::harness::people::{Company, bulk_of_users, expect_company, user};
use crate::harness::{Options, Stack, Tenant, percentile, within};
use std::time::Duration;

/// For a backlog to be applied.
const CATCH_UP: Duration = Duration::from_secs(90);

fn crowd(prefix: &str, people: usize) -> Vec<(String, Option<String>)> {
    (0..people)
        .map(|number| (format!("{prefix}-{number}@limits.example"), None))
        .collect()
}

async fn send_in_bulk(tenant: &Tenant, people: &[(String, Option<String>)], a_request: usize) {
    for part in people.chunks(a_request) {
        let answer = tenant.scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
        let results = answer.body["Operations"]
            .as_array()
            .expect("an answer per operation");
        assert!(results.len() == part.len() && results.iter().all(|result| result["status"] == "201"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_keep_the_rate_of_the_deployment_within_a_tenth() {
    const KEYS_PER_SECOND: f64 = 300.0;
    const PEOPLE: usize = 3_000;
    const WORKERS: usize = 3;
    /// Shares settle and buckets empty before anything is measured.
    const SKIPPED: f64 = 1.0;
    let environment = vec![("ROLLCALL_APPLY_PER_SECOND", KEYS_PER_SECOND.to_string())];
    let mut stack = Stack::start(Options {
        workers: WORKERS,
        environment,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("limited").await;
    within(Duration::from_secs(30), "all workers are counted", async || {
        (tenant.ops.get("/overview").await.body["workers"] == WORKERS).then_some(())
    })
    .await;
    let people = crowd("p", PEOPLE);
    // Jobs enough that every worker always has some.
    send_in_bulk(&tenant, &people, 100).await;
    stack.converged(CATCH_UP).await;
    expect_company(&stack.db, tenant.id, &people.into_iter().collect::<Company>()).await;

    let applied: Vec<(f64, i64)> = sqlx::query_as(
        "select extract(epoch from applied_at)::float8 as second, count(*)
         from history where tenant_id = $1 and cause = 'apply' group by 1 order by 1",
    )
    .bind(tenant.id)
    .fetch_all(&stack.db)
    .await
    .unwrap();
    // Keys come in jobs: count those after one job up to another, so that both ends are sharp.
    // The last tenth is left out, where one worker may have nothing left to do.
    let start = applied[0].0;
    let from = applied
        .iter()
        .position(|(second, _)| *second >= start + SKIPPED)
        .expect("a backlog");
    let mut sum = 0;
    let to = applied
        .iter()
        .position(|(_, keys)| {
            sum += keys;
            sum >= (PEOPLE * 9 / 10) as i64
        })
        .expect("a backlog");
    let keys: i64 = applied[from + 1..=to].iter().map(|(_, keys)| keys).sum();
    let seconds = applied[to].0 - applied[from].0;
    let rate = keys as f64 / seconds;
    let largest = applied.iter().map(|(_, keys)| keys).max().expect("a backlog");
    println!(
        "rate: {rate:.1} keys/s by {WORKERS} workers over {seconds:.1} s, {KEYS_PER_SECOND} stated; \
         at most {largest} keys at once"
    );
    assert!(seconds > 3.0, "too short to measure: {seconds:.1} s");
    assert!(
        (rate - KEYS_PER_SECOND).abs() <= KEYS_PER_SECOND / 10.0,
        "{rate:.1} keys/s"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_write_while_another_tenant_floods_is_applied_soon() {
    const FLOOD: usize = 6_000;
    const QUIET_WRITES: usize = 10;
    /// Generous: a quiet deployment takes some milliseconds.
    const SOON: Duration = Duration::from_secs(3);
    // The flood takes seconds whatever the machine, and uses all that the deployment may do.
    let environment = vec![("ROLLCALL_APPLY_PER_SECOND", "500".to_owned())];
    let mut stack = Stack::start(Options {
        workers: 2,
        environment,
        ..Options::default()
    })
    .await;
    let flooding = stack.tenant("flooding").await;
    let quiet = stack.tenant("quiet").await;
    let people = crowd("flood", FLOOD);
    send_in_bulk(&flooding, &people, 1_000).await;
    let mut took = vec![];
    let mut company = Company::new();
    for number in 0..QUIET_WRITES {
        let name = format!("quiet-{number}@limits.example");
        let answer = quiet.scim.post("/Users", &user(&name, None)).await.expect(201);
        let receipt = answer.header("set-txn").expect("a receipt").to_owned();
        took.push(quiet.applied(&stack.db, &receipt, SOON).await);
        company.insert(name, None);
        let flood: i64 = sqlx::query_scalar("select count(*) from pending where tenant_id = $1")
            .bind(flooding.id)
            .fetch_one(&stack.db)
            .await
            .unwrap();
        assert!(
            flood > 0,
            "the flood was over before write {number}: it proves nothing"
        );
    }
    let (p50, most) = (percentile(&mut took, 0.5), percentile(&mut took, 1.0));
    println!(
        "flood: {FLOOD} writes of one tenant; another's single write is applied {p50:?} (p50), {most:?} (most) after its acknowledgement"
    );
    assert!(most < SOON, "{most:?}");
    stack.converged(CATCH_UP).await;
    expect_company(&stack.db, quiet.id, &company).await;
    expect_company(&stack.db, flooding.id, &people.into_iter().collect::<Company>()).await;
}
