use super::support::*;
use rollcall_shared::directory::TenantId;
use rollcall_shared::queue::{QueueConfig, RedisHealth};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn push_over_the_cap_accepts_what_fits_and_leaves_other_tenants_alone() {
    let scope = Scope::new(QueueConfig {
        outstanding_per_tenant: 300,
        ..QueueConfig::default()
    });
    let live = scope.live();
    assert_eq!(live.push(TENANT, &jobs(0..280)).await.unwrap(), 280);
    assert_eq!(live.room(TENANT).await.unwrap(), 20);
    assert_eq!(live.push(TENANT, &jobs(280..400)).await.unwrap(), 20);
    assert_eq!(live.push(TENANT, &jobs(300..301)).await.unwrap(), 0);
    assert_eq!(live.push(TenantId(2), &[job(TenantId(2), 1)]).await.unwrap(), 1);
    assert_eq!(live.depth().await.unwrap().ready, 301);
    assert_eq!(
        scope.queues.bulk.room(TENANT).await.unwrap(),
        300,
        "caps are per queue"
    );

    let record = Record::default();
    let worker = Worker::recording(live, 4, &record);
    drained(live).await;
    assert_eq!(record.len(), 301);
    assert_eq!(live.room(TENANT).await.unwrap(), 300);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_processes_are_counted_until_their_heartbeat_ends_or_they_depart() {
    let scope = Scope::new(QueueConfig::default());
    let queues = &scope.queues;
    let long = Duration::from_secs(30);
    assert_eq!(queues.heartbeat("a", long).await.unwrap(), 1);
    assert_eq!(queues.heartbeat("b", long).await.unwrap(), 2);
    assert_eq!(queues.heartbeat("c", Duration::from_millis(50)).await.unwrap(), 3);
    eventually("c is gone", async || {
        queues.heartbeat("a", long).await.unwrap() == 2
    })
    .await;
    queues.depart("b").await.unwrap();
    assert_eq!(queues.heartbeat("a", long).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_tells_whether_the_server_may_drop_keys() {
    let server = Server::start().await;
    let scope = Scope::at(&server.url(), QueueConfig::default());
    assert_eq!(
        scope.queues.ping().await.unwrap(),
        RedisHealth { noeviction: true }
    );
    let () = server
        .command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])
        .await;
    assert_eq!(
        scope.queues.ping().await.unwrap(),
        RedisHealth { noeviction: false }
    );
    // where CONFIG is forbidden, INFO tells it
    let () = server.command(&["ACL", "SETUSER", "default", "-config"]).await;
    assert_eq!(
        scope.queues.ping().await.unwrap(),
        RedisHealth { noeviction: false }
    );
    let () = server.command(&["ACL", "SETUSER", "default", "-info"]).await;
    assert_eq!(
        scope.queues.ping().await.unwrap(),
        RedisHealth { noeviction: true }
    );
}
