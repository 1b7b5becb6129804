//! Start and end dates that drive the status, on the day, where the tenant is.
//!
//! Nobody waits for midnight here: between two zones whose clocks show the same it is a day.

use crate::company::{Company, ENTERPRISE, user};
use crate::process::{Worker, until};
use rollcall_shared::scim::ResourceType;
use rollcall_shared::settings::Settings;
use rollcall_shared::store::runs::{self, Run, Scope};
use rollcall_shared::store::{rules, schedules, settings};
use serde_json::json;

/// Where it is a day, and where it is the day after; neither changes within the next hour.
async fn today_and_tomorrow(company: &Company) -> (&'static str, &'static str) {
    let hour: i32 = company
        .scalar("select extract(hour from now() at time zone 'UTC')::int")
        .await;
    match hour {
        11 => ("Etc/GMT+11", "Etc/GMT-13"),
        _ => ("Etc/GMT+12", "Etc/GMT-12"),
    }
}

fn dated(zone: &str) -> Settings {
    Settings {
        time_zone: zone.parse().unwrap(),
        dates_drive_status: true,
        ..Settings::default()
    }
}

/// Settings that nobody is told of: only the day passes.
async fn silently(company: &Company, settings: &Settings) {
    let mut conn = company.pool.acquire().await.unwrap();
    settings::put(&mut conn, company.tenant, settings.clone())
        .await
        .unwrap();
}

/// What the API does when an operator changes settings.
async fn settle(company: &Company, settings: &Settings) {
    let mut tx = company.pool.begin().await.unwrap();
    settings::put(&mut tx, company.tenant, settings.clone())
        .await
        .unwrap();
    schedules::follow_dates(&mut tx, company.tenant, settings)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// People whose dates are told by days from now where it is `zone`.
async fn people(company: &Company, zone: &str) {
    let mut keys = vec![];
    for (name, start, end, active) in [
        ("begins-tomorrow", Some(1), None, true),
        ("begins-today", Some(0), None, true),
        ("begins-today-but-is-inactive", Some(0), None, false),
        ("ends-today", Some(-700), Some(0), true),
        ("ended-yesterday", None, Some(-1), true),
        ("ended-yesterday-and-is-inactive", None, Some(-1), false),
        ("has-no-dates", None, None, true),
        ("gone", Some(1), None, true),
    ] {
        let mut enterprise = json!({});
        for (attribute, days) in [("startDate", start), ("endDate", end)] {
            if let Some(days) = days {
                let day = format!("select ((now() at time zone '{zone}')::date + {days})::text");
                enterprise[attribute] = company.scalar::<String>(&day).await.into();
            }
        }
        let document = user(name, json!({ "active": active, ENTERPRISE: enterprise }));
        keys.push(company.put(name, document).await);
    }
    company.delete(ResourceType::User, "gone").await;
    company.apply(&keys).await;
    assert!(company.nothing_pending().await);
}

/// Everybody who is active, by name.
async fn active(company: &Company) -> Vec<String> {
    sqlx::query_scalar("select login from people where status = 'active' order by login collate \"C\"")
        .fetch_all(&company.pool)
        .await
        .unwrap()
}

const TODAY: [&str; 3] = ["begins-today", "ends-today", "has-no-dates"];
const TOMORROW: [&str; 3] = ["begins-today", "begins-tomorrow", "has-no-dates"];
const ALWAYS: [&str; 5] = [
    "begins-today",
    "begins-tomorrow",
    "ended-yesterday",
    "ends-today",
    "has-no-dates",
];

const SWEPT: &str = "select not exists (select from schedules where due_at <= now())
    and not exists (select from runs where phase <> 'done')";

async fn sweeps(company: &Company) -> Vec<Run> {
    let mut conn = company.pool.acquire().await.unwrap();
    runs::list(&mut conn, company.tenant, None, 0, 10).await.unwrap()
}

/// How many people the latest run put right, of how many it looked at.
async fn last_sweep(company: &Company) -> (Scope, i64, i64) {
    let run = sweeps(company).await.remove(0);
    let report = run.report.unwrap();
    let count = |name: &str| report[name].as_i64().unwrap();
    (run.scope, count("differing"), count("checked"))
}

#[tokio::test]
async fn dates_decide_nothing_unless_they_are_told_to() {
    let company = Company::new().await;
    let (zone, _) = today_and_tomorrow(&company).await;
    people(&company, zone).await;
    assert_eq!(active(&company).await, ALWAYS);
}

#[tokio::test]
async fn applied_status_is_that_of_the_day_where_the_tenant_is() {
    let company = Company::new().await;
    let (zone, tomorrow) = today_and_tomorrow(&company).await;
    silently(&company, &dated(zone)).await;
    people(&company, zone).await;
    assert_eq!(active(&company).await, TODAY);
    let gone: String = company
        .scalar("select status from people where login = 'gone'")
        .await;
    assert_eq!(gone, "deprovisioned");

    let ahead = Company::new().await;
    silently(&ahead, &dated(tomorrow)).await;
    people(&ahead, zone).await;
    assert_eq!(active(&ahead).await, TOMORROW);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_midnight_those_whose_day_came_change_and_nobody_else_is_looked_at() {
    let company = Company::new().await;
    let (zone, tomorrow) = today_and_tomorrow(&company).await;
    settle(&company, &dated(zone)).await;
    people(&company, zone).await;
    let worker = Worker::start(&company, &[]);
    until(&company, SWEPT).await;
    assert_eq!(
        last_sweep(&company).await,
        (Scope::Dates, 0, 0),
        "all are as they should be"
    );
    let next: bool = company
        .scalar("select next_tick > now() and next_tick <= now() + interval '25 hours' from schedules")
        .await;
    assert!(next, "the next midnight");

    silently(&company, &dated(tomorrow)).await;
    company
        .execute("update schedules set next_tick = now(), due_at = now()")
        .await;
    until(&company, SWEPT).await;
    assert_eq!(last_sweep(&company).await, (Scope::Dates, 2, 2));
    assert_eq!(active(&company).await, TOMORROW);
    let told: i64 = company
        .scalar("select count(*) from history where fields -> 'status' ->> 0 is not null")
        .await;
    assert_eq!(told, 2, "history says so");
    worker.stop().await;
    assert_eq!(sweeps(&company).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn midnights_missed_while_nobody_was_there_are_made_up_for_once() {
    let company = Company::new().await;
    let (zone, tomorrow) = today_and_tomorrow(&company).await;
    settle(&company, &dated(zone)).await;
    people(&company, zone).await;
    silently(&company, &dated(tomorrow)).await;
    company
        .execute(
            "update schedules set next_tick = now() - interval '3 days', due_at = now() - interval '3 days'",
        )
        .await;
    let workers = [Worker::start(&company, &[]), Worker::start(&company, &[])];
    until(&company, SWEPT).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(active(&company).await, TOMORROW);
    assert_eq!(sweeps(&company).await.len(), 1);
    let skipped: i64 = company
        .scalar("select count(*) from schedule_ticks where outcome = 'skipped'")
        .await;
    assert!((2..=4).contains(&skipped), "{skipped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_that_is_changed_is_followed_at_once_and_back_again() {
    let company = Company::new().await;
    let (zone, tomorrow) = today_and_tomorrow(&company).await;
    people(&company, zone).await;
    let worker = Worker::start(&company, &[]);
    let off = Settings::default();
    for (settings, expected) in [
        (dated(zone), &TODAY[..]),
        (dated(tomorrow), &TOMORROW),
        (off, &ALWAYS),
    ] {
        settle(&company, &settings).await;
        until(&company, SWEPT).await;
        assert_eq!(active(&company).await, expected);
    }
    worker.stop().await;
    let stopped: bool = company.scalar("select next_tick is null from schedules").await;
    assert!(stopped, "dates that decide nothing are not looked at every day");
}

#[tokio::test(flavor = "multi_thread")]
async fn full_run_repairs_what_the_dates_say() {
    let company = Company::new().await;
    let (zone, tomorrow) = today_and_tomorrow(&company).await;
    silently(&company, &dated(zone)).await;
    people(&company, zone).await;
    silently(&company, &dated(tomorrow)).await;
    let mut conn = company.pool.acquire().await.unwrap();
    runs::start(&mut conn, company.tenant, Scope::Full, false)
        .await
        .unwrap();
    let worker = Worker::start(&company, &[]);
    until(&company, SWEPT).await;
    worker.stop().await;
    assert_eq!(active(&company).await, TOMORROW);
    assert_eq!(last_sweep(&company).await.1, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_waits_for_whoever_applies_by_the_rules_of_before() {
    let company = Company::new().await;
    let (zone, _) = today_and_tomorrow(&company).await;
    people(&company, zone).await;
    // An apply that has read the rules and is not through yet.
    let applying = rules::begin(&company.pool, company.tenant).await.unwrap();
    settle(&company, &dated(zone)).await;
    let worker = Worker::start(&company, &[]);
    let waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)";
    until(&company, waits).await;
    let phase: String = company.scalar("select phase from runs").await;
    assert_eq!(phase, "plan");
    assert_eq!(active(&company).await, ALWAYS);
    applying.commit().await.unwrap();
    until(&company, SWEPT).await;
    worker.stop().await;
    assert_eq!(active(&company).await, TODAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_under_way_when_the_setting_changes_is_followed_by_another() {
    let company = Company::new().await;
    let (zone, _) = today_and_tomorrow(&company).await;
    people(&company, zone).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let (first, _) = runs::start(&mut conn, company.tenant, Scope::Dates, false)
        .await
        .unwrap();
    // It has looked already, and finds nobody any more.
    company
        .execute(
            "update runs set phase = 'reconcile', started_at = now(), due_at = now() + interval '2 seconds'",
        )
        .await;
    settle(&company, &dated(zone)).await;
    let worker = Worker::start(&company, &[]);
    until(
        &company,
        "select count(*) = 2 and bool_and(phase = 'done') from runs",
    )
    .await;
    worker.stop().await;
    assert_eq!(active(&company).await, TODAY);
    let mut conn = company.pool.acquire().await.unwrap();
    let schedule = schedules::list(&mut conn, company.tenant, None)
        .await
        .unwrap()
        .remove(0);
    let last = schedule.last.unwrap();
    assert_eq!(last.outcome, "started");
    assert_ne!(last.run, Some(first));
}
