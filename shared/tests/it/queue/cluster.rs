//! A cluster of three masters.

use super::support::*;
use devstack::{PrivateRedis, RedisRole, RedisSettings, own_host};
use rollcall_shared::config::RedisConfig;
use rollcall_shared::queue::{LinksJob, LinksWork, QueueConfig, QueueError};
use std::time::Duration;
use uuid::Uuid;

/// As many as there are.
const SLOTS: u16 = 16_384;
/// For nodes of which one is to be taken for dead, and for those of which none is, however busy the machine.
const QUICK: u32 = 2_000;
const PATIENT: u32 = 15_000;

/// After so long without an answer, in milliseconds, the others take it for dead.
async fn node(timeout: u32) -> PrivateRedis {
    let settings = RedisSettings {
        role: RedisRole::Node,
        host: own_host(),
        further: vec![
            format!("cluster-node-timeout {timeout}"),
            "cluster-replica-validity-factor 0".to_owned(),
            "repl-diskless-sync-delay 0".to_owned(),
        ],
        ..RedisSettings::default()
    };
    PrivateRedis::start_with(settings).await.unwrap()
}

async fn ask<T: redis::FromRedisValue>(node: &PrivateRedis, words: &str) -> T {
    let words: Vec<&str> = words.split(' ').collect();
    node.command(&words).await.unwrap()
}

async fn id(node: &PrivateRedis) -> String {
    ask(node, "CLUSTER MYID").await
}

async fn meet(node: &PrivateRedis, others: &[PrivateRedis]) {
    for other in others {
        let (host, port) = other.address();
        let bus = other.bus_port();
        let () = ask(node, &format!("CLUSTER MEET {host} {port} {bus}")).await;
    }
}

struct Cluster {
    masters: Vec<PrivateRedis>,
    prefix: String,
}

impl Cluster {
    async fn start(timeout: u32) -> Cluster {
        let masters = vec![node(timeout).await, node(timeout).await, node(timeout).await];
        let share = SLOTS / 3 + 1;
        for (first, master) in (0..SLOTS).step_by(share.into()).zip(&masters) {
            let last = (first + share).min(SLOTS) - 1;
            let () = ask(master, &format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
        }
        meet(&masters[0], &masters[1..]).await;
        let cluster = Cluster {
            masters,
            prefix: format!("test-{}", Uuid::now_v7().simple()),
        };
        cluster.stands(3).await;
        cluster
    }

    /// All masters know each other and so many nodes.
    async fn stands(&self, nodes: usize) {
        eventually("the cluster stands", async || {
            for master in &self.masters {
                let info: String = ask(master, "CLUSTER INFO").await;
                let known = format!("cluster_known_nodes:{nodes}\r\n");
                if !info.contains("cluster_state:ok") || !info.contains(&known) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    fn scope(&self) -> Scope {
        let hosts: Vec<String> = self
            .masters
            .iter()
            .map(|master| {
                let (host, port) = master.address();
                format!("{host}:{port}")
            })
            .collect();
        self.scope_at(&format!("redis+cluster://{}", hosts.join(",")))
    }

    fn scope_at(&self, url: &str) -> Scope {
        let config = QueueConfig {
            lease: Duration::from_secs(2),
            outstanding_per_tenant: 100_000,
            ..QueueConfig::default()
        };
        Scope::of(RedisConfig::new(url, self.prefix.as_str()), config)
    }

    /// The slot of live changes, and which of the masters has it.
    async fn live(&self) -> (u16, usize) {
        let slot: u16 = ask(
            &self.masters[0],
            &format!("CLUSTER KEYSLOT {{{}:reconcile-live}}:wake", self.prefix),
        )
        .await;
        (slot, usize::from(slot / (SLOTS / 3 + 1)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_of_a_cluster_work_wherever_their_slots_are() {
    let cluster = Cluster::start(PATIENT).await;
    let scope = cluster.scope();
    let (live, bulk) = (Record::default(), Record::default());
    let workers = [
        Worker::recording(scope.live(), 2, &live),
        Worker::recording(&scope.queues.bulk, 2, &bulk),
    ];
    pushed(scope.live(), 0..300).await;
    pushed(&scope.queues.bulk, 0..300).await;
    live.reaches(300).await;
    bulk.reaches(300).await;
    let links = LinksJob {
        v: 1,
        tenant: TENANT,
        work: LinksWork::Wake(1),
    };
    eventually("a push of links succeeds", async || {
        scope
            .queues
            .links
            .push(TENANT, std::slice::from_ref(&links))
            .await
            .ok()
            == Some(1)
    })
    .await;
    let beats = scope.queues.heartbeat("host-1", Duration::from_secs(60)).await;
    assert_eq!(beats.unwrap(), 1);
    drained(scope.live()).await;
    let ready: Vec<usize> = scope
        .queues
        .depths()
        .await
        .unwrap()
        .iter()
        .map(|(_, depth)| depth.ready)
        .collect();
    assert_eq!(ready, [0, 0, 1, 0]);
    eventually("every node is reached", async || {
        match scope.queues.ping().await {
            Ok(health) => health.noeviction,
            Err(_) => false,
        }
    })
    .await;
    for worker in workers {
        worker.stop().await;
    }
    // A client that does not know of the cluster says that it cannot work.
    let (_, owner) = cluster.live().await;
    let wrong = cluster.scope_at(&cluster.masters[(owner + 1) % 3].url());
    let error = wrong.queues.ping().await.unwrap_err();
    assert!(
        matches!(&error, QueueError::Unavailable(error) if error.to_string().contains("Moved")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slot_that_moves_is_followed_and_no_acknowledged_push_is_lost() {
    let cluster = Cluster::start(PATIENT).await;
    let scope = cluster.scope();
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 1, &record);
    pushed(scope.live(), 0..1_000).await;
    let (slot, owner) = cluster.live().await;
    let (source, target) = (&cluster.masters[owner], &cluster.masters[(owner + 1) % 3]);
    let (from, to) = (id(source).await, id(target).await);
    let () = ask(target, &format!("CLUSTER SETSLOT {slot} IMPORTING {from}")).await;
    let () = ask(source, &format!("CLUSTER SETSLOT {slot} MIGRATING {to}")).await;
    loop {
        let keys: Vec<String> = ask(source, &format!("CLUSTER GETKEYSINSLOT {slot} 100")).await;
        if keys.is_empty() {
            break;
        }
        let (host, port) = target.address();
        let keys = keys.join(" ");
        let words = format!("MIGRATE {host} {port}  0 5000 KEYS {keys}");
        let () = ask(source, &words).await;
    }
    for node in [target, source, &cluster.masters[(owner + 2) % 3]] {
        let () = ask(node, &format!("CLUSTER SETSLOT {slot} NODE {to}")).await;
    }
    pushed(scope.live(), 1_000..1_100).await;
    eventually("every job was handled", async || record.distinct() == 1_100).await;
    drained(scope.live()).await;
    let keys: usize = ask(source, &format!("CLUSTER COUNTKEYSINSLOT {slot}")).await;
    assert_eq!(keys, 0);
    // The idle worker waits where the queue is now.
    pushed(scope.live(), 1_100..1_101).await;
    record.reaches(1_101).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_killed_is_replaced_by_its_replica_and_queues_go_on() {
    let mut cluster = Cluster::start(QUICK).await;
    let (_, owner) = cluster.live().await;
    let replica = node(QUICK).await;
    meet(&cluster.masters[0], std::slice::from_ref(&replica)).await;
    cluster.stands(4).await;
    let master = id(&cluster.masters[owner]).await;
    // One that has not heard yet which slots its master has would not stand for election.
    eventually("the replica knows who has which slot", async || {
        let known: String = ask(&replica, "CLUSTER INFO").await;
        known.contains("cluster_slots_ok:16384")
    })
    .await;
    let () = ask(&replica, &format!("CLUSTER REPLICATE {master}")).await;
    let scope = cluster.scope();
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 2, &record);
    pushed(scope.live(), 0..200).await;
    record.reaches(200).await;
    eventually("the replica is in step", async || {
        let of_master: String = ask(&cluster.masters[owner], "INFO replication").await;
        of_master.contains("state=online")
    })
    .await;
    cluster.masters[owner].kill().unwrap();
    pushed(scope.live(), 200..400).await;
    eventually("every job was handled", async || record.distinct() == 400).await;
    drained(scope.live()).await;
    assert!(worker.is_running());
    worker.stop().await;
}
