use crate::app::TestApp;
use devstack::wait::{SOON, until};
use devstack::{TestDatabase, TestRedis};
use rollcall_shared::config::RedisConfig;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::queue::{ConsumeOptions, JobError, Monitor, QueueConfig, Queues, ReconcileJob};
use serde_json::json;

#[tokio::test]
async fn dead_letters_of_the_tenant_are_listed_and_go_back_into_the_queue() {
    let (database, redis) = (TestDatabase::create().await.unwrap(), TestRedis::new().unwrap());
    let flags = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let app = TestApp::start_on(database.url(), &flags).await;
    let (mine, other) = (app.tenant("mine").await, app.tenant("other").await);
    let config = RedisConfig {
        redis_url: redis.url().to_owned(),
        redis_prefix: redis.prefix().to_owned(),
    };
    let queues = Queues::connect(&config, QueueConfig::default()).unwrap();
    for tenant in [mine, other] {
        let tenant = TenantId(tenant);
        let job = ReconcileJob {
            v: 1,
            tenant,
            keys: vec![Key::Person(uuid::Uuid::now_v7())],
        };
        assert_eq!(queues.live.push(tenant, &[job]).await.unwrap(), 1);
    }
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
    until("both jobs are dead letters", SOON, async || dead(2).await)
        .await
        .unwrap();
    stop.send(()).unwrap();
    worker.await.unwrap().unwrap();

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
