use super::support::*;
use rollcall_shared::queue::{ConsumeOptions, Outcome, QueueConfig};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test(flavor = "multi_thread")]
async fn stopping_worker_hands_unstarted_jobs_back_at_once_and_finishes_the_running_one() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let gate = Arc::new(Semaphore::new(0));
    let (seen, opened) = (record.clone(), gate.clone());
    let options = ConsumeOptions {
        prefetch: 10,
        ..ConsumeOptions::new("test", 1)
    };
    let worker = Worker::start(scope.live(), options, move |job, delivery| {
        seen.add(&job, delivery);
        let opened = opened.clone();
        async move {
            let _pass = opened.acquire().await;
            Ok(Outcome::Done)
        }
    });
    scope.live().push(TENANT, &jobs(0..6)).await.unwrap();
    record.reaches(1).await;
    eventually("all are fetched", async || {
        scope.live().depth().await.unwrap().running == 6
    })
    .await;

    worker.signal();
    eventually("five are handed back while one runs", async || {
        let depth = scope.live().depth().await.unwrap();
        (depth.ready, depth.running) == (5, 1)
    })
    .await;
    assert!(worker.is_running());
    gate.add_permits(1);
    worker.stop().await;
    let depth = scope.live().depth().await.unwrap();
    assert_eq!((depth.ready, depth.running), (5, 0));

    let worker = Worker::recording(scope.live(), 1, &record);
    record.reaches(6).await;
    drained(scope.live()).await;
    assert_eq!(record.len(), 6);
    assert!(
        record
            .all()
            .iter()
            .all(|entry| entry.2.attempt == 1 && entry.2.expired_leases == 0)
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_worker_stops_at_once() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 1, &record);
    scope.live().push(TENANT, &jobs(0..1)).await.unwrap();
    record.reaches(1).await;
    drained(scope.live()).await;
    let started = std::time::Instant::now();
    worker.stop().await;
    assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_worker_hands_everything_back() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let seen = record.clone();
    let worker = Worker::start(
        scope.live(),
        ConsumeOptions::new("test", 2),
        move |job, delivery| {
            seen.add(&job, delivery);
            std::future::pending()
        },
    );
    scope.live().push(TENANT, &jobs(0..4)).await.unwrap();
    record.reaches(2).await;
    worker.abort();
    eventually("all four are ready", async || {
        let depth = scope.live().depth().await.unwrap();
        (depth.ready, depth.running) == (4, 0)
    })
    .await;
}
