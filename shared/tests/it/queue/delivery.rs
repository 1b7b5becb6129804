use super::support::*;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::queue::{ConsumeOptions, Delivery, Outcome, QueueConfig, ReconcileJob};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn pushed_jobs_are_each_delivered_once_and_deleted() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 8, &record);
    assert_eq!(scope.live().push(TENANT, &jobs(0..700)).await.unwrap(), 700);
    record.reaches(700).await;
    drained(scope.live()).await;
    assert_eq!(record.len(), 700);
    assert_eq!(record.distinct(), 700);
    assert!(record.all().iter().all(|entry| entry.2
        == Delivery {
            attempt: 1,
            expired_leases: 0
        }));
    assert_eq!(scope.live().room(TENANT).await.unwrap(), 1_000);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_jobs_of_a_queue() {
    let scope = Scope::new(QueueConfig::default());
    let (first, second) = (Record::default(), Record::default());
    let slow = |record: Record| {
        move |job: ReconcileJob, delivery: Delivery| {
            record.add(&job, delivery);
            async {
                tokio::time::sleep(Duration::from_millis(2)).await;
                Ok(Outcome::Done)
            }
        }
    };
    let workers = [
        Worker::start(scope.live(), ConsumeOptions::new("one", 2), slow(first.clone())),
        Worker::start(scope.live(), ConsumeOptions::new("two", 2), slow(second.clone())),
    ];
    scope.live().push(TENANT, &jobs(0..400)).await.unwrap();
    eventually("all are delivered", async || first.len() + second.len() == 400).await;
    assert!(
        first.len() >= 80 && second.len() >= 80,
        "{} and {}",
        first.len(),
        second.len()
    );
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_job_of_a_tenant_overtakes_the_backlog_of_another() {
    let scope = Scope::new(QueueConfig::default());
    let other = TenantId(2);
    scope.live().push(TENANT, &jobs(0..500)).await.unwrap();
    scope.live().push(other, &[job(other, 1_000)]).await.unwrap();
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 1, &record);
    record.reaches(501).await;
    let all = record.all();
    let position = all.iter().position(|entry| entry.0 == other).unwrap();
    assert!(position <= 2, "served as number {position}");
    let numbers: Vec<u128> = all
        .iter()
        .filter(|entry| entry.0 == TENANT)
        .map(|entry| entry.1)
        .collect();
    assert!(
        numbers.is_sorted(),
        "within a tenant the first pushed is the first served"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_of_an_unknown_version_is_dropped() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let unknown = ReconcileJob {
        v: 9,
        tenant: TENANT,
        keys: Vec::<Key>::new(),
    };
    scope
        .live()
        .push(TENANT, &[unknown, job(TENANT, 7)])
        .await
        .unwrap();
    let worker = Worker::recording(scope.live(), 1, &record);
    record.reaches(1).await;
    drained(scope.live()).await;
    assert_eq!(record.all().iter().map(|entry| entry.1).collect::<Vec<_>>(), [7]);
    assert_eq!(scope.live().room(TENANT).await.unwrap(), scope.live().cap());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lease_of_a_long_handler_is_renewed() {
    let config = QueueConfig {
        lease: Duration::from_millis(300),
        ..QueueConfig::default()
    };
    let scope = Scope::new(config);
    let record = Record::default();
    let handler = |record: Record| {
        move |job: ReconcileJob, delivery: Delivery| {
            record.add(&job, delivery);
            async {
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                Ok(Outcome::Done)
            }
        }
    };
    let workers = ["one", "two"].map(|name| {
        Worker::start(
            scope.live(),
            ConsumeOptions::new(name, 1),
            handler(record.clone()),
        )
    });
    scope.live().push(TENANT, &jobs(0..1)).await.unwrap();
    record.reaches(1).await;
    drained(scope.live()).await;
    assert_eq!(record.len(), 1);
    for worker in workers {
        worker.stop().await;
    }
}

#[test]
fn job_of_a_worker_that_died_is_delivered_again_with_one_expired_lease() {
    let config = QueueConfig {
        lease: Duration::from_millis(400),
        ..QueueConfig::default()
    };
    let scope = Scope::new(config);
    let record = Record::default();
    // a process that dies: its runtime is gone from one moment to the next
    let dying = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let seen = record.clone();
    let live = scope.live().clone();
    let worker = dying.block_on(async move {
        live.push(TENANT, &jobs(0..1)).await.unwrap();
        let begun = seen.clone();
        let worker = Worker::start(&live, ConsumeOptions::new("dying", 1), move |job, delivery| {
            begun.add(&job, delivery);
            std::future::pending()
        });
        seen.reaches(1).await;
        worker
    });
    dying.shutdown_background();
    drop(worker);

    let living = tokio::runtime::Runtime::new().unwrap();
    living.block_on(async {
        // connections belong to the runtime that opened them
        let (url, prefix) = scope.address();
        let scope = Scope::with_prefix(url, prefix, QueueConfig::default());
        let worker = Worker::recording(scope.live(), 1, &record);
        record.reaches(2).await;
        drained(scope.live()).await;
        worker.stop().await;
    });
    let deliveries: Vec<Delivery> = record.all().iter().map(|entry| entry.2).collect();
    assert_eq!(
        deliveries,
        [
            Delivery {
                attempt: 1,
                expired_leases: 0
            },
            Delivery {
                attempt: 1,
                expired_leases: 1
            }
        ]
    );
}
