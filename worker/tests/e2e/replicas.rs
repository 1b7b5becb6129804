//! Several processes of each kind on the same stores.

use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Options, Stack};
use serde_json::json;
use std::time::Duration;

const CATCH_UP: Duration = Duration::from_secs(60);
const WRITERS: usize = 4;
const EACH: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_apis_and_two_workers_share_the_work_and_every_read_sees_every_write() {
    let options = Options {
        apis: 2,
        workers: 2,
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("replicas").await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (here, there) = (tenant.scim.only(writer % 2), tenant.scim.only((writer + 1) % 2));
            tokio::spawn(async move {
                for number in (0..EACH).rev() {
                    let manager = number.checked_sub(1).map(|number| name(writer, number));
                    let body = user(&name(writer, number), manager.as_deref());
                    let created = here.post("/Users", &body).await.expect(201);
                    let path = format!("/Users/{}", created.id());
                    let read = there.get(&path).await.expect(200);
                    assert_eq!(read.body["userName"], body["userName"]);
                    let operation = json!({ "op": "replace", "path": "title", "value": "Seen" });
                    let patch = json!({ "Operations": [operation] });
                    there.patch(&path, &patch).await.expect(200);
                    let read = here.get(&path).await.expect(200);
                    assert_eq!(read.body["title"], "Seen", "a read misses an acknowledged write");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("every read sees every write");
    }
    stack.converged(CATCH_UP).await;
    let company: Company = (0..WRITERS)
        .flat_map(|writer| {
            (0..EACH).map(move |number| {
                let manager = number.checked_sub(1).map(|number| name(writer, number));
                (name(writer, number), manager)
            })
        })
        .collect();
    expect_company(&stack.db, tenant.id, &company).await;
    let mut shares = vec![];
    for worker in &stack.workers {
        shares.push(worker.metric("rollcall_applied_keys_total").await);
    }
    println!("replicas: keys applied by each worker: {shares:?}");
    assert!(
        shares.iter().all(|share| *share > 0.0),
        "a worker did nothing: {shares:?}"
    );
}

fn name(writer: usize, number: usize) -> String {
    format!("w{writer}-{number}@replicas.example")
}
