//! Schedules: every tick once, whoever is there to fire it.

use crate::company::Company;
use crate::process::{Worker, until};
use rollcall_shared::store::runs::{self, Scope};
use rollcall_shared::store::schedules::{self, Schedule, Tick, Wanted};
use rollcall_worker::failpoints::TICK_FAILPOINT;
use uuid::Uuid;

/// Scope of a run that finds nobody.
fn somebody() -> Scope {
    Scope::Person(Uuid::new_v4())
}

/// A schedule that fired last before these hours.
async fn hourly(company: &Company, scope: Scope, hours_ago: i32) -> Uuid {
    let id = Uuid::now_v7();
    let wanted = Wanted {
        name: "Hourly".to_owned(),
        cron: "0 * * * *".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        scope,
        dry_run: false,
        paused: false,
    };
    let next = format!("select date_trunc('hour', now()) - make_interval(hours => {hours_ago})");
    let next = company.scalar(&next).await;
    let mut conn = company.pool.acquire().await.unwrap();
    schedules::put(&mut conn, company.tenant, id, &wanted, Some(next))
        .await
        .unwrap();
    id
}

async fn find(company: &Company, id: Uuid) -> (Schedule, Vec<Tick>) {
    let mut conn = company.pool.acquire().await.unwrap();
    let found = schedules::find(&mut conn, company.tenant, id).await.unwrap();
    let ticks = schedules::ticks(&mut conn, company.tenant, id, 100)
        .await
        .unwrap();
    (found.unwrap(), ticks)
}

const NOTHING_DUE: &str = "select not exists (select from schedules where due_at <= now())";
const ALL_DONE: &str = "select not exists (select from schedules where due_at <= now())
    and not exists (select from runs where phase <> 'done')";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ticks_that_many_workers_race_for_fire_once_each() {
    let company = Company::new().await;
    let mut ids = vec![];
    for _ in 0..40 {
        ids.push(hourly(&company, somebody(), 0).await);
    }
    let workers: Vec<Worker> = (0..4).map(|_| Worker::start(&company, &[])).collect();
    until(&company, ALL_DONE).await;
    for worker in workers {
        worker.stop().await;
    }
    for id in ids {
        let (schedule, ticks) = find(&company, id).await;
        assert_eq!(ticks.len(), 1, "{ticks:?}");
        assert_eq!(
            (ticks[0].outcome.as_str(), Some(&ticks[0])),
            ("started", schedule.last.as_ref())
        );
    }
    assert_eq!(company.scalar::<i64>("select count(*) from runs").await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn feeders_that_claim_one_tick_at_the_same_moment_start_one_run() {
    let company = Company::new().await;
    for _ in 0..20 {
        let id = hourly(&company, somebody(), 0).await;
        let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(6));
        let race = (0..6).map(|_| {
            let (pool, barrier) = (company.pool.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut tx = pool.begin().await.unwrap();
                barrier.wait().await;
                let claimed = schedules::claim(&mut tx).await.unwrap();
                if let Some(schedule) = &claimed {
                    let due =
                        rollcall_shared::schedule::Timetable::stored(&schedule.cron, "UTC".parse().unwrap());
                    let due = due.unwrap().due(schedule.tick, schedule.now);
                    schedules::fire(&mut tx, schedule, &due).await.unwrap();
                }
                tx.commit().await.unwrap();
                claimed.is_some()
            })
        });
        let won = futures::future::join_all(race).await;
        let won = won.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!((won, find(&company, id).await.1.len()), (1, 1));
    }
    assert_eq!(company.scalar::<i64>("select count(*) from runs").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ticks_missed_while_nobody_was_there_the_latest_fires_and_the_others_are_told() {
    let company = Company::new().await;
    let id = hourly(&company, Scope::Full, 5).await;
    let first = find(&company, id).await.0.next_tick.unwrap();
    let worker = Worker::start(&company, &[]);
    until(&company, ALL_DONE).await;
    worker.stop().await;
    let (schedule, ticks) = find(&company, id).await;
    let fired = schedule.last.unwrap();
    let missed = (fired.tick - first).num_hours() as usize;
    assert!(missed >= 5, "{fired:?}");
    let skipped = ticks
        .iter()
        .filter(|tick| tick.outcome == "skipped" && tick.run.is_none());
    assert_eq!((skipped.count(), ticks.len()), (missed, missed + 1));
    assert_eq!(ticks[0], fired, "the latest");
    assert_eq!(
        schedule.next_tick.unwrap() - fired.tick,
        chrono::TimeDelta::hours(1)
    );
    let mut conn = company.pool.acquire().await.unwrap();
    let runs = runs::list(&mut conn, company.tenant, None, 0, 10).await.unwrap();
    assert_eq!(
        runs.iter().map(|run| run.id).collect::<Vec<_>>(),
        [fired.run.unwrap()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tick_during_a_run_of_its_scope_is_that_run() {
    let company = Company::new().await;
    let mut conn = company.pool.acquire().await.unwrap();
    let (run, _) = runs::start(&mut conn, company.tenant, Scope::Full, false)
        .await
        .unwrap();
    // Nobody takes it on for a while.
    company
        .execute("update runs set due_at = now() + interval '1 hour'")
        .await;
    let id = hourly(&company, Scope::Full, 0).await;
    let worker = Worker::start(&company, &[]);
    until(&company, NOTHING_DUE).await;
    worker.stop().await;
    let last = find(&company, id).await.0.last.unwrap();
    assert_eq!((last.outcome.as_str(), last.run), ("joined", Some(run)));
    assert_eq!(company.scalar::<i64>("select count(*) from runs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_schedule_does_not_fire() {
    let company = Company::new().await;
    let paused = hourly(&company, somebody(), 0).await;
    let schedule = find(&company, paused).await.0;
    let wanted = Wanted {
        paused: true,
        ..schedule.wanted
    };
    let mut conn = company.pool.acquire().await.unwrap();
    schedules::put(&mut conn, company.tenant, paused, &wanted, None)
        .await
        .unwrap();
    let other = hourly(&company, somebody(), 0).await;
    let worker = Worker::start(&company, &[]);
    until(&company, ALL_DONE).await;
    worker.stop().await;
    assert_eq!(find(&company, other).await.1.len(), 1);
    let (schedule, ticks) = find(&company, paused).await;
    assert_eq!((schedule.next_tick, ticks), (None, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tick_whose_worker_dies_before_the_commit_fires_once_all_the_same() {
    let company = Company::new().await;
    let id = hourly(&company, somebody(), 0).await;
    let scenario = fail::FailScenario::setup();
    fail::cfg(TICK_FAILPOINT, "1*return").unwrap();
    let worker = Worker::start(&company, &[]);
    until(&company, ALL_DONE).await;
    worker.stop().await;
    let hits = rollcall_shared::failpoint::hits();
    assert_eq!(hits.get(TICK_FAILPOINT), Some(&1));
    scenario.teardown();
    assert_eq!(find(&company, id).await.1.len(), 1);
    assert_eq!(company.scalar::<i64>("select count(*) from runs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn schedule_of_another_version_is_left_alone_and_holds_up_no_other() {
    let company = Company::new().await;
    let strange = hourly(&company, somebody(), 1).await;
    company
        .execute("update schedules set time_zone = 'Mars/Olympus'")
        .await;
    let other = hourly(&company, somebody(), 0).await;
    let worker = Worker::start(&company, &[]);
    until(&company, ALL_DONE).await;
    worker.stop().await;
    assert_eq!(find(&company, other).await.1.len(), 1);
    let (schedule, ticks) = find(&company, strange).await;
    assert!(
        schedule.next_tick.is_some() && ticks.is_empty(),
        "{schedule:?} {ticks:?}"
    );
}
