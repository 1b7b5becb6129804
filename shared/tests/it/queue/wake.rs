use super::support::*;
use rollcall_shared::queue::{ConsumeOptions, Outcome, QueueConfig};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;

async fn commands(server: &Server) -> usize {
    let stats: redis::InfoDict = server.command(&["INFO", "stats"]).await;
    stats.get("total_commands_processed").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_worker_leaves_redis_in_peace_and_starts_a_push_at_once() {
    let server = Server::start().await;
    let scope = Scope::at(&server.url(), QueueConfig::default());
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 4, &record);
    scope.live().push(TENANT, &jobs(0..1)).await.unwrap();
    record.reaches(1).await;
    drained(scope.live()).await;

    let before = commands(&server).await;
    let watched = Duration::from_secs(11);
    tokio::time::sleep(watched).await; // what happens in a span of time is what is tested
    let rate = (commands(&server).await - before) as f64 / watched.as_secs_f64();

    let mut worst = Duration::ZERO;
    for number in 1..50 {
        let started = Instant::now();
        scope
            .live()
            .push(TENANT, &jobs(number..number + 1))
            .await
            .unwrap();
        while record.len() <= number as usize {
            tokio::time::sleep(Duration::from_micros(200)).await;
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "job {number} was not picked up"
            );
        }
        worst = worst.max(started.elapsed());
        drained(scope.live()).await;
    }
    println!("idle: {rate:.2} commands/s inside and outside of scripts; slowest push to handler: {worst:?}");
    assert!(rate <= 2.0, "{rate} commands/s");
    assert!(worst < Duration::from_millis(100), "{worst:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn push_wakes_as_many_idle_workers_as_it_has_jobs_for() {
    let scope = Scope::new(QueueConfig {
        idle_wait: Duration::from_secs(600),
        ..QueueConfig::default()
    });
    let record = Record::default();
    // all three handlers run at the same time, or none ends
    let together = Arc::new(Barrier::new(3));
    let workers: Vec<Worker> = (0..3)
        .map(|_| {
            let (seen, together) = (record.clone(), together.clone());
            let options = ConsumeOptions {
                prefetch: 0,
                ..ConsumeOptions::new("test", 1)
            };
            Worker::start(scope.live(), options, move |job, delivery| {
                seen.add(&job, delivery);
                let together = together.clone();
                async move {
                    together.wait().await;
                    Ok(Outcome::Done)
                }
            })
        })
        .collect();
    scope.live().push(TENANT, &jobs(0..3)).await.unwrap();
    record.reaches(3).await;
    drained(scope.live()).await;
    for worker in workers {
        worker.stop().await;
    }
}
