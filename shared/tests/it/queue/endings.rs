use super::support::*;
use rollcall_shared::queue::{ConsumeOptions, JobError, Outcome, QueueConfig};
use std::time::{Duration, Instant};

fn impatient() -> QueueConfig {
    QueueConfig {
        backoff: Duration::from_millis(100),
        max_attempts: 3,
        ..QueueConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snoozed_job_comes_back_on_time_without_an_attempt() {
    let scope = Scope::new(QueueConfig::default());
    let record = Record::default();
    let seen = record.clone();
    let worker = Worker::start(
        scope.live(),
        ConsumeOptions::new("test", 1),
        move |job, delivery| {
            seen.add(&job, delivery);
            let first = seen.len() == 1;
            async move {
                Ok(if first {
                    Outcome::Snooze(Duration::from_millis(300))
                } else {
                    Outcome::Done
                })
            }
        },
    );
    scope.live().push(TENANT, &jobs(0..1)).await.unwrap();
    record.reaches(1).await;
    let started = Instant::now();
    record.reaches(2).await;
    let pause = started.elapsed();
    assert!(
        pause >= Duration::from_millis(280) && pause < Duration::from_millis(900),
        "{pause:?}"
    );
    drained(scope.live()).await;
    assert!(
        record
            .all()
            .iter()
            .all(|entry| entry.2.attempt == 1 && entry.2.expired_leases == 0)
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_keeps_failing_backs_off_and_becomes_a_dead_letter_that_can_be_requeued() {
    let scope = Scope::new(impatient());
    let record = Record::default();
    let seen = record.clone();
    let worker = Worker::start(
        scope.live(),
        ConsumeOptions::new("test", 1),
        move |job, delivery| {
            seen.add(&job, delivery);
            let fails = seen.len() <= 3;
            async move {
                if fails {
                    Err(JobError::retry("the database is on fire"))
                } else {
                    Ok(Outcome::Done)
                }
            }
        },
    );
    let started = Instant::now();
    scope.live().push(TENANT, &jobs(5..6)).await.unwrap();
    eventually("a dead letter", async || {
        scope.live().depth().await.unwrap().dead == 1
    })
    .await;
    // 100 ms and 200 ms, each less 20 % at most
    assert!(
        started.elapsed() >= Duration::from_millis(240),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        record
            .all()
            .iter()
            .map(|entry| entry.2.attempt)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(scope.live().room(TENANT).await.unwrap(), scope.live().cap());

    let dead = scope.live().dead(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].tenant, dead[0].attempts), (1, TENANT, 3));
    assert!(
        dead[0].error.contains("the database is on fire"),
        "{}",
        dead[0].error
    );
    assert_eq!(dead[0].job, serde_json::to_value(job(TENANT, 5)).unwrap());

    assert_eq!(
        scope
            .live()
            .requeue_dead(&[dead[0].id.clone(), "unknown".into()])
            .await
            .unwrap(),
        1
    );
    record.reaches(4).await;
    drained(scope.live()).await;
    assert_eq!(record.all()[3].2.attempt, 1);
    assert_eq!(scope.live().depth().await.unwrap().dead, 0);
    assert_eq!(scope.live().room(TENANT).await.unwrap(), scope.live().cap());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_fails_for_good_is_a_dead_letter_at_once_and_the_oldest_letters_are_dropped() {
    let scope = Scope::new(QueueConfig {
        dead_letters: 3,
        ..impatient()
    });
    let worker = Worker::start(scope.live(), ConsumeOptions::new("test", 1), move |_, _| async {
        Err(JobError::fail("never"))
    });
    scope.live().push(TENANT, &jobs(0..5)).await.unwrap();
    drained(scope.live()).await;
    let numbers: Vec<u128> = scope
        .live()
        .dead(10)
        .await
        .unwrap()
        .into_iter()
        .map(|dead| number(&serde_json::from_value(dead.job).unwrap()))
        .collect();
    assert_eq!(numbers.len(), 3);
    assert!(numbers.contains(&4) && !numbers.contains(&0), "{numbers:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn panic_and_timeout_of_a_handler_count_as_failed_attempts() {
    let scope = Scope::new(impatient());
    let record = Record::default();
    let seen = record.clone();
    let options = ConsumeOptions {
        timeout: Duration::from_millis(100),
        ..ConsumeOptions::new("test", 1)
    };
    let worker = Worker::start(scope.live(), options, move |job, delivery| {
        seen.add(&job, delivery);
        async move {
            match delivery.attempt {
                1 => panic!("a bug"),
                2 => std::future::pending().await,
                _ => Ok(Outcome::Done),
            }
        }
    });
    scope.live().push(TENANT, &jobs(0..1)).await.unwrap();
    record.reaches(3).await;
    drained(scope.live()).await;
    assert_eq!(
        record
            .all()
            .iter()
            .map(|entry| entry.2.attempt)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(worker.is_running());
    worker.stop().await;
}
