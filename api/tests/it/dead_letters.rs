use crate::app::TestApp;
use devstack::wait::{SOON, until};
use devstack::{TestDatabase, TestRedis};
use rollcall_shared::config::RedisConfig;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::queue::{ConsumeOptions, JobError, Monitor, QueueConfig, Queues, ReconcileJob};
use serde_json::json;

fn connect(redis: &TestRedis) -> Queues {
    let config = RedisConfig::new(redis.url(), redis.prefix());
    Queues::connect(&config, QueueConfig::default()).unwrap()
}

/// Work on the live queue without success until this many jobs are dead letters.
async fn give_up(queues: &Queues, jobs: usize) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let monitor = queues
        .live
        .consume(Monitor::new(), ConsumeOptions::new("test", 1), |_, _| async {
            Err(JobError::fail("it will never work"))
        });
    let worker = tokio::spawn(monitor.run_with_signal(async {
        let _ = stopped.await;
        Ok(())
    }));
    let dead = async |count| queues.live.depth().await.unwrap().dead == count;
    until("the jobs are dead letters", SOON, async || dead(jobs).await)
        .await
        .unwrap();
    stop.send(()).unwrap();
    worker.await.unwrap().unwrap();
}

#[tokio::test]
async fn dead_letters_of_the_tenant_are_listed_and_go_back_into_the_queue() {
    let (database, redis) = (TestDatabase::create().await.unwrap(), TestRedis::new().unwrap());
    let flags = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let app = TestApp::start_on(database.url(), &flags).await;
    let (mine, other) = (app.tenant("mine").await, app.tenant("other").await);
    let queues = connect(&redis);
    for tenant in [mine, other] {
        let tenant = TenantId(tenant);
        let job = ReconcileJob {
            v: 1,
            tenant,
            keys: vec![Key::Person(uuid::Uuid::now_v7())],
        };
        assert_eq!(queues.live.push(tenant, &[job]).await.unwrap(), 1);
    }
    give_up(&queues, 2).await;

    let operator = app.client(mine, "operator").await;
    let listed = operator.get("/ops/v1/dead-letters").await.expect(200);
    let letters = listed.body["deadLetters"].as_array().unwrap();
    assert_eq!(
        letters.len(),
        1,
        "another tenant's letters are shown: {letters:?}"
    );
    assert_eq!(letters[0]["queue"], "reconcile-live");
    let path = "/ops/v1/dead-letters/requeue";
    operator.post(path, json!({ "what": 1 })).await.problem(400);
    let nobodys = operator.post(path, json!({ "ids": ["none"] })).await.expect(200);
    assert_eq!(nobodys.body["requeued"], 0);
    let back = operator
        .post(path, json!({ "ids": [letters[0]["id"]] }))
        .await
        .expect(200);
    assert_eq!(back.body["requeued"], 1);
    let depth = queues.live.depth().await.unwrap();
    assert_eq!((depth.ready, depth.dead), (1, 1));
    let scim = app.client(mine, "scim").await;
    scim.get("/ops/v1/dead-letters").await.problem(403);
}

#[tokio::test]
async fn dead_letter_that_names_an_erased_member_is_tried_again_and_no_other() {
    let (database, redis) = (TestDatabase::create().await.unwrap(), TestRedis::new().unwrap());
    let flags = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let app = TestApp::start_on(database.url(), &flags).await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let queues = connect(&redis);
    let tenant = TenantId(scim.tenant);
    let named = |member: &str| ReconcileJob {
        v: 1,
        tenant,
        keys: vec![Key::Member(uuid::Uuid::now_v7(), member.to_owned())],
    };
    let jobs = [named("ada@example.com"), named("bob@example.com")];
    assert_eq!(queues.live.push(tenant, &jobs).await.unwrap(), 2);
    give_up(&queues, 2).await;
    // After that, so that no job of their own is given up.
    let user = scim.user("Ada@example.com").await;
    operator
        .delete(&format!("/ops/v1/people/{}/data", user.id()))
        .await
        .expect(200);
    let left = operator.get("/ops/v1/dead-letters").await.expect(200).body;
    let left = left["deadLetters"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0]["job"].to_string().contains("bob@example.com"), "{left:?}");
}
