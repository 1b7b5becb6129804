use super::support::*;
use rollcall_shared::queue::{ConsumeOptions, Outcome, QueueConfig, QueueError};
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn push_fails_fast_while_redis_is_down() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let scope = Scope::at(&format!("redis://127.0.0.1:{port}"), QueueConfig::default());
    let started = Instant::now();
    let error = scope.live().push(TENANT, &jobs(0..1)).await.unwrap_err();
    assert!(matches!(error, QueueError::Unavailable(_)), "{error:?}");
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
    let started = Instant::now();
    let error = scope.live().push(TENANT, &jobs(0..1)).await.unwrap_err();
    assert!(matches!(error, QueueError::Suspended), "{error:?}");
    assert!(
        started.elapsed() < Duration::from_millis(20),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn push_gives_up_on_a_server_that_accepts_but_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let scope = Scope::at(
        &format!("redis://{}", silent.local_addr().unwrap()),
        QueueConfig::default(),
    );
    let started = Instant::now();
    assert!(
        scope
            .live()
            .push(TENANT, &jobs(0..1))
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_restarted_loses_no_acknowledged_push_and_no_worker() {
    let mut server = Server::start().await;
    let config = QueueConfig {
        lease: Duration::from_secs(2),
        outstanding_per_tenant: 100_000,
        ..QueueConfig::default()
    };
    let scope = Scope::at(&server.url(), config);
    let record = Record::default();
    let seen = record.clone();
    let worker = Worker::start(
        scope.live(),
        ConsumeOptions::new("test", 8),
        move |job, delivery| {
            seen.add(&job, delivery);
            async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(Outcome::Done)
            }
        },
    );
    let live = scope.live().clone();
    let pusher = tokio::spawn(async move {
        let mut acknowledged = 0;
        let deadline = Instant::now() + Duration::from_secs(20);
        while acknowledged < 3_000 && Instant::now() < deadline {
            match live.push(TENANT, &jobs(acknowledged..acknowledged + 10)).await {
                Ok(accepted) => acknowledged += accepted as u128,
                Err(error) => {
                    assert!(error.is_unavailable(), "{error:?}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        acknowledged
    });
    for threshold in [300, 1_200] {
        record.reaches(threshold).await;
        server.kill();
        server.restart().await;
    }
    let acknowledged = pusher.await.unwrap();
    assert_eq!(acknowledged, 3_000);
    eventually("every acknowledged job was handled", async || {
        record.distinct() == 3_000
    })
    .await;
    drained(scope.live()).await;
    // a connection that was idle during the last restart fails once
    eventually("no count is left", async || {
        scope.live().room(TENANT).await.ok() == Some(100_000)
    })
    .await;
    assert!(worker.is_running());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_started_before_redis_works_once_it_is_there() {
    let mut server = Server::start().await;
    server.kill();
    let scope = Scope::at(&server.url(), QueueConfig::default());
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 1, &record);
    assert!(scope.live().push(TENANT, &jobs(0..1)).await.is_err());
    server.restart().await;
    eventually("a push succeeds", async || {
        scope.live().push(TENANT, &jobs(0..1)).await.is_ok()
    })
    .await;
    record.reaches(1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wiped_redis_leaves_counts_at_zero_and_the_worker_at_work() {
    let server = Server::start().await;
    let config = QueueConfig {
        lease: Duration::from_millis(300),
        ..QueueConfig::default()
    };
    let scope = Scope::at(&server.url(), config);
    let record = Record::default();
    let seen = record.clone();
    let worker = Worker::start(
        scope.live(),
        ConsumeOptions::new("test", 4),
        move |job, delivery| {
            seen.add(&job, delivery);
            async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(Outcome::Done)
            }
        },
    );
    for round in 0..3_u128 {
        let first = round * 1_000;
        scope
            .live()
            .push(TENANT, &jobs(first..first + 500))
            .await
            .unwrap();
        record.reaches(record.len() + 10).await;
        let () = server.command(&["FLUSHALL"]).await;
        let () = server.command(&["SCRIPT", "FLUSH"]).await;
        assert_eq!(scope.live().room(TENANT).await.unwrap(), scope.live().cap());
        assert_eq!(
            scope
                .live()
                .push(TENANT, &jobs(first + 900..first + 901))
                .await
                .unwrap(),
            1
        );
        eventually("the job after the wipe", async || {
            record.all().iter().any(|entry| entry.1 == first + 900)
        })
        .await;
    }
    drained(scope.live()).await;
    eventually("no count is left", async || {
        scope.live().room(TENANT).await.unwrap() == scope.live().cap()
    })
    .await;
    let keys: Vec<String> = server.command(&["KEYS", "*"]).await;
    let passing = |key: &&String| key.ends_with(":turns") || key.ends_with(":pace");
    let left: Vec<&String> = keys.iter().filter(|key| !passing(key)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(worker.is_running());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_redis_refuses_pushes_but_lets_the_backlog_drain() {
    let server = Server::start().await;
    let scope = Scope::at(&server.url(), QueueConfig::default());
    scope.live().push(TENANT, &jobs(0..200)).await.unwrap();
    let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = scope.live().push(TENANT, &jobs(200..201)).await.unwrap_err();
    assert!(matches!(error, QueueError::Refused(_)), "{error:?}");
    let record = Record::default();
    let worker = Worker::recording(scope.live(), 4, &record);
    record.reaches(200).await;
    drained(scope.live()).await;
    let () = server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    scope.live().push(TENANT, &jobs(200..201)).await.unwrap();
    record.reaches(201).await;
    worker.stop().await;
}
