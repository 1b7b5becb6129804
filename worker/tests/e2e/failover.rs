//! A Redis that sentinels watch over dies under load.

use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Options, Stack, within};
use devstack::{PrivateRedis, RedisRole, RedisSettings, own_host};
use std::time::Duration;

const WATCHED: Duration = Duration::from_secs(20);
const CATCH_UP: Duration = Duration::from_secs(90);
const EACH: usize = 60;

async fn server(master: Option<&PrivateRedis>) -> PrivateRedis {
    let host = own_host();
    let mut further = vec![format!("replica-announce-ip {host}")];
    if let Some((host, port)) = master.map(PrivateRedis::address) {
        further.push(format!("replicaof {host} {port}"));
    }
    let settings = RedisSettings {
        host,
        further,
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

async fn sentinel(master: &PrivateRedis) -> PrivateRedis {
    let (host, port) = master.address();
    let settings = RedisSettings {
        role: RedisRole::Sentinel,
        host: own_host(),
        further: vec![
            format!("sentinel monitor main {host} {port} 1"),
            "sentinel down-after-milliseconds main 1500".to_owned(),
            "sentinel failover-timeout main 3000".to_owned(),
        ],
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_master_killed_under_load_loses_nothing_acknowledged_and_no_process_restarts() {
    let mut master = server(None).await;
    let replica = server(Some(&master)).await;
    let sentinel = sentinel(&master).await;
    within(WATCHED, "a sentinel that knows the replica", async || {
        let known = sentinel.command::<Vec<Vec<String>>>(&["SENTINEL", "REPLICAS", "main"]);
        (!known.await.ok()?.is_empty()).then_some(())
    })
    .await;
    let (host, port) = sentinel.address();
    let url = format!("redis+sentinel://{host}:{port}?master_name=main");
    let mut stack = Stack::start(Options {
        workers: 2,
        environment: vec![("REDIS_URL", url)],
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("failover").await;
    let mut company = Company::default();
    for number in 0..3 * EACH {
        if number == EACH {
            master.kill().unwrap();
        }
        let login = format!("{number}@failover.example");
        let manager = number
            .checked_sub(1)
            .map(|number| format!("{number}@failover.example"));
        tenant
            .scim
            .post("/Users", &user(&login, manager.as_deref()))
            .await
            .expect(201);
        company.insert(login, manager);
    }
    stack.converged(CATCH_UP).await;
    expect_company(&stack.db, tenant.id, &company).await;
    // The workers go on by the new master, and not only by what the feeder finds: they say so anew.
    replica
        .command::<usize>(&["DEL", "{e2e}:processes"])
        .await
        .unwrap();
    within(WATCHED, "both workers at the new master", async || {
        let registry = replica.command::<usize>(&["ZCARD", "{e2e}:processes"]);
        (registry.await.ok()? == 2).then_some(())
    })
    .await;
    stack.expect_alive();
}
