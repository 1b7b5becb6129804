//! A master, its replica and who watches over them.

use super::support::*;
use devstack::{Authority, PrivateRedis, RedisRole, RedisSettings, ServerTls, own_host};
use rollcall_shared::config::{RedisConfig, RedisFiles};
use rollcall_shared::queue::{QueueConfig, QueueError};
use std::net::TcpListener;
use std::time::Duration;

/// What the sentinels let in with.
const SENTINEL_PASSWORD: &str = "watch";
const PASSWORD: &str = "keep";

async fn server(master: Option<&PrivateRedis>) -> PrivateRedis {
    let host = own_host();
    let mut further = vec![
        format!("masterauth {PASSWORD}"),
        format!("replica-announce-ip {host}"),
        "repl-diskless-sync-delay 0".to_owned(),
    ];
    if let Some((host, port)) = master.map(PrivateRedis::address) {
        further.push(format!("replicaof {host} {port}"));
    }
    let settings = RedisSettings {
        password: Some(PASSWORD.into()),
        host,
        further,
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

async fn sentinel(master: &PrivateRedis) -> PrivateRedis {
    let (master, port) = master.address();
    let host = own_host();
    let settings = RedisSettings {
        password: Some(SENTINEL_PASSWORD.into()),
        role: RedisRole::Sentinel,
        host,
        further: vec![
            format!("sentinel monitor main {master} {port} 1"),
            format!("sentinel auth-pass main {PASSWORD}"),
            "sentinel down-after-milliseconds main 1500".to_owned(),
            "sentinel failover-timeout main 3000".to_owned(),
        ],
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

/// The queues by the word of the first of these that answers.
fn scope(hosts: &[String], name: &str) -> Scope {
    let hosts = hosts.join(",");
    let url = format!(
        "redis+sentinel://:{PASSWORD}@{hosts}/0?master_name={name}&sentinel_password={SENTINEL_PASSWORD}"
    );
    let config = QueueConfig {
        lease: Duration::from_secs(1),
        outstanding_per_tenant: 100_000,
        ..QueueConfig::default()
    };
    Scope::of(RedisConfig::new(url, "watched"), config)
}

fn host(server: &PrivateRedis) -> String {
    let (host, port) = server.address();
    format!("{host}:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn master_killed_is_replaced_and_queues_go_on_without_a_restart() {
    let mut master = server(None).await;
    let replica = server(Some(&master)).await;
    let sentinel = sentinel(&master).await;
    // Of the sentinels one is gone and one hangs; whoever answers is enough.
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let hosts = [
        hangs.local_addr().unwrap().to_string(),
        format!("127.0.0.1:{}", devstack::free_port().unwrap()),
        host(&sentinel),
    ];
    let scope = scope(&hosts, "main");
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 4, &record);
    pushed(scope.live(), 0..200).await;
    record.reaches(200).await;
    eventually("the sentinel knows a replica that is in step", async || {
        let of_master: String = master.command(&["INFO", "replication"]).await.unwrap();
        let replicas: Vec<redis::Value> = sentinel.command(&["SENTINEL", "REPLICAS", "main"]).await.unwrap();
        of_master.contains("state=online") && !replicas.is_empty()
    })
    .await;
    master.kill().unwrap();
    pushed(scope.live(), 200..400).await;
    record.reaches(400).await;
    let keys: Vec<String> = replica.command(&["KEYS", "*"]).await.unwrap();
    assert!(!keys.is_empty());
    // Sentinels leave a master that comes back alone for eight seconds before they make it a replica:
    // it is one by its own word, and not by theirs.
    master.restart().await.unwrap();
    pushed(scope.live(), 400..600).await;
    eventually("every job was handled", async || record.distinct() == 600).await;
    drained(scope.live()).await;
    assert!(worker.is_running());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_that_the_sentinels_do_not_know_is_told() {
    let master = server(None).await;
    let sentinel = sentinel(&master).await;
    let nobody = format!("127.0.0.1:{}", devstack::free_port().unwrap());
    let scope = scope(&[host(&sentinel), nobody], "other");
    let error = scope.live().depth().await.unwrap_err();
    assert!(
        matches!(&error, QueueError::Unavailable(error) if error.to_string().contains("know no master")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinel_and_master_over_tls_are_shown_and_asked_for_certificates() {
    let authority = Authority::new().unwrap();
    let host = own_host();
    let address = host.to_string();
    let settings = RedisSettings {
        host,
        tls: Some(ServerTls {
            certified: authority.certify(&[&address]).unwrap(),
            clients: Some(authority.pem().to_owned()),
        }),
        ..RedisSettings::default()
    };
    let master = PrivateRedis::start_with(settings.clone()).await.unwrap();
    let sentinel = RedisSettings {
        role: RedisRole::Sentinel,
        further: vec![
            "tls-replication yes".to_owned(),
            format!("sentinel monitor main {host} {} 1", master.tls_port()),
        ],
        ..settings
    };
    let sentinel = PrivateRedis::start_with(sentinel).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let ours = authority.certify(&["rollcall"]).unwrap();
    let authorities = write("ca.pem", authority.pem());
    let certificate = write("rollcall.pem", &ours.certificate);
    let key = write("rollcall.key", &ours.key);
    let files = RedisFiles {
        authorities: Some(&authorities),
        certificate: Some(&certificate),
        key: Some(&key),
    };
    let url = format!(
        "rediss+sentinel://{host}:{}/0?master_name=main",
        sentinel.tls_port()
    );
    let config = RedisConfig::new(url, "tls").with_files(files);
    let scope = Scope::of(config, QueueConfig::default());
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 1, &record);
    pushed(scope.live(), 0..10).await;
    record.reaches(10).await;
    worker.stop().await;
}
